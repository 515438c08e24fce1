/**
 * The scale of four groups of 16 at a time, levels on both sides of zero: `quant/blocks/scale-search.ts`, a group in
 * each lane.
 *
 * @module
 */
import { groupInverses, groupScales, groupZeros, turnedValues, turnedWeights } from './turned-groups';

/** A largest magnitude below this counts as zero. */
const SMALLEST: f32 = 1e-15;

/** Bytes of sixteen vectors. */
const VECTORS: usize = 256;

/** Weight times value, for eight groups. */
const products = memory.data(512, 16);

let extreme = f32x4.splat(0);

/** The value of largest magnitude in each lane, of equal ones the first, into `extreme`; returns the magnitudes. */
// @ts-ignore: decorator
@inline
function largestMagnitudes(values: usize): v128 {
  let magnitude = f32x4.splat(0);
  let signed = f32x4.splat(0);
  for (let at: usize = 0; at < VECTORS; at += 16) {
    const value = v128.load(values + at);
    const size = f32x4.abs(value);
    const larger = f32x4.gt(size, magnitude);
    magnitude = v128.bitselect(size, magnitude, larger);
    signed = v128.bitselect(value, signed, larger);
  }
  extreme = signed;
  return magnitude;
}

/**
 * Searches eight groups whose vectors stand at `place` of the turned values and weights, and stores scales and
 * inverses for the groups from `group` on. `top` is a constant wherever this is called. Two sets of four groups are
 * summed side by side, as one would wait for its own additions.
 */
// @ts-ignore: decorator
@inline
export function searchScales(place: usize, group: usize, top: f32): void {
  const values = turnedValues + place;
  const weights = turnedWeights + place;
  const zeroA = f32x4.lt(largestMagnitudes(values), f32x4.splat(SMALLEST));
  const extremeA = extreme;
  const zeroB = f32x4.lt(largestMagnitudes(values + VECTORS), f32x4.splat(SMALLEST));
  const extremeB = extreme;
  for (let at: usize = 0; at < 2 * VECTORS; at += 16) {
    v128.store(products + at, f32x4.mul(v128.load(weights + at), v128.load(values + at)));
  }
  let scaleA = f32x4.splat(0);
  let bestA = f32x4.splat(0);
  let inverseA = f32x4.splat(0);
  let scaleB = f32x4.splat(0);
  let bestB = f32x4.splat(0);
  let inverseB = f32x4.splat(0);
  for (let trial = 0; trial < 19; trial++) {
    // the first trial is the one without a step; what is wanted is -(top + step) / extreme
    const attempt = trial == 0 ? 0 : trial <= 9 ? trial - 10 : trial - 9;
    const range = f32x4.splat(-(top + <f32>0.1 * <f32>attempt));
    const trialA = v128.andnot(f32x4.div(range, extremeA), zeroA);
    const trialB = v128.andnot(f32x4.div(range, extremeB), zeroB);
    let valueLevelA = f32x4.splat(0);
    let levelLevelA = f32x4.splat(0);
    let valueLevelB = f32x4.splat(0);
    let levelLevelB = f32x4.splat(0);
    for (let at: usize = 0; at < VECTORS; at += 16) {
      const levelA = levelOf(v128.load(values + at), trialA, top);
      valueLevelA = f32x4.add(valueLevelA, f32x4.mul(v128.load(products + at), levelA));
      levelLevelA = f32x4.add(levelLevelA, f32x4.mul(f32x4.mul(v128.load(weights + at), levelA), levelA));
      const levelB = levelOf(v128.load(values + at, VECTORS), trialB, top);
      valueLevelB = f32x4.add(valueLevelB, f32x4.mul(v128.load(products + at, VECTORS), levelB));
      levelLevelB = f32x4.add(levelLevelB, f32x4.mul(f32x4.mul(v128.load(weights + at, VECTORS), levelB), levelB));
    }
    const betterA = isBetter(trial, valueLevelA, levelLevelA, bestA);
    const betterB = isBetter(trial, valueLevelB, levelLevelB, bestB);
    const fitA = scaleOf(valueLevelA, levelLevelA);
    const fitB = scaleOf(valueLevelB, levelLevelB);
    scaleA = v128.bitselect(fitA, scaleA, betterA);
    scaleB = v128.bitselect(fitB, scaleB, betterB);
    bestA = v128.bitselect(f32x4.mul(fitA, valueLevelA), bestA, betterA);
    bestB = v128.bitselect(f32x4.mul(fitB, valueLevelB), bestB, betterB);
    inverseA = v128.bitselect(trialA, inverseA, betterA);
    inverseB = v128.bitselect(trialB, inverseB, betterB);
  }
  v128.store(groupScales + group * 4, v128.andnot(scaleA, zeroA));
  v128.store(groupScales + group * 4, v128.andnot(scaleB, zeroB), 16);
  v128.store(groupInverses + group * 4, inverseA);
  v128.store(groupInverses + group * 4, inverseB, 16);
  v128.store(groupZeros + group * 4, zeroA);
  v128.store(groupZeros + group * 4, zeroB, 16);
}

/** The level as float32; a value times the inverse never exceeds the levels by much. */
// @ts-ignore: decorator
@inline
function levelOf(value: v128, inverse: v128, top: f32): v128 {
  const rounded = f32x4.nearest(f32x4.mul(inverse, value));
  return f32x4.pmin(f32x4.splat(top - 1), f32x4.pmax(f32x4.splat(-top), rounded));
}

// @ts-ignore: decorator
@inline
function isBetter(trial: i32, valueLevel: v128, levelLevel: v128, best: v128): v128 {
  if (trial == 0) return i32x4.splat(-1);
  const gain = f32x4.gt(f32x4.mul(valueLevel, valueLevel), f32x4.mul(best, levelLevel));
  return v128.and(f32x4.gt(levelLevel, f32x4.splat(0)), gain);
}

/** The scale of the sums; zero where no value has a level. */
// @ts-ignore: decorator
@inline
function scaleOf(valueLevel: v128, levelLevel: v128): v128 {
  return v128.andnot(f32x4.div(valueLevel, levelLevel), f32x4.eq(levelLevel, f32x4.splat(0)));
}
