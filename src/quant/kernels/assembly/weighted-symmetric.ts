/**
 * Q4_0 and Q5_0 with importances: eight of the nineteen scales that are tried at a time.
 *
 * Every lane is a scale, so the sums of a scale are made in ggml's order, from the first value to the last.
 *
 * @module
 */
import { firstExtreme } from './extremes';
import { halfBits } from './half';
import { sumOfSquares, weighByImportance } from './importance';
import { lowestBytes, storeFiveBits, storeNibbles } from './levels';

/** Scales that are tried: the first guess, then 9 smaller and 9 larger ones. */
const TRIES: usize = 19;

/** Tries as they are stored: a whole number of eights. */
const STORED_TRIES: usize = 24;

/** Blocks whose largest magnitude is below this are zeros. */
const SMALLEST_MAGNITUDE: f32 = 1e-15;

/** 2^23 + 2^22: adding and subtracting it rounds to a whole number, ties to even. */
const ROUNDING: f32 = 12582912;

const weights = memory.data(128, 16);
const weightedValues = memory.data(128, 16);
const inverses = memory.data(96, 16);
const valueSums = memory.data(96, 16);
const squareSums = memory.data(96, 16);

/** The inverse scale of the levels that the last block got. */
let bestInverse: f32 = 0;

/** Quantizes a row; `limit` is 8 for Q4_0 and 16 for Q5_0. Returns the address behind the last block. */
export function quantizeSymmetricWeighted(limit: i32, src: usize, dst: usize, length: i32, importance: usize): usize {
  const meanSquare = sumOfSquares(src, length) / <f32>length;
  const blockBytes: usize = limit == 8 ? 18 : 22;
  for (const end = src + (<usize>length << 2); src < end; src += 128, importance += 128, dst += blockBytes) {
    weighByImportance(src, importance, meanSquare, weights);
    const scale = fitScale(src, <f32>limit);
    store<u16>(dst, <u16>halfBits(scale));
    const low = levels(src, <f32>limit);
    const high = levels(src + 64, <f32>limit);
    if (limit == 8) storeNibbles(dst + 2, low, high);
    else storeFiveBits(dst + 2, low, high);
  }
  return dst;
}

/** The best scale for 32 values; leaves its inverse in `bestInverse`, or NaN when all levels are to be zero. */
function fitScale(src: usize, limit: f32): f32 {
  const extreme = firstExtreme(src);
  bestInverse = NaN;
  if (abs(extreme) < SMALLEST_MAGNITUDE) return 0;
  listTries(extreme, limit);
  for (let at: usize = 0; at < 128; at += 16) {
    v128.store(weightedValues + at, f32x4.mul(v128.load(weights + at), v128.load(src + at)));
  }
  for (let first: usize = 0; first < STORED_TRIES * 4; first += 32) sumEightTries(src, first, limit);
  return chooseTry();
}

function listTries(extreme: f32, limit: f32): void {
  store<f32>(inverses, -limit / extreme);
  let at: usize = 4;
  for (let step = -9; step <= 9; step++) {
    if (step == 0) continue;
    store<f32>(inverses + at, -(limit + <f32>0.1 * <f32>step) / extreme);
    at += 4;
  }
}

/** The sums of weight * value * level and weight * level^2 for eight tries, of which the first is `first` bytes on. */
function sumEightTries(src: usize, first: usize, limit: f32): void {
  const inverse0 = v128.load(inverses + first);
  const inverse1 = v128.load(inverses + first, 16);
  const lowest = f32x4.splat(-limit);
  const highest = f32x4.splat(limit - 1);
  const rounding = f32x4.splat(ROUNDING);
  let values0 = f32x4.splat(0);
  let values1 = f32x4.splat(0);
  let squares0 = f32x4.splat(0);
  let squares1 = f32x4.splat(0);
  for (let at: usize = 0; at < 128; at += 4) {
    const value = v128.load32_splat(src + at);
    const weight = v128.load32_splat(weights + at);
    const weighted = v128.load32_splat(weightedValues + at);
    const level0 = clampedLevel(f32x4.mul(inverse0, value), lowest, highest, rounding);
    const level1 = clampedLevel(f32x4.mul(inverse1, value), lowest, highest, rounding);
    values0 = f32x4.add(values0, f32x4.mul(weighted, level0));
    values1 = f32x4.add(values1, f32x4.mul(weighted, level1));
    squares0 = f32x4.add(squares0, f32x4.mul(f32x4.mul(weight, level0), level0));
    squares1 = f32x4.add(squares1, f32x4.mul(f32x4.mul(weight, level1), level1));
  }
  v128.store(valueSums + first, values0);
  v128.store(valueSums + first, values1, 16);
  v128.store(squareSums + first, squares0);
  v128.store(squareSums + first, squares1, 16);
}

// @ts-ignore: decorator
@inline
function clampedLevel(scaled: v128, lowest: v128, highest: v128, rounding: v128): v128 {
  const level = f32x4.sub(f32x4.add(scaled, rounding), rounding);
  return f32x4.pmax(lowest, f32x4.pmin(highest, level));
}

/** Goes through the tries in their order and keeps each that is better than the best before it. */
function chooseTry(): f32 {
  let values = load<f32>(valueSums);
  let squares = load<f32>(squareSums);
  let scale: f32 = squares != 0 ? values / squares : 0;
  let best = scale * values;
  bestInverse = load<f32>(inverses);
  for (let at: usize = 4; at < TRIES * 4; at += 4) {
    values = load<f32>(valueSums + at);
    squares = load<f32>(squareSums + at);
    if (squares > 0 && values * values > best * squares) {
      scale = values / squares;
      best = scale * values;
      bestInverse = load<f32>(inverses + at);
    }
  }
  return scale;
}

/** The levels of sixteen values, moved up so that none is negative. */
function levels(src: usize, limit: f32): v128 {
  if (isNaN(bestInverse)) return i8x16.splat(0);
  const inverse = f32x4.splat(bestInverse);
  const lowest = f32x4.splat(-limit);
  const highest = f32x4.splat(limit - 1);
  // at this height the unit of float32 is 1, so the level stands in the lowest bits
  const rounding = f32x4.splat(ROUNDING);
  const up = f32x4.splat(ROUNDING + limit);
  const a = f32x4.add(clampedLevel(f32x4.mul(inverse, v128.load(src)), lowest, highest, rounding), up);
  const b = f32x4.add(clampedLevel(f32x4.mul(inverse, v128.load(src, 16)), lowest, highest, rounding), up);
  const c = f32x4.add(clampedLevel(f32x4.mul(inverse, v128.load(src, 32)), lowest, highest, rounding), up);
  const d = f32x4.add(clampedLevel(f32x4.mul(inverse, v128.load(src, 48)), lowest, highest, rounding), up);
  return lowestBytes(a, b, c, d);
}
