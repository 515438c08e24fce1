/**
 * The uneven levels of IQ4_NL and IQ4_XS and the search for a scale: `quant/blocks/uneven-levels.ts`.
 *
 * Sixteen scales are tried, and all of them at the same time: every lane is a scale, so the sums of a scale are made in
 * ggml's order. The level of a number is looked up, sixteen at a time: doubled and rounded down it falls into one of 16
 * cells of 32 numbers, and inside a cell lies at most one of the points half way between levels.
 *
 * ```text
 *   cell        1    2    3    4    5    6    7    8    9   10   11   12   13   14
 *   begins   -233 -201 -169 -137 -105  -73  -41   -9   23   55   87  119  151  183     level 0 before, 15 behind
 *   point    -231 -187 -148 -114  -84  -57  -32   14   38   63   91  122  158  202     and -9, where cell 8 begins
 * ```
 *
 * @module
 */
import { firstExtreme } from './extremes';
import { sumOfSquares, weighByImportance, weighBySquare } from './importance';

/** Scales that are tried: the first guess, and 15 for which the largest value becomes -134 to -120. */
const TRIES: usize = 16;

/** Groups whose largest magnitude is below this are zeros. */
const SMALLEST_MAGNITUDE: f32 = 1e-15;

/** Where cell 0 begins, below the lowest point. */
const CELLS_BEGIN: f32 = -265;

/** 2^23 + 2^22, at which the unit of float32 is 1, and its bits. */
const UNITS: f32 = 12582912;
const UNITS_BITS = 0x4b400000;

const weights = memory.data(128, 16);
const inverses = memory.data(64, 16);
const valueSums = memory.data(64, 16);
const squareSums = memory.data(64, 16);

/** Weighs a group of 32 values; `meanSquare` matters only with importances. */
export function weighGroup(src: usize, importance: usize, meanSquare: f32): void {
  if (importance == 0) weighBySquare(src, weights);
  else weighByImportance(src, importance, meanSquare, weights);
}

/** Twice the mean square of a block. */
export function doubledMeanSquare(src: usize, length: i32): f32 {
  return sumOfSquares(src, length) * (2 / <f32>length);
}

/** The best scale for the group of 32 values that was weighed last; 0 for a group of zeros. */
export function fitUnevenScale(src: usize): f32 {
  const extreme = firstExtreme(src);
  if (abs(extreme) < SMALLEST_MAGNITUDE) return 0;
  store<f32>(inverses, 1 / (-extreme / <f32>-127));
  for (let step = 1; step < 16; step++) store<f32>(inverses + (step << 2), <f32>(step - 135) / extreme);
  sumTries(src);
  return chooseTry();
}

/** Goes through the tries in their order and keeps each that is better than the best before it. */
function chooseTry(): f32 {
  let values = load<f32>(valueSums);
  let squares = load<f32>(squareSums);
  let scale: f32 = squares > 0 ? values / squares : 0;
  let best = scale * values;
  for (let at: usize = 4; at < TRIES * 4; at += 4) {
    values = load<f32>(valueSums + at);
    squares = load<f32>(squareSums + at);
    if (squares > 0 && values * values > best * squares) {
      scale = values / squares;
      best = scale * values;
    }
  }
  return scale;
}

/** The sums of weight * value * level and weight * level^2 for all tries. */
function sumTries(src: usize): void {
  const two = f32x4.splat(2);
  const inverse0 = f32x4.mul(v128.load(inverses), two);
  const inverse1 = f32x4.mul(v128.load(inverses, 16), two);
  const inverse2 = f32x4.mul(v128.load(inverses, 32), two);
  const inverse3 = f32x4.mul(v128.load(inverses, 48), two);
  let values0 = f32x4.splat(0);
  let values1 = f32x4.splat(0);
  let values2 = f32x4.splat(0);
  let values3 = f32x4.splat(0);
  let squares0 = f32x4.splat(0);
  let squares1 = f32x4.splat(0);
  let squares2 = f32x4.splat(0);
  let squares3 = f32x4.splat(0);
  for (let at: usize = 0; at < 128; at += 4) {
    const value = v128.load32_splat(src + at);
    const weight = v128.load32_splat(weights + at);
    const low = i16x8.narrow_i32x4_s(placeOf(f32x4.mul(inverse0, value)), placeOf(f32x4.mul(inverse1, value)));
    const high = i16x8.narrow_i32x4_s(placeOf(f32x4.mul(inverse2, value)), placeOf(f32x4.mul(inverse3, value)));
    const levels = valuesOfLevels(levelsOfPlaces(low, high));
    const lowLevels = i16x8.extend_low_i8x16_s(levels);
    const highLevels = i16x8.extend_high_i8x16_s(levels);
    const level0 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(lowLevels));
    const level1 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(lowLevels));
    const level2 = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(highLevels));
    const level3 = f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(highLevels));
    const weighted0 = f32x4.mul(weight, level0);
    const weighted1 = f32x4.mul(weight, level1);
    const weighted2 = f32x4.mul(weight, level2);
    const weighted3 = f32x4.mul(weight, level3);
    values0 = f32x4.add(values0, f32x4.mul(weighted0, value));
    values1 = f32x4.add(values1, f32x4.mul(weighted1, value));
    values2 = f32x4.add(values2, f32x4.mul(weighted2, value));
    values3 = f32x4.add(values3, f32x4.mul(weighted3, value));
    squares0 = f32x4.add(squares0, f32x4.mul(weighted0, level0));
    squares1 = f32x4.add(squares1, f32x4.mul(weighted1, level1));
    squares2 = f32x4.add(squares2, f32x4.mul(weighted2, level2));
    squares3 = f32x4.add(squares3, f32x4.mul(weighted3, level3));
  }
  v128.store(valueSums, values0);
  v128.store(valueSums, values1, 16);
  v128.store(valueSums, values2, 32);
  v128.store(valueSums, values3, 48);
  v128.store(squareSums, squares0);
  v128.store(squareSums, squares1, 16);
  v128.store(squareSums, squares2, 32);
  v128.store(squareSums, squares3, 48);
}

/** Doubled numbers, small ones, rounded down and counted from the beginning of cell 0. */
// @ts-ignore: decorator
@inline
function placeOf(doubled: v128): v128 {
  const whole = f32x4.add(f32x4.floor(doubled), f32x4.splat(UNITS - CELLS_BEGIN));
  return i32x4.sub(whole, i32x4.splat(UNITS_BITS));
}

/** The levels of two times eight places. Outside the cells the first and the last level go on. */
// @ts-ignore: decorator
@inline
function levelsOfPlaces(low: v128, high: v128): v128 {
  const cells = i8x16.min_u(i8x16.narrow_i16x8_u(i16x8.shr_s(low, 5), i16x8.shr_s(high, 5)), i8x16.splat(15));
  const inside = i16x8.splat(31);
  const places = i8x16.narrow_i16x8_u(v128.and(low, inside), v128.and(high, inside));
  const first = v128.swizzle(i8x16(0, 0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15), cells);
  const point = v128.swizzle(i8x16(99, 2, 14, 21, 23, 21, 16, 9, 23, 15, 8, 4, 3, 7, 19, 99), cells);
  return i8x16.sub(first, i8x16.ge_s(places, point));
}

/** The values of sixteen levels. */
// @ts-ignore: decorator
@inline
function valuesOfLevels(levels: v128): v128 {
  return v128.swizzle(i8x16(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113), levels);
}

/** The levels of sixteen values for any inverse of a scale; NaN has the last level. */
// @ts-ignore: decorator
@inline
export function unevenLevels(src: usize, inverse: v128): v128 {
  const a = limitedPlaceOf(f32x4.mul(inverse, v128.load(src)));
  const b = limitedPlaceOf(f32x4.mul(inverse, v128.load(src, 16)));
  const c = limitedPlaceOf(f32x4.mul(inverse, v128.load(src, 32)));
  const d = limitedPlaceOf(f32x4.mul(inverse, v128.load(src, 48)));
  return levelsOfPlaces(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

// @ts-ignore: decorator
@inline
function limitedPlaceOf(scaled: v128): v128 {
  const limit = f32x4.splat(1000);
  return placeOf(f32x4.pmax(f32x4.neg(limit), f32x4.pmin(limit, f32x4.add(scaled, scaled))));
}
