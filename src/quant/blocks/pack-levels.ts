/**
 * Levels of a block as bytes: two of four bits to a byte, and the fifth bits apart.
 *
 * The two levels in a byte are not neighbours: the first half of a block fills the low nibbles and the second half
 * the high ones, which lets vector code take a block apart with one mask and one shift.
 *
 * ```text
 *   byte         0             1              n/2 - 1
 *         +-------------+-------------+     +-------------+
 *         | n/2   |  0  | n/2+1 |  1  | ... | n-1 | n/2-1 |   level numbers, high nibble | low nibble
 *         +-------------+-------------+     +-------------+
 * ```
 *
 * @module
 */

/** Writes the low four bits of all `levels` to `levels.length / 2` bytes from `at` on. */
export function packNibbles(levels: Uint8Array, out: Uint8Array, at: number): void {
  const half = levels.length / 2;
  for (let i = 0; i < half; i++) out[at + i] = (levels[i]! & 0x0f) | (levels[half + i]! << 4);
}

/** Writes the fifth bits of 32 `levels` to four bytes from `at` on: level i is bit i, little-endian. */
export function packFifthBits(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let byte = 0; byte < 4; byte++) {
    let bits = 0;
    for (let bit = 0; bit < 8; bit++) bits |= ((levels[8 * byte + bit]! >>> 4) & 1) << bit;
    out[at + byte] = bits;
  }
}

/** The four bytes from `at` on as one word, little-endian: bit i is the fifth bit of level i. */
export function readFifthBits(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
