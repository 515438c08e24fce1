/**
 * How IQ1_S and IQ1_M write eight values: a point of -1, 0 and 1, moved up or down by an eighth.
 *
 * So none of the three values is ever zero, and the shift makes two sets of three: -7/8, 1/8, 9/8 and their
 * negatives.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (IQ1S_DELTA)
 * @module
 */
import type { Cursor } from './grid-points.js';
import { gridOf } from './grids.js';

/** How far the three levels are moved. */
export const SHIFT = 0.125;

/** Values of a point. */
export const POINT_ELEMENTS = 8;

/** Writes the eight values of a point, moved by `shift`, times `scale`. */
export function writeShiftedPoint(cursor: Cursor, point: number, scale: number, shift: number): void {
  const { values } = gridOf('iq1_s');
  for (let i = 0; i < POINT_ELEMENTS; i++) {
    cursor.out[cursor.at++] = scale * (values[point * POINT_ELEMENTS + i]! + shift);
  }
}
