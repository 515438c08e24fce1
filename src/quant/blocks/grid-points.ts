/**
 * How the IQ2 and IQ3 formats write a run of 8 values: one or two points of a grid, and a byte of signs.
 *
 * The grids hold magnitudes only. Some formats store just seven signs of a run: the eighth follows from them, as the
 * number of minus signs is always even there, and the quantizer turns the least important sign where it is not.
 *
 * ```text
 *   bit   7         6 5 4 3 2 1 0
 *        +--------+---------------+
 *        | parity | signs 6 ... 0 |   a set bit is a minus
 *        +--------+---------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (ksigns_iq2xs)
 * @module
 */
import type { Grid } from './grids.js';

/** Values of a block in all formats of the family but IQ4_NL. */
export const BLOCK_ELEMENTS = 256;

/** The eight signs that seven stand for; higher bits of `seven` do not matter. */
export function evenSigns(seven: number): number {
  let parity = seven & 0x7f;
  parity ^= parity >>> 4;
  parity ^= parity >>> 2;
  parity ^= parity >>> 1;
  return (seven & 0x7f) | ((parity & 1) << 7);
}

/** Four times seven signs in a word of 32 bits, whose top 4 bits stay zero. */
export function packSigns(sevens: Uint8Array): number {
  return sevens[0]! | (sevens[1]! << 7) | (sevens[2]! << 14) | (sevens[3]! << 21);
}

/** A place that values are written to, from the first to the last. */
export interface Cursor {
  readonly out: Float32Array;
  /** Index of the next value. */
  at: number;
}

/** Writes a point times `scale`; the lowest bits of `signs` turn the values around. */
export function writePoint(cursor: Cursor, grid: Grid, point: number, scale: number, signs: number): void {
  const { dim, values } = grid;
  for (let i = 0; i < dim; i++) {
    const magnitude = Math.fround(scale * values[point * dim + i]!);
    cursor.out[cursor.at++] = (signs >>> i) & 1 ? -magnitude : magnitude;
  }
}
