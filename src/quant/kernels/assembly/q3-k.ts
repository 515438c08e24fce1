/**
 * Q3_K: `quant/blocks/q3-k.ts`.
 *
 * @module
 */
import { halfBits } from './half';
import { weighSuperBlock } from './offset-blocks';
import { storeQuarters } from './quarters';
import {
  SUPER_BLOCK,
  floatOfHalf,
  groupScales,
  groupZeros,
  groupWeights,
  levels,
  nearestInt,
  nearestWithin,
  scaleLevels,
  storeDividedLevels,
  storeSearchedLevels,
  turnGroups,
  turnedValues,
  turnedWeights,
  weights,
} from './turned-groups';
import { searchScales } from './symmetric-search';
import { fitSixteenScales } from './symmetric-scale';

const GROUP: usize = 64;

/** Added to values, it leaves each as it is, -0 too. */
const NOTHING = f32x4.splat(-0.0);
const TOP = 4;
const SCALE_TOP = 32;

/** Bytes of the sixteen vectors of four groups. */
const VECTORS: usize = 256;

/** A largest magnitude below this counts as zero. */
const SMALLEST: f32 = 1e-15;

/** Levels while they are moved, as float32 in the places of the turned values. */
const movingLevels = memory.data(1024, 16);

let dBits: u32 = 0;

/** Quantizes `length` values; returns the address behind the last block. */
export function quantizeQ3_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 110) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      weighSuperBlock(src, importance, 2, GROUP);
      turnGroups(weights, turnedWeights, GROUP);
      for (let eight: usize = 0; eight < 2; eight++) searchScales(eight * 512, eight * 8, <f32>TOP);
      dBits = halfBits(fitSixteenScales(groupScales, groupWeights, SCALE_TOP, scaleLevels));
      importance += SUPER_BLOCK;
    } else {
      moveLevels();
      quantizeScales();
    }
    storeScales(dst + 96);
    findLevels(src, importance != 0);
    storeThirdBits(dst);
    storeQuarters(dst + 32);
    store<u16>(dst, <u16>dBits, 108);
  }
  return dst;
}

/** Quantizes the scales of the groups so that the one of largest magnitude is -32. */
function quantizeScales(): void {
  let extreme: f32 = 0;
  for (let group: usize = 0; group < 16; group++) {
    const scale = load<f32>(groupScales + (group << 2));
    if (abs(scale) > abs(extreme)) extreme = scale;
  }
  if (extreme == 0) {
    v128.store(scaleLevels, i8x16.splat(0));
    dBits = 0;
    return;
  }
  const inverse: f32 = <f32>-SCALE_TOP / extreme;
  for (let group: usize = 0; group < 16; group++) {
    const level = <i32>(<i8>nearestInt(inverse * load<f32>(groupScales + (group << 2))));
    store<u8>(scaleLevels + group, <u8>(SCALE_TOP + max(-SCALE_TOP, min(SCALE_TOP - 1, level))));
  }
  dBits = halfBits(<f32>1 / inverse);
}

/**
 * The scales of all sixteen groups: levels are fixed, and then moved one by one as long as the fit gets better. Each
 * step waits for the one before it, so the four sets of four groups go side by side, written out because the sums
 * must not leave the registers. Most values stay where they are, and then nothing waits.
 */
function moveLevels(): void {
  const zero = f32x4.splat(0);
  for (let set: usize = 0; set < 4; set++) beginSet(set * VECTORS, set * 16);
  let productsA = v128.load(valueLevel);
  let squaresA = v128.load(levelLevel);
  let productsB = v128.load(valueLevel, 16);
  let squaresB = v128.load(levelLevel, 16);
  let productsC = v128.load(valueLevel, 32);
  let squaresC = v128.load(levelLevel, 32);
  let productsD = v128.load(valueLevel, 48);
  let squaresD = v128.load(levelLevel, 48);
  for (let round = 0; round < 5; round++) {
    let moved = i32x4.splat(0);
    for (let at: usize = 0; at < VECTORS; at += 16) {
      const valueA = v128.load(turnedValues + at);
      const levelA = v128.load(movingLevels + at);
      const weightA = f32x4.mul(valueA, valueA);
      const weightedA = f32x4.mul(weightA, valueA);
      const lessProductsA = f32x4.sub(productsA, f32x4.mul(weightedA, levelA));
      const lessSquaresA = f32x4.sub(squaresA, f32x4.mul(f32x4.mul(weightA, levelA), levelA));
      const betterA = betterLevel(valueA, lessProductsA, lessSquaresA);
      const wantsA = v128.and(f32x4.gt(lessProductsA, zero), f32x4.ne(betterA, levelA));
      if (v128.any_true(wantsA)) {
        const newProducts = f32x4.add(lessProductsA, f32x4.mul(weightedA, betterA));
        const newSquares = f32x4.add(lessSquaresA, f32x4.mul(f32x4.mul(weightA, betterA), betterA));
        const moves = v128.and(wantsA, isGain(newProducts, newSquares, productsA, squaresA));
        v128.store(movingLevels + at, v128.bitselect(betterA, levelA, moves));
        productsA = v128.bitselect(newProducts, productsA, moves);
        squaresA = v128.bitselect(newSquares, squaresA, moves);
        moved = v128.or(moved, moves);
      }
      const valueB = v128.load(turnedValues + at, 256);
      const levelB = v128.load(movingLevels + at, 256);
      const weightB = f32x4.mul(valueB, valueB);
      const weightedB = f32x4.mul(weightB, valueB);
      const lessProductsB = f32x4.sub(productsB, f32x4.mul(weightedB, levelB));
      const lessSquaresB = f32x4.sub(squaresB, f32x4.mul(f32x4.mul(weightB, levelB), levelB));
      const betterB = betterLevel(valueB, lessProductsB, lessSquaresB);
      const wantsB = v128.and(f32x4.gt(lessProductsB, zero), f32x4.ne(betterB, levelB));
      if (v128.any_true(wantsB)) {
        const newProducts = f32x4.add(lessProductsB, f32x4.mul(weightedB, betterB));
        const newSquares = f32x4.add(lessSquaresB, f32x4.mul(f32x4.mul(weightB, betterB), betterB));
        const moves = v128.and(wantsB, isGain(newProducts, newSquares, productsB, squaresB));
        v128.store(movingLevels + at, v128.bitselect(betterB, levelB, moves), 256);
        productsB = v128.bitselect(newProducts, productsB, moves);
        squaresB = v128.bitselect(newSquares, squaresB, moves);
        moved = v128.or(moved, moves);
      }
      const valueC = v128.load(turnedValues + at, 512);
      const levelC = v128.load(movingLevels + at, 512);
      const weightC = f32x4.mul(valueC, valueC);
      const weightedC = f32x4.mul(weightC, valueC);
      const lessProductsC = f32x4.sub(productsC, f32x4.mul(weightedC, levelC));
      const lessSquaresC = f32x4.sub(squaresC, f32x4.mul(f32x4.mul(weightC, levelC), levelC));
      const betterC = betterLevel(valueC, lessProductsC, lessSquaresC);
      const wantsC = v128.and(f32x4.gt(lessProductsC, zero), f32x4.ne(betterC, levelC));
      if (v128.any_true(wantsC)) {
        const newProducts = f32x4.add(lessProductsC, f32x4.mul(weightedC, betterC));
        const newSquares = f32x4.add(lessSquaresC, f32x4.mul(f32x4.mul(weightC, betterC), betterC));
        const moves = v128.and(wantsC, isGain(newProducts, newSquares, productsC, squaresC));
        v128.store(movingLevels + at, v128.bitselect(betterC, levelC, moves), 512);
        productsC = v128.bitselect(newProducts, productsC, moves);
        squaresC = v128.bitselect(newSquares, squaresC, moves);
        moved = v128.or(moved, moves);
      }
      const valueD = v128.load(turnedValues + at, 768);
      const levelD = v128.load(movingLevels + at, 768);
      const weightD = f32x4.mul(valueD, valueD);
      const weightedD = f32x4.mul(weightD, valueD);
      const lessProductsD = f32x4.sub(productsD, f32x4.mul(weightedD, levelD));
      const lessSquaresD = f32x4.sub(squaresD, f32x4.mul(f32x4.mul(weightD, levelD), levelD));
      const betterD = betterLevel(valueD, lessProductsD, lessSquaresD);
      const wantsD = v128.and(f32x4.gt(lessProductsD, zero), f32x4.ne(betterD, levelD));
      if (v128.any_true(wantsD)) {
        const newProducts = f32x4.add(lessProductsD, f32x4.mul(weightedD, betterD));
        const newSquares = f32x4.add(lessSquaresD, f32x4.mul(f32x4.mul(weightD, betterD), betterD));
        const moves = v128.and(wantsD, isGain(newProducts, newSquares, productsD, squaresD));
        v128.store(movingLevels + at, v128.bitselect(betterD, levelD, moves), 768);
        productsD = v128.bitselect(newProducts, productsD, moves);
        squaresD = v128.bitselect(newSquares, squaresD, moves);
        moved = v128.or(moved, moves);
      }
    }
    if (!v128.any_true(moved)) break;
  }
  storeScale(0, productsA, squaresA);
  storeScale(16, productsB, squaresB);
  storeScale(32, productsC, squaresC);
  storeScale(48, productsD, squaresD);
}

// @ts-ignore: decorator
@inline
function storeScale(group: usize, products: v128, squares: v128): void {
  const scale = f32x4.div(products, squares);
  v128.store(groupScales + group, v128.and(scale, f32x4.gt(squares, f32x4.splat(0))));
}

/** The level that suits a value best, given the sums of all others. */
// @ts-ignore: decorator
@inline
function betterLevel(value: v128, products: v128, squares: v128): v128 {
  const ratio = f32x4.div(f32x4.mul(value, squares), products);
  return f32x4.convert_i32x4_s(nearestWithin(ratio, i32x4.splat(-TOP), i32x4.splat(TOP - 1)));
}

/** Whether new sums make a better fit than old ones. */
// @ts-ignore: decorator
@inline
function isGain(newProducts: v128, newSquares: v128, products: v128, squares: v128): v128 {
  const left = f32x4.mul(f32x4.mul(newProducts, newProducts), squares);
  const right = f32x4.mul(f32x4.mul(products, products), newSquares);
  return v128.and(f32x4.gt(newSquares, f32x4.splat(0)), f32x4.gt(left, right));
}

/** Sums of weight * value * level and of weight * level^2 of the sixteen groups. */
const valueLevel = memory.data(64, 16);
const levelLevel = memory.data(64, 16);

function beginSet(place: usize, group: usize): void {
  let magnitude = f32x4.splat(0);
  let extreme = f32x4.splat(0);
  for (let at = place; at < place + VECTORS; at += 16) {
    const value = v128.load(turnedValues + at);
    const size = f32x4.abs(value);
    const larger = f32x4.gt(size, magnitude);
    magnitude = v128.bitselect(size, magnitude, larger);
    extreme = v128.bitselect(value, extreme, larger);
  }
  const isZero = f32x4.lt(magnitude, f32x4.splat(SMALLEST));
  const inverse = v128.andnot(f32x4.div(f32x4.splat(<f32>-TOP), extreme), isZero);
  let products = f32x4.splat(0);
  let squares = f32x4.splat(0);
  for (let at = place; at < place + VECTORS; at += 16) {
    const value = v128.load(turnedValues + at);
    const whole = nearestWithin(f32x4.mul(inverse, value), i32x4.splat(-TOP), i32x4.splat(TOP - 1));
    // a group of zeros keeps the lowest level, and its sums are zero
    const level = f32x4.convert_i32x4_s(whole);
    const weight = f32x4.mul(value, value);
    v128.store(movingLevels + at, level);
    products = f32x4.add(products, f32x4.mul(f32x4.mul(weight, value), level));
    squares = f32x4.add(squares, f32x4.mul(f32x4.mul(weight, level), level));
  }
  v128.store(valueLevel + group, v128.andnot(products, isZero));
  v128.store(levelLevel + group, v128.andnot(squares, isZero));
  v128.store(groupZeros + group, isZero);
}

/** The levels for the scales that a reader will see; those of the search for groups whose scale became zero. */
function findLevels(src: usize, weighted: bool): void {
  const d = floatOfHalf(dBits);
  const low = i32x4.splat(-TOP);
  const high = i32x4.splat(TOP - 1);
  for (let group: usize = 0; group < 16; group++) {
    const scale = d * <f32>(<i32>load<u8>(scaleLevels + group) - SCALE_TOP);
    const from = src + group * GROUP;
    const target = levels + (group << 4);
    if (scale != 0) {
      storeDividedLevels(from, target, NOTHING, f32x4.splat(scale), low, high);
    } else if (weighted) {
      storeSearchedLevels(from, target, group, low, high);
    } else {
      keepMovedLevels(group, target);
    }
  }
}

function keepMovedLevels(group: usize, target: usize): void {
  const isZero = load<i32>(groupZeros + (group << 2)) != 0;
  const from = movingLevels + (group >> 2) * VECTORS + ((group & 3) << 2);
  for (let i: usize = 0; i < 16; i++) {
    store<u8>(target + i, isZero ? 0 : <u8>(TOP + <i32>load<f32>(from + (i << 4))));
  }
}

function storeScales(dst: usize): void {
  const scales = load<u64>(scaleLevels);
  const later = load<u64>(scaleLevels, 8);
  store<u64>(dst, (scales & 0x0f0f0f0f0f0f0f0f) | ((later & 0x0f0f0f0f0f0f0f0f) << 4));
  const high = (<u32>scales & 0x30303030) >> 4;
  const second = <u32>(scales >> 32) & 0x30303030;
  const third = <u32>later & 0x30303030;
  const fourth = <u32>(later >> 32) & 0x30303030;
  store<u32>(dst, high | (second >> 2) | third | (fourth << 2), 8);
}

/** Stores the third bits of 256 levels: bit b of byte i is that of value 32 b + i. */
function storeThirdBits(dst: usize): void {
  const four = i8x16.splat(4);
  for (let half: usize = 0; half < 32; half += 16) {
    let bits = i8x16.splat(0);
    for (let run: i32 = 0; run < 8; run++) {
      const third = v128.and(v128.load(levels + (<usize>run << 5) + half), four);
      const moved = run < 2 ? i16x8.shr_u(third, 2 - run) : i16x8.shl(third, run - 2);
      bits = v128.or(bits, moved);
    }
    v128.store(dst + half, bits);
  }
}
