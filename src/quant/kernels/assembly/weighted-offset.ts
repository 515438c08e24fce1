/**
 * Q4_1 and Q5_1 with importances: four blocks at a time.
 *
 * Each try starts from the minimum that the tries before it have found, so tries cannot be made side by side, but
 * blocks can. A lane is a block, and the values are turned so that the same value of all four makes a vector.
 *
 * @module
 */
import { halfBitsOfFour } from './half';
import { sumOfSquares, weighByImportance } from './importance';
import { storeFiveBits, storeNibbles } from './levels';
import { turnedLane0, turnedLane1, turnedLane2, turnedLane3 } from './turn';

/** Scales that are tried, 0.05 levels apart, from 0.9 levels below the whole range on. */
const TRIES = 37;

/** 2^23 + 2^22: adding it leaves a whole number, rounded with ties to even, in the lower 23 bits. */
const ROUNDING: f32 = 12582912;

/** Bytes of 32 values, and of 32 vectors. */
const BLOCK: usize = 128;
const VECTORS: usize = 512;

const blockValues = memory.data(512, 16);
const blockWeights = memory.data(512, 16);
const turnedValues = memory.data(512, 16);
const turnedWeights = memory.data(512, 16);
const turnedLevels = memory.data(512, 16);

let scales = f32x4.splat(0);
let minima = f32x4.splat(0);

/** Quantizes a row; `limit` is 15 for Q4_1 and 31 for Q5_1. Returns the address behind the last block. */
export function quantizeOffsetWeighted(limit: i32, src: usize, dst: usize, length: i32, importance: usize): usize {
  const meanSquare = sumOfSquares(src, length) / <f32>length;
  const blockBytes: usize = limit == 15 ? 20 : 24;
  const end = src + (<usize>length << 2);
  for (; src < end; src += 4 * BLOCK, importance += 4 * BLOCK) {
    const blocks = min<usize>(4, (end - src) / BLOCK);
    memory.fill(blockValues, 0, 4 * BLOCK);
    memory.fill(blockWeights, 0, 4 * BLOCK);
    memory.copy(blockValues, src, blocks * BLOCK);
    for (let block: usize = 0; block < blocks; block++) {
      weighByImportance(src + block * BLOCK, importance + block * BLOCK, meanSquare, blockWeights + block * BLOCK);
    }
    turn(blockValues, turnedValues);
    turn(blockWeights, turnedWeights);
    fitFourBlocks(<f32>limit);
    dst = storeBlocks(dst, blocks, blockBytes);
  }
  return dst;
}

/** Vectors of the same value of four blocks of 32. */
function turn(src: usize, dst: usize): void {
  for (const end = src + BLOCK; src < end; src += 16, dst += 64) {
    const a = v128.load(src);
    const b = v128.load(src + BLOCK);
    const c = v128.load(src + 2 * BLOCK);
    const d = v128.load(src + 3 * BLOCK);
    v128.store(dst, turnedLane0(a, b, c, d));
    v128.store(dst, turnedLane1(a, b, c, d), 16);
    v128.store(dst, turnedLane2(a, b, c, d), 32);
    v128.store(dst, turnedLane3(a, b, c, d), 48);
  }
}

/** Finds `scales`, `minima` and the levels of four blocks. */
function fitFourBlocks(limit: f32): void {
  const zero = f32x4.splat(0);
  let minimum = v128.load(turnedValues);
  let maximum = minimum;
  let weightSum = v128.load(turnedWeights);
  let valueSum = f32x4.mul(weightSum, minimum);
  for (let at: usize = 16; at < VECTORS; at += 16) {
    const value = v128.load(turnedValues + at);
    const weight = v128.load(turnedWeights + at);
    minimum = f32x4.pmin(minimum, value);
    maximum = f32x4.pmax(maximum, value);
    weightSum = f32x4.add(weightSum, weight);
    valueSum = f32x4.add(valueSum, f32x4.mul(weight, value));
  }
  minimum = v128.andnot(minimum, f32x4.gt(minimum, zero));
  const isFlat = f32x4.le(maximum, minimum);
  let levelInverse = f32x4.div(f32x4.splat(limit), f32x4.sub(maximum, minimum));
  let levelMinimum = minimum;
  let scale = f32x4.div(f32x4.splat(1), levelInverse);
  setLevels(levelInverse, minimum, limit);
  let best = squareError(scale, minimum);
  for (let step = 0; step < TRIES; step++) {
    const range = <f32>-0.9 + <f32>0.05 * <f32>step + limit;
    const inverse = f32x4.div(f32x4.splat(range), f32x4.sub(maximum, minimum));
    sumLevels(inverse, minimum, limit);
    solve(weightSum, valueSum);
    const error = squareError(scales, minima);
    const isBetter = v128.and(f32x4.lt(error, best), f32x4.gt(determinant, zero));
    levelInverse = v128.bitselect(inverse, levelInverse, isBetter);
    levelMinimum = v128.bitselect(minimum, levelMinimum, isBetter);
    best = v128.bitselect(error, best, isBetter);
    scale = v128.bitselect(scales, scale, isBetter);
    minimum = v128.bitselect(minima, minimum, isBetter);
  }
  setLevels(v128.andnot(levelInverse, isFlat), levelMinimum, limit);
  scales = v128.andnot(scale, isFlat);
  minima = minimum;
}

let determinant = f32x4.splat(0);
let levelSum = f32x4.splat(0);
let squareSum = f32x4.splat(0);
let productSum = f32x4.splat(0);

/**
 * The levels of a vector of values. ggml takes them from the lower 23 bits of the sum: of a number too large to be
 * rounded so these are any bits at all, and of infinity and NaN they make a number that is not above zero.
 */
// @ts-ignore: decorator
@inline
function levelOf(value: v128, inverse: v128, minimum: v128, limit: v128): v128 {
  const rounded = f32x4.add(f32x4.mul(inverse, f32x4.sub(value, minimum)), f32x4.splat(ROUNDING));
  const level = i32x4.sub(v128.and(rounded, i32x4.splat(0x7fffff)), i32x4.splat(0x400000));
  return f32x4.convert_i32x4_s(i32x4.max_s(i32x4.splat(0), i32x4.min_s(limit, level)));
}

function setLevels(inverse: v128, minimum: v128, limit: f32): void {
  const largest = i32x4.splat(<i32>limit);
  for (let at: usize = 0; at < VECTORS; at += 16) {
    v128.store(turnedLevels + at, levelOf(v128.load(turnedValues + at), inverse, minimum, largest));
  }
}

/** Sets the levels, and the weighted sums of level, level^2 and level * value. */
function sumLevels(inverse: v128, minimum: v128, limit: f32): void {
  const largest = i32x4.splat(<i32>limit);
  let levels = f32x4.splat(0);
  let squares = f32x4.splat(0);
  let products = f32x4.splat(0);
  for (let at: usize = 0; at < VECTORS; at += 16) {
    const value = v128.load(turnedValues + at);
    const level = levelOf(value, inverse, minimum, largest);
    const weighted = f32x4.mul(v128.load(turnedWeights + at), level);
    v128.store(turnedLevels + at, level);
    levels = f32x4.add(levels, weighted);
    squares = f32x4.add(squares, f32x4.mul(weighted, level));
    products = f32x4.add(products, f32x4.mul(weighted, value));
  }
  levelSum = levels;
  squareSum = squares;
  productSum = products;
}

/** The line through values over levels: sets `scales`, `minima`, and `determinant`, which must be above zero. */
// @ts-ignore: decorator
@inline
function solve(weightSum: v128, valueSum: v128): void {
  const det = f32x4.sub(f32x4.mul(weightSum, squareSum), f32x4.mul(levelSum, levelSum));
  const scale = f32x4.div(f32x4.sub(f32x4.mul(weightSum, productSum), f32x4.mul(valueSum, levelSum)), det);
  const minimum = f32x4.div(f32x4.sub(f32x4.mul(squareSum, valueSum), f32x4.mul(levelSum, productSum)), det);
  const isAbove = f32x4.gt(minimum, f32x4.splat(0));
  determinant = det;
  scales = v128.bitselect(f32x4.div(productSum, squareSum), scale, isAbove);
  minima = v128.andnot(minimum, isAbove);
}

/** The weighted sum of the squares of what the levels miss. */
function squareError(scale: v128, minimum: v128): v128 {
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < VECTORS; at += 16) {
    const fitted = f32x4.add(f32x4.mul(scale, v128.load(turnedLevels + at)), minimum);
    const miss = f32x4.sub(fitted, v128.load(turnedValues + at));
    sum = f32x4.add(sum, f32x4.mul(v128.load(turnedWeights + at), f32x4.mul(miss, miss)));
  }
  return sum;
}

function storeBlocks(dst: usize, blocks: usize, blockBytes: usize): usize {
  v128.store(blockValues, halfBitsOfFour(scales));
  v128.store(blockValues, halfBitsOfFour(minima), 16);
  for (let block: usize = 0; block < blocks; block++, dst += blockBytes) {
    store<u16>(dst, load<u16>(blockValues + block * 4));
    store<u16>(dst, load<u16>(blockValues + block * 4, 16), 2);
    const levels = turnedLevels + block * 4;
    const low = gatherLevels(levels);
    const high = gatherLevels(levels + 256);
    if (blockBytes == 20) storeNibbles(dst + 4, low, high);
    else storeFiveBits(dst + 4, low, high);
  }
  return dst;
}

/** The levels of one block from sixteen vectors, as bytes. */
function gatherLevels(at: usize): v128 {
  for (let i: usize = 0; i < 16; i++) store<u8>(blockWeights + i, <u8>load<f32>(at + i * 16));
  return v128.load(blockWeights);
}
