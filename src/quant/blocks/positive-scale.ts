/**
 * The scale that fits levels 0, 1, ... to numbers that are hardly ever negative, by weighted least squares.
 *
 * ggml fits the scales of groups with it, and IQ2_XXS its first guess. It tries nine scales around the largest
 * value, takes the best, and then moves single values to other levels as long as that makes the fit better.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (make_qp_quants)
 * @module
 */
import { nearestInt } from './nearest-int.js';

/** A largest value below this counts as zero. */
const SMALLEST = Math.fround(1e-15);

/** Trials to either side. */
const TRIES = 4;

/** By how much the top level differs from trial to trial. */
const STEP = Math.fround(0.1);

/** How often all values are gone through in search of better levels. */
const ROUNDS = 5;

/** The sums of least squares: of weight * value * level, and of weight * level^2. */
interface Sums {
  valueLevel: number;
  levelLevel: number;
}

/** The scale for the levels 0 to `top`; 0 where all values are. `levels` gets the level of each value. */
export function fitPositiveScale(
  values: Float32Array,
  weights: Float32Array,
  top: number,
  levels: Uint8Array = new Uint8Array(values.length),
): number {
  let largest = 0;
  for (const value of values) largest = largest > value ? largest : value;
  if (largest < SMALLEST) {
    levels.fill(0);
    return 0;
  }
  const inverse = bestInverse(values, weights, top, largest);
  const sums: Sums = { valueLevel: 0, levelLevel: 0 };
  for (let i = 0; i < values.length; i++) {
    const level = Math.min(top, nearestInt(Math.fround(inverse * values[i]!)));
    levels[i] = level;
    addTo(sums, weights[i]!, values[i]!, level);
  }
  for (let round = 0; round < ROUNDS; round++) {
    if (!moveLevels(values, weights, levels, top, sums)) break;
  }
  return sums.levelLevel > 0 ? Math.fround(sums.valueLevel / sums.levelLevel) : 0;
}

function addTo(sums: Sums, weight: number, value: number, level: number): void {
  sums.valueLevel = Math.fround(sums.valueLevel + Math.fround(Math.fround(weight * value) * level));
  sums.levelLevel = Math.fround(sums.levelLevel + Math.fround(Math.fround(weight * level) * level));
}

function bestInverse(values: Float32Array, weights: Float32Array, top: number, largest: number): number {
  let best = Math.fround(top / largest);
  // the levels of the first guess are bytes in ggml, which shows where a value is negative
  let least = errorOf(values, weights, best, (level) => level & 255);
  for (let attempt = -TRIES; attempt <= TRIES; attempt++) {
    if (attempt === 0) continue;
    const inverse = Math.fround(Math.fround(Math.fround(STEP * attempt) + top) / largest);
    const error = errorOf(values, weights, inverse, (level) => Math.min(top, level));
    if (error < least) {
      least = error;
      best = inverse;
    }
  }
  return best;
}

function errorOf(values: Float32Array, weights: Float32Array, inverse: number, cut: (level: number) => number): number {
  const scale = Math.fround(1 / inverse);
  let error = 0;
  for (let i = 0; i < values.length; i++) {
    const level = cut(nearestInt(Math.fround(inverse * values[i]!)));
    const difference = Math.fround(values[i]! - Math.fround(scale * level));
    error = Math.fround(error + Math.fround(Math.fround(weights[i]! * difference) * difference));
  }
  return error;
}

/** Goes through all values once; whether the level of any changed. */
function moveLevels(values: Float32Array, weights: Float32Array, levels: Uint8Array, top: number, sums: Sums): boolean {
  let changed = false;
  for (let i = 0; i < values.length; i++) {
    const weight = weights[i]!;
    const value = values[i]!;
    const level = levels[i]!;
    const without: Sums = {
      valueLevel: Math.fround(sums.valueLevel - Math.fround(Math.fround(weight * value) * level)),
      levelLevel: Math.fround(sums.levelLevel - Math.fround(Math.fround(weight * level) * level)),
    };
    if (!(without.valueLevel > 0 && without.levelLevel > 0)) continue;
    const ratio = Math.fround(Math.fround(value * without.levelLevel) / without.valueLevel);
    const moved = Math.min(top, nearestInt(ratio));
    if (moved === level) continue;
    addTo(without, weight, value, moved);
    if (explains(without, sums)) {
      levels[i] = moved;
      Object.assign(sums, without);
      changed = true;
    }
  }
  return changed;
}

/** Whether the square error under the sums `a` is less than under `b`. */
function explains(a: Sums, b: Sums): boolean {
  const left = Math.fround(Math.fround(a.valueLevel * a.valueLevel) * b.levelLevel);
  return left > Math.fround(Math.fround(b.valueLevel * b.valueLevel) * a.levelLevel);
}
