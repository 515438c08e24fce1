/**
 * The scale of a group whose levels lie on both sides of zero, by weighted least squares.
 *
 * The value of largest magnitude is put on the lowest level (which has no partner above zero), and then scales a little
 * larger and smaller are tried: of each the levels are fixed first, and the scale that suits them best follows.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (make_qx_quants, make_q3_quants)
 * @module
 */
import { extremeOf } from './extremes.js';
import { nearestInt } from './nearest-int.js';

/** A largest magnitude below this counts as zero. */
const SMALLEST = Math.fround(1e-15);

/** Trials to either side, and by how much the lowest level differs from trial to trial. */
const TRIES = 9;
const STEP = Math.fround(0.1);

/** How often all values are gone through in search of better levels. */
const ROUNDS = 5;

const f = Math.fround;

/**
 * Fits a scale to `values`, with levels from `-top` to `top - 1`; `levels` gets them with `top` added, so from 0 on.
 * Without weights each value counts by its square. Returns the scale, 0 where all values are zero.
 */
export function fitScale(
  values: Float32Array,
  weights: Float32Array | undefined,
  top: number,
  levels: Uint8Array,
): number {
  const extreme = extremeOf(values, 0, values.length);
  if (Math.abs(extreme) < SMALLEST) {
    levels.fill(0);
    return 0;
  }
  const sums = { valueLevel: 0, levelLevel: 0 };
  setLevels(values, f(-top / extreme), top, levels);
  addUp(values, weights, levels, top, sums);
  let scale = sums.levelLevel === 0 ? 0 : f(sums.valueLevel / sums.levelLevel);
  let best = f(scale * sums.valueLevel);
  const tried = new Uint8Array(values.length);
  for (let attempt = -TRIES; attempt <= TRIES; attempt++) {
    if (attempt === 0) continue;
    setLevels(values, f(f(-f(top + f(STEP * attempt))) / extreme), top, tried);
    addUp(values, weights, tried, top, sums);
    const { valueLevel, levelLevel } = sums;
    if (levelLevel > 0 && f(valueLevel * valueLevel) > f(best * levelLevel)) {
      levels.set(tried);
      scale = f(valueLevel / levelLevel);
      best = f(scale * valueLevel);
    }
  }
  return scale;
}

function setLevels(values: Float32Array, inverse: number, top: number, levels: Uint8Array): void {
  for (let i = 0; i < values.length; i++) levels[i] = top + within(nearestInt(f(inverse * values[i]!)), top);
}

/** The level, moved into -top to top - 1. */
function within(level: number, top: number): number {
  return Math.max(-top, Math.min(top - 1, level));
}

interface Sums {
  valueLevel: number;
  levelLevel: number;
}

function addUp(
  values: Float32Array,
  weights: Float32Array | undefined,
  levels: Uint8Array,
  top: number,
  sums: Sums,
): void {
  sums.valueLevel = 0;
  sums.levelLevel = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const level = levels[i]! - top;
    const weight = weights === undefined ? f(value * value) : weights[i]!;
    sums.valueLevel = f(sums.valueLevel + f(f(weight * value) * level));
    sums.levelLevel = f(sums.levelLevel + f(f(weight * level) * level));
  }
}

/**
 * As {@link fitScale} without weights, but instead of other scales other levels are tried, one value at a time, as long as
 * that makes the fit better.
 */
export function fitScaleByMoving(values: Float32Array, top: number, levels: Uint8Array): number {
  const extreme = extremeOf(values, 0, values.length);
  if (Math.abs(extreme) < SMALLEST) {
    levels.fill(0);
    return 0;
  }
  const sums = { valueLevel: 0, levelLevel: 0 };
  setLevels(values, f(-top / extreme), top, levels);
  addUp(values, undefined, levels, top, sums);
  for (let round = 0; round < ROUNDS; round++) if (!moveLevels(values, top, levels, sums)) break;
  return sums.levelLevel > 0 ? f(sums.valueLevel / sums.levelLevel) : 0;
}

/** Moves each value to a better level where there is one; whether any was moved. */
function moveLevels(values: Float32Array, top: number, levels: Uint8Array, sums: Sums): boolean {
  let moved = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    const weight = f(value * value);
    const level = levels[i]! - top;
    let valueLevel = f(sums.valueLevel - f(f(weight * value) * level));
    if (!(valueLevel > 0)) continue;
    let levelLevel = f(sums.levelLevel - f(f(weight * level) * level));
    const better = within(nearestInt(f(f(value * levelLevel) / valueLevel)), top);
    if (better === level) continue;
    valueLevel = f(valueLevel + f(f(weight * value) * better));
    levelLevel = f(levelLevel + f(f(weight * better) * better));
    const gain = f(f(valueLevel * valueLevel) * sums.levelLevel);
    if (levelLevel > 0 && gain > f(f(sums.valueLevel * sums.valueLevel) * levelLevel)) {
      levels[i] = better + top;
      sums.valueLevel = valueLevel;
      sums.levelLevel = levelLevel;
      moved = true;
    }
  }
  return moved;
}
