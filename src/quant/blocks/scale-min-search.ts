/**
 * The scale and the smallest value of a group whose levels are counted from that value, by weighted least squares.
 *
 * Levels are fixed for one trial scale after the other; from them follow the scale and the minimum that suit them
 * best, as the line through points; the trial that errs least wins. One surprise is part of the bytes: a trial starts from the
 * minimum of the best trial before it, not from the smallest value.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (make_qkx2_quants, make_qkx3_quants)
 * @module
 */
import { nearestInt } from './nearest-int.js';

/** Which scales are tried, and how errors count. */
export interface ScaleMinSearch {
  /** Highest level. */
  readonly top: number;
  /** What the first trial adds to the highest level. */
  readonly from: number;
  /** By how much the trials differ. */
  readonly step: number;
  /** Number of trials after the first. */
  readonly steps: number;
  /** Whether the absolute error counts, not its square. */
  readonly absolute?: boolean;
}

/** What was found: a value is `scale * level - offset`, both not negative but for what float32 leaves. */
export interface ScaleAndOffset {
  /** How far levels are apart. */
  scale: number;
  /** By how much level 0 lies below zero. */
  offset: number;
}

const f = Math.fround;

/** The searches of ggml that are the same for several formats. */
export const IMPORTANCE_SEARCH = { from: f(-0.9), step: f(0.05), steps: 36 } as const;

interface Fit {
  readonly values: Float32Array;
  readonly weights: Float32Array;
  readonly search: ScaleMinSearch;
  readonly sumWeights: number;
  readonly sumValues: number;
  readonly largest: number;
}

const tried = new Uint8Array(32);

/** Fits scale and offset to `values`; `levels` gets the level of each. */
export function fitScaleAndOffset(
  values: Float32Array,
  weights: Float32Array,
  search: ScaleMinSearch,
  levels: Uint8Array,
): ScaleAndOffset {
  let min = values[0]!;
  let max = values[0]!;
  let sumWeights = weights[0]!;
  let sumValues = f(sumWeights * values[0]!);
  for (let i = 1; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value > max) max = value;
    sumWeights = f(sumWeights + weights[i]!);
    sumValues = f(sumValues + f(weights[i]! * value));
  }
  if (min > 0) min = 0;
  if (max <= min) {
    levels.fill(0);
    return { scale: 0, offset: -min };
  }
  return tryScales({ values, weights, search, sumWeights, sumValues, largest: max }, min, levels);
}

function tryScales(fit: Fit, smallest: number, levels: Uint8Array): ScaleAndOffset {
  const { search, largest, values } = fit;
  const { top, from, step, steps } = search;
  let min = smallest;
  const inverse = f(top / f(largest - min));
  let scale = f(1 / inverse);
  for (let i = 0; i < values.length; i++) {
    levels[i] = Math.max(0, Math.min(top, nearestInt(f(inverse * f(values[i]! - min)))));
  }
  let least = errorOf(fit, levels, scale, min);
  const current = { scale: 0, offset: 0 };
  for (let trial = 0; trial <= steps; trial++) {
    const trialInverse = f(f(f(from + f(step * trial)) + top) / f(largest - min));
    if (!lineThrough(fit, trialInverse, min, current)) continue;
    const error = errorOf(fit, tried, current.scale, current.offset);
    if (!(error < least)) continue; // a NaN on either side: the levels stay
    levels.set(tried.subarray(0, levels.length));
    least = error;
    scale = current.scale;
    min = current.offset;
  }
  return { scale, offset: -min };
}

/** Fixes the levels of a trial, and fits the line to them; false where they do not determine one. */
function lineThrough(fit: Fit, inverse: number, min: number, line: ScaleAndOffset): boolean {
  const { values, weights, search, sumWeights, sumValues } = fit;
  let sumLevels = 0;
  let sumSquares = 0;
  let sumProducts = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    // rounded first and cut off then, as llama.cpp 0.5.0 does: ggml's later source cuts first, which differs where the
    // minimum has come so near to the largest value that a level leaves the range of nearestInt
    const level = Math.max(0, Math.min(search.top, nearestInt(f(inverse * f(value - min)))));
    tried[i] = level;
    const weighted = f(weights[i]! * level);
    sumLevels = f(sumLevels + weighted);
    sumSquares = f(sumSquares + f(weighted * level));
    sumProducts = f(sumProducts + f(weighted * value));
  }
  const determinant = f(f(sumWeights * sumSquares) - f(sumLevels * sumLevels));
  if (!(determinant > 0)) return false;
  line.scale = f(f(f(sumWeights * sumProducts) - f(sumValues * sumLevels)) / determinant);
  line.offset = f(f(f(sumSquares * sumValues) - f(sumLevels * sumProducts)) / determinant);
  if (line.offset > 0) {
    line.offset = 0;
    line.scale = f(sumProducts / sumSquares);
  }
  return true;
}

function errorOf({ values, weights, search }: Fit, levels: Uint8Array, scale: number, min: number): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const difference = f(f(f(scale * levels[i]!) + min) - values[i]!);
    const error = search.absolute === true ? Math.abs(difference) : f(difference * difference);
    sum = f(sum + f(weights[i]! * error));
  }
  return sum;
}
