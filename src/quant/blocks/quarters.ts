/**
 * Levels of two bits, four to a byte: Q2_K and Q3_K.
 *
 * The four levels of a byte are not neighbours. Each half of a super-block fills 32 bytes; byte i of them has the values i,
 * 32 + i, 64 + i and 96 + i of that half, the first in the lowest bits.
 *
 * @module
 */

/** Packs the low two bits of 256 levels into the 64 bytes from `at` on. */
export function packQuarters(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let half = 0; half < 2; half++) {
    for (let i = 0; i < 32; i++) {
      let byte = 0;
      for (let run = 0; run < 4; run++) byte |= (levels[128 * half + 32 * run + i]! & 3) << (2 * run);
      out[at + 32 * half + i] = byte;
    }
  }
}

/** The two bits of value `index`, 0 to 255, from the 64 bytes from `at` on. */
export function quarterOf(blocks: Uint8Array, at: number, index: number): number {
  const byte = blocks[at + 32 * (index >>> 7) + (index & 31)]!;
  return (byte >>> (2 * ((index >>> 5) & 3))) & 3;
}
