/**
 * ggml's rounding to the nearest whole number, ties to even, by adding 1.5 * 2^23.
 *
 * ```text
 *  31 30        23 22 21                      0
 * +--+------------+--+------------------------+
 * |0 |  exponent  |1 | the whole number       |   float32 of 12582912 + x: its unit is 1
 * +--+------------+--+------------------------+
 * ```
 *
 * It is meant for magnitudes below 2^22. What it makes of others, of infinity (-4194304) and of NaN (0), is the
 * same here, as it reads the bits just so.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (nearest_int)
 * @module
 */
import { bitsOf } from '../words.js';

/** 1.5 * 2^23. */
const SHIFTER = 12582912;

const sum = new Float32Array(1);
const sumBits = bitsOf(sum);

/** The whole number nearest to a float32. */
export function nearestInt(value: number): number {
  sum[0] = value + SHIFTER;
  return (sumBits[0]! & 0x7fffff) - 0x400000;
}
