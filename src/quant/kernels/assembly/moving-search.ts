/**
 * The scale of four groups of 16 without importances, for Q3_K: `fitScaleByMoving` of `quant/blocks/scale-search.ts`.
 *
 * A value that moves to a better level changes the sums that decide about the next value, so each would have to wait
 * for the one before it. But only one of fifty moves: the kernel asks whether any of four may, and as long as none does, the
 * processor goes on with sums that it already has.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (make_q3_quants)
 * @module
 */
import { groupScales, groupZeros, nearestWithin, turnedValues } from './turned-groups';

/** Levels go from -4 to 3. */
const TOP = 4;

/** A largest magnitude below this counts as zero. */
const SMALLEST: f32 = 1e-15;

/** How often all values are gone through. */
const ROUNDS = 5;

/** Bytes of sixteen vectors. */
const VECTORS: usize = 256;

/** For each set of four groups sixteen vectors of values, and what goes with each value at the distances below. */
const moving = memory.data(4096, 16);

/** Distance from a value to its level. */
const LEVEL: usize = 256;

/** Distance from a value to what it adds to the sum of weight * value * level. */
const PRODUCT: usize = 512;

/** Distance from a value to what it adds to the sum of weight * level^2. */
const SQUARE: usize = 768;

let productSum = f32x4.splat(0);
let squareSum = f32x4.splat(0);

/** Fits the scales of set `four` of four groups. */
export function moveLevels(four: usize): void {
  const values = moving + four * 1024;
  const isZero = setLevels(turnedValues + four * VECTORS, values);
  for (let round = 0; round < ROUNDS; round++) {
    if (!moveAll(values)) break;
  }
  const scale = f32x4.div(productSum, squareSum);
  v128.store(groupScales + four * 16, v128.and(scale, f32x4.gt(squareSum, f32x4.splat(0))));
  v128.store(groupZeros + four * 16, isZero);
}

/** Stores the sixteen levels of a group where they were left, a byte each; zeros where a group has nothing else. */
export function storeMovedLevels(group: usize, dst: usize): void {
  const isZero = load<i32>(groupZeros + (group << 2)) != 0;
  const from = moving + (group >> 2) * 1024 + ((group & 3) << 2);
  for (let i: usize = 0; i < 16; i++) {
    store<u8>(dst + i, isZero ? 0 : <u8>(TOP + <i32>load<f32>(from + (i << 4), LEVEL)));
  }
}

/** Sets the first levels; returns which groups are zeros. Their levels are zero too, and so are their sums, so that nothing moves. */
function setLevels(src: usize, values: usize): v128 {
  const extreme = firstExtremes(src);
  const isZero = f32x4.lt(f32x4.abs(extreme), f32x4.splat(SMALLEST));
  const inverse = v128.andnot(f32x4.div(f32x4.splat(<f32>-TOP), extreme), isZero);
  let products = f32x4.splat(0);
  let squares = f32x4.splat(0);
  let at = values;
  do {
    const value = v128.load(src);
    const level = levelOf(f32x4.mul(inverse, value));
    const product = productOf(value, level);
    const square = squareOf(value, level);
    v128.store(at, value);
    v128.store(at, level, LEVEL);
    v128.store(at, product, PRODUCT);
    v128.store(at, square, SQUARE);
    products = f32x4.add(products, product);
    squares = f32x4.add(squares, square);
    at += 16;
    src += 16;
  } while (at < values + VECTORS);
  productSum = products;
  squareSum = squares;
  return isZero;
}

/** In each lane the first value of largest magnitude. */
// @ts-ignore: decorator
@inline
function firstExtremes(values: usize): v128 {
  let magnitude = f32x4.splat(0);
  let extreme = f32x4.splat(0);
  let at = values;
  do {
    const value = v128.load(at);
    const size = f32x4.abs(value);
    extreme = v128.bitselect(value, extreme, f32x4.gt(size, magnitude));
    magnitude = f32x4.pmax(magnitude, size);
    at += 16;
  } while (at < values + VECTORS);
  return extreme;
}

/** The weight of a value is its square. */
// @ts-ignore: decorator
@inline
function productOf(value: v128, level: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.mul(value, value), value), level);
}

// @ts-ignore: decorator
@inline
function squareOf(value: v128, level: v128): v128 {
  return f32x4.mul(f32x4.mul(f32x4.mul(value, value), level), level);
}

// @ts-ignore: decorator
@inline
function levelOf(scaled: v128): v128 {
  return f32x4.convert_i32x4_s(nearestWithin(scaled, i32x4.splat(-TOP), i32x4.splat(TOP - 1)));
}

/** Goes through all values once; whether any level changed. */
function moveAll(values: usize): bool {
  let haveMoved = false;
  let products = productSum;
  let squares = squareSum;
  let at = values;
  do {
    const otherProducts = f32x4.sub(products, v128.load(at, PRODUCT));
    const otherSquares = f32x4.sub(squares, v128.load(at, SQUARE));
    const better = levelOf(f32x4.div(f32x4.mul(v128.load(at), otherSquares), otherProducts));
    const isOther = f32x4.ne(better, v128.load(at, LEVEL));
    const mayMove = v128.and(isOther, f32x4.gt(otherProducts, f32x4.splat(0)));
    if (v128.any_true(mayMove)) {
      productSum = products;
      squareSum = squares;
      if (moveSome(at, mayMove, better, otherProducts, otherSquares)) haveMoved = true;
      products = productSum;
      squares = squareSum;
    }
    at += 16;
  } while (at < values + VECTORS);
  productSum = products;
  squareSum = squares;
  return haveMoved;
}

/** Moves a value to a better level in the groups where it may and the fit becomes better; whether it did in any. Given are the sums without it. */
function moveSome(at: usize, mayMove: v128, better: v128, otherProducts: v128, otherSquares: v128): bool {
  const product = productOf(v128.load(at), better);
  const square = squareOf(v128.load(at), better);
  const newProducts = f32x4.add(otherProducts, product);
  const newSquares = f32x4.add(otherSquares, square);
  const left = f32x4.mul(f32x4.mul(newProducts, newProducts), squareSum);
  const right = f32x4.mul(f32x4.mul(productSum, productSum), newSquares);
  const isGain = v128.and(f32x4.gt(newSquares, f32x4.splat(0)), f32x4.gt(left, right));
  const moves = v128.and(mayMove, isGain);
  productSum = v128.bitselect(newProducts, productSum, moves);
  squareSum = v128.bitselect(newSquares, squareSum, moves);
  v128.store(at, v128.bitselect(better, v128.load(at, LEVEL), moves), LEVEL);
  v128.store(at, v128.bitselect(product, v128.load(at, PRODUCT), moves), PRODUCT);
  v128.store(at, v128.bitselect(square, v128.load(at, SQUARE), moves), SQUARE);
  return v128.any_true(moves);
}
