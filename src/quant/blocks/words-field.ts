/**
 * Words inside a block, at any byte position, little-endian.
 *
 * ```text
 *   byte   at      at + 1    at + 2     at + 3
 *         +-------+---------+----------+----------+
 *         | 7...0 | 15...8  | 23...16  | 31...24  |   bits
 *         +-------+---------+----------+----------+
 * ```
 *
 * @see ./half-field.ts
 * @module
 */

/** The word of 16 bits at byte `at`. */
export function readShort(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

/** The word of 32 bits at byte `at`, not negative. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (readShort(bytes, at) | (readShort(bytes, at + 2) << 16)) >>> 0;
}

/** Writes the lowest 16 bits of a number at byte `at`. */
export function writeShort(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
}

/** Writes the lowest 32 bits of a number at byte `at`. */
export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  writeShort(bytes, at, word);
  writeShort(bytes, at + 2, word >>> 16);
}
