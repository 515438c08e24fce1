/**
 * Levels between the smallest and the largest value of a block: Q4_1 and Q5_1 without importances.
 *
 * ```text
 *    smallest = m                                  largest
 *       |---------|---------|---------| ... |---------|
 *       0         1         2                  largest level      d apart
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_1_ref)
 * @module
 */
import { inverseOf } from './extremes.js';

/** Largest finite float32, C's `FLT_MAX`. */
const FLOAT32_MAX = 2 ** 128 - 2 ** 104;

/** A scale and an offset in float32: a value is `d * level + m`. */
export interface ScaleAndOffset {
  /** How far levels are apart. */
  readonly d: number;
  /** The value of level 0. */
  readonly m: number;
}

/** Fits `levels` from 0 to `largestLevel` to as many of `values` from `first` on. */
export function fitOffsetLevels(
  values: Float32Array,
  first: number,
  largestLevel: number,
  levels: Uint8Array,
): ScaleAndOffset {
  let smallest = FLOAT32_MAX; // what a block of NaN keeps
  let largest = -FLOAT32_MAX;
  for (let i = 0; i < levels.length; i++) {
    const value = values[first + i]!;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  const d = Math.fround(Math.fround(largest - smallest) / largestLevel);
  const inverse = inverseOf(d);
  for (let i = 0; i < levels.length; i++) {
    const scaled = Math.fround(Math.fround(values[first + i]! - smallest) * inverse);
    levels[i] = Math.min(largestLevel, Math.fround(scaled + 0.5) | 0);
  }
  return { d, m: smallest };
}
