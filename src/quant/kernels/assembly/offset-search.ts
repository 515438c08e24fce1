/**
 * Scale and minimum of eight groups at a time: `quant/blocks/scale-min-search.ts`, a group in each lane of two vectors.
 *
 * A sum waits for its last addition, so two sets of four groups go side by side. Levels are rounded and cut off as
 * float32, which takes three instructions; they are right as long as nothing exceeds 2^22. Where it could (a trial can start from a
 * minimum that lies close to the largest value), the trial is made with whole numbers, and makes what ggml makes of them.
 *
 * @module
 */
import {
  groupInverses,
  groupMinima,
  groupOffsets,
  groupScales,
  nearestWithin,
  turnedValues,
  turnedWeights,
} from './turned-groups';

/** Below this, rounding in float32 is right. */
const TAME: f32 = 4000000;

/** Levels of a trial, as float32 in the places of the values. */
const trialLevels = memory.data(1024, 16);

/** What does not change from trial to trial, of each of two sets of four groups. */
let lowestA = f32x4.splat(0);
let largestA = f32x4.splat(0);
let weightSumA = f32x4.splat(0);
let valueSumA = f32x4.splat(0);
let flatA = f32x4.splat(0);
let lowestB = f32x4.splat(0);
let largestB = f32x4.splat(0);
let weightSumB = f32x4.splat(0);
let valueSumB = f32x4.splat(0);
let flatB = f32x4.splat(0);

/** The sums of a trial. */
let levelSumA = f32x4.splat(0);
let squareSumA = f32x4.splat(0);
let productSumA = f32x4.splat(0);
let levelSumB = f32x4.splat(0);
let squareSumB = f32x4.splat(0);
let productSumB = f32x4.splat(0);
let errorA = f32x4.splat(0);
let errorB = f32x4.splat(0);

/** The line through values over levels. */
let trialScale = f32x4.splat(0);
let trialMinimum = f32x4.splat(0);
let determinant = f32x4.splat(0);

/**
 * Searches eight groups whose vectors stand at `place` of the turned values and weights, and stores what it finds
 * for the groups from `group` on. `bytes` is 256 for groups of 16 values, 512 for groups of 32; the other arguments are
 * those of `ScaleMinSearch`, and constants wherever this is called.
 */
// @ts-ignore: decorator
@inline
export function searchOffsets(
  place: usize,
  group: usize,
  bytes: usize,
  top: f32,
  from: f32,
  delta: f32,
  steps: i32,
  absolute: bool,
): void {
  const zero = f32x4.splat(0);
  begin(place, bytes);
  let minimumA = v128.andnot(lowestA, f32x4.gt(lowestA, zero));
  let minimumB = v128.andnot(lowestB, f32x4.gt(lowestB, zero));
  flatA = f32x4.le(largestA, minimumA);
  flatB = f32x4.le(largestB, minimumB);
  let bestInverseA = v128.andnot(f32x4.div(f32x4.splat(top), f32x4.sub(largestA, minimumA)), flatA);
  let bestInverseB = v128.andnot(f32x4.div(f32x4.splat(top), f32x4.sub(largestB, minimumB)), flatB);
  let bestMinimumA = minimumA;
  let bestMinimumB = minimumB;
  let scaleA = f32x4.div(f32x4.splat(1), bestInverseA);
  let scaleB = f32x4.div(f32x4.splat(1), bestInverseB);
  // infinity times anything has the level 0 at first, as zero has
  bestInverseA = v128.andnot(bestInverseA, f32x4.eq(bestInverseA, f32x4.splat(Infinity)));
  bestInverseB = v128.andnot(bestInverseB, f32x4.eq(bestInverseB, f32x4.splat(Infinity)));
  sumLevels(place, bytes, bestInverseA, minimumA, bestInverseB, minimumB, top);
  sumErrors(place, bytes, scaleA, minimumA, scaleB, minimumB, absolute);
  let leastA = errorA;
  let leastB = errorB;
  for (let step = 0; step <= steps; step++) {
    const range = f32x4.splat(from + delta * <f32>step + top);
    const inverseA = v128.andnot(f32x4.div(range, f32x4.sub(largestA, minimumA)), flatA);
    const inverseB = v128.andnot(f32x4.div(range, f32x4.sub(largestB, minimumB)), flatB);
    sumLevels(place, bytes, inverseA, minimumA, inverseB, minimumB, top);
    solve(weightSumA, valueSumA, levelSumA, squareSumA, productSumA);
    const trialScaleA = trialScale;
    const trialMinimumA = trialMinimum;
    const determinantA = determinant;
    solve(weightSumB, valueSumB, levelSumB, squareSumB, productSumB);
    const trialScaleB = trialScale;
    const trialMinimumB = trialMinimum;
    sumErrors(place, bytes, trialScaleA, trialMinimumA, trialScaleB, trialMinimumB, absolute);
    // a flat group keeps its minimum, whatever the trials make of its lane
    const betterA = v128.andnot(v128.and(f32x4.lt(errorA, leastA), f32x4.gt(determinantA, zero)), flatA);
    const betterB = v128.andnot(v128.and(f32x4.lt(errorB, leastB), f32x4.gt(determinant, zero)), flatB);
    bestInverseA = v128.bitselect(inverseA, bestInverseA, betterA);
    bestInverseB = v128.bitselect(inverseB, bestInverseB, betterB);
    bestMinimumA = v128.bitselect(minimumA, bestMinimumA, betterA);
    bestMinimumB = v128.bitselect(minimumB, bestMinimumB, betterB);
    leastA = v128.bitselect(errorA, leastA, betterA);
    leastB = v128.bitselect(errorB, leastB, betterB);
    scaleA = v128.bitselect(trialScaleA, scaleA, betterA);
    scaleB = v128.bitselect(trialScaleB, scaleB, betterB);
    minimumA = v128.bitselect(trialMinimumA, minimumA, betterA);
    minimumB = v128.bitselect(trialMinimumB, minimumB, betterB);
  }
  keep(group, v128.andnot(scaleA, flatA), minimumA, bestInverseA, bestMinimumA);
  keep(group + 4, v128.andnot(scaleB, flatB), minimumB, bestInverseB, bestMinimumB);
}

// @ts-ignore: decorator
@inline
function keep(group: usize, scale: v128, minimum: v128, inverse: v128, searchMinimum: v128): void {
  v128.store(groupScales + group * 4, scale);
  v128.store(groupOffsets + group * 4, f32x4.neg(minimum));
  v128.store(groupInverses + group * 4, inverse);
  v128.store(groupMinima + group * 4, searchMinimum);
}

function begin(place: usize, bytes: usize): void {
  beginFour(place, bytes);
  largestB = largestA;
  lowestB = lowestA;
  weightSumB = weightSumA;
  valueSumB = valueSumA;
  beginFour(place + bytes, bytes);
  let kept = largestA;
  largestA = largestB;
  largestB = kept;
  kept = lowestA;
  lowestA = lowestB;
  lowestB = kept;
  kept = weightSumA;
  weightSumA = weightSumB;
  weightSumB = kept;
  kept = valueSumA;
  valueSumA = valueSumB;
  valueSumB = kept;
}

function beginFour(place: usize, bytes: usize): void {
  let lowest = v128.load(turnedValues + place);
  let largest = lowest;
  let weightSum = v128.load(turnedWeights + place);
  let valueSum = f32x4.mul(weightSum, lowest);
  for (let at = place + 16; at < place + bytes; at += 16) {
    const value = v128.load(turnedValues + at);
    const weight = v128.load(turnedWeights + at);
    lowest = f32x4.pmin(lowest, value);
    largest = f32x4.pmax(largest, value);
    weightSum = f32x4.add(weightSum, weight);
    valueSum = f32x4.add(valueSum, f32x4.mul(weight, value));
  }
  lowestA = lowest;
  largestA = largest;
  weightSumA = weightSum;
  valueSumA = valueSum;
}

// @ts-ignore: decorator
@inline
function solve(weightSum: v128, valueSum: v128, levelSum: v128, squareSum: v128, productSum: v128): void {
  determinant = f32x4.sub(f32x4.mul(weightSum, squareSum), f32x4.mul(levelSum, levelSum));
  const scale = f32x4.div(f32x4.sub(f32x4.mul(weightSum, productSum), f32x4.mul(valueSum, levelSum)), determinant);
  const minimum = f32x4.div(f32x4.sub(f32x4.mul(squareSum, valueSum), f32x4.mul(levelSum, productSum)), determinant);
  const isAbove = f32x4.gt(minimum, f32x4.splat(0));
  trialScale = v128.bitselect(f32x4.div(productSum, squareSum), scale, isAbove);
  trialMinimum = v128.andnot(minimum, isAbove);
}

/** Whether no value of eight groups gets a level that rounding in float32 does not find. */
// @ts-ignore: decorator
@inline
function areTame(inverseA: v128, minimumA: v128, inverseB: v128, minimumB: v128): bool {
  const limit = f32x4.splat(TAME);
  const lowA = f32x4.lt(f32x4.abs(f32x4.mul(inverseA, f32x4.sub(lowestA, minimumA))), limit);
  const highA = f32x4.lt(f32x4.abs(f32x4.mul(inverseA, f32x4.sub(largestA, minimumA))), limit);
  const lowB = f32x4.lt(f32x4.abs(f32x4.mul(inverseB, f32x4.sub(lowestB, minimumB))), limit);
  const highB = f32x4.lt(f32x4.abs(f32x4.mul(inverseB, f32x4.sub(largestB, minimumB))), limit);
  return i32x4.all_true(v128.and(v128.and(lowA, highA), v128.and(lowB, highB)));
}

/** Sets the levels of a trial, and the weighted sums of level, level^2 and level * value. */
// @ts-ignore: decorator
@inline
function sumLevels(
  place: usize,
  bytes: usize,
  inverseA: v128,
  minimumA: v128,
  inverseB: v128,
  minimumB: v128,
  top: f32,
): void {
  if (!areTame(inverseA, minimumA, inverseB, minimumB)) {
    sumWildLevels(place + bytes, bytes, inverseB, minimumB, top);
    levelSumB = levelSumA;
    squareSumB = squareSumA;
    productSumB = productSumA;
    sumWildLevels(place, bytes, inverseA, minimumA, top);
    return;
  }
  let levelsA = f32x4.splat(0);
  let squaresA = f32x4.splat(0);
  let productsA = f32x4.splat(0);
  let levelsB = f32x4.splat(0);
  let squaresB = f32x4.splat(0);
  let productsB = f32x4.splat(0);
  for (let at = place; at < place + bytes; at += 16) {
    const valueA = v128.load(turnedValues + at);
    const levelA = levelOf(f32x4.mul(inverseA, f32x4.sub(valueA, minimumA)), top);
    v128.store(trialLevels + at, levelA);
    const weightedA = f32x4.mul(v128.load(turnedWeights + at), levelA);
    levelsA = f32x4.add(levelsA, weightedA);
    squaresA = f32x4.add(squaresA, f32x4.mul(weightedA, levelA));
    productsA = f32x4.add(productsA, f32x4.mul(weightedA, valueA));
    const valueB = v128.load(turnedValues + at + bytes);
    const levelB = levelOf(f32x4.mul(inverseB, f32x4.sub(valueB, minimumB)), top);
    v128.store(trialLevels + at + bytes, levelB);
    const weightedB = f32x4.mul(v128.load(turnedWeights + at + bytes), levelB);
    levelsB = f32x4.add(levelsB, weightedB);
    squaresB = f32x4.add(squaresB, f32x4.mul(weightedB, levelB));
    productsB = f32x4.add(productsB, f32x4.mul(weightedB, valueB));
  }
  levelSumA = levelsA;
  squareSumA = squaresA;
  productSumA = productsA;
  levelSumB = levelsB;
  squareSumB = squaresB;
  productSumB = productsB;
}

// @ts-ignore: decorator
@inline
function levelOf(scaled: v128, top: f32): v128 {
  return f32x4.pmin(f32x4.splat(top), f32x4.pmax(f32x4.splat(0), f32x4.nearest(scaled)));
}

function sumWildLevels(place: usize, bytes: usize, inverse: v128, minimum: v128, top: f32): void {
  let levels = f32x4.splat(0);
  let squares = f32x4.splat(0);
  let products = f32x4.splat(0);
  for (let at = place; at < place + bytes; at += 16) {
    const value = v128.load(turnedValues + at);
    const scaled = f32x4.mul(inverse, f32x4.sub(value, minimum));
    const level = f32x4.convert_i32x4_s(nearestWithin(scaled, i32x4.splat(0), i32x4.splat(<i32>top)));
    v128.store(trialLevels + at, level);
    const weighted = f32x4.mul(v128.load(turnedWeights + at), level);
    levels = f32x4.add(levels, weighted);
    squares = f32x4.add(squares, f32x4.mul(weighted, level));
    products = f32x4.add(products, f32x4.mul(weighted, value));
  }
  levelSumA = levels;
  squareSumA = squares;
  productSumA = products;
}

/** The weighted sums of what the levels of a trial miss, or of its squares. */
// @ts-ignore: decorator
@inline
function sumErrors(
  place: usize,
  bytes: usize,
  scaleA: v128,
  minimumA: v128,
  scaleB: v128,
  minimumB: v128,
  absolute: bool,
): void {
  let sumA = f32x4.splat(0);
  let sumB = f32x4.splat(0);
  for (let at = place; at < place + bytes; at += 16) {
    const fittedA = f32x4.add(f32x4.mul(scaleA, v128.load(trialLevels + at)), minimumA);
    const missA = f32x4.sub(fittedA, v128.load(turnedValues + at));
    const missedA = absolute ? f32x4.abs(missA) : f32x4.mul(missA, missA);
    sumA = f32x4.add(sumA, f32x4.mul(v128.load(turnedWeights + at), missedA));
    const fittedB = f32x4.add(f32x4.mul(scaleB, v128.load(trialLevels + at + bytes)), minimumB);
    const missB = f32x4.sub(fittedB, v128.load(turnedValues + at + bytes));
    const missedB = absolute ? f32x4.abs(missB) : f32x4.mul(missB, missB);
    sumB = f32x4.add(sumB, f32x4.mul(v128.load(turnedWeights + at + bytes), missedB));
  }
  errorA = sumA;
  errorB = sumB;
}
