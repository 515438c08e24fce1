/**
 * What Q2_K, Q4_K and Q5_K do around the search: `quant/blocks/offset-super-block.ts`.
 *
 * @module
 */
import { halfBits } from './half';
import { fitPositiveScale } from './positive-scale';
import {
  SUPER_BLOCK,
  floatOfHalf,
  groupInverses,
  groupMinima,
  groupOffsets,
  groupScales,
  groupWeights,
  levels,
  nearestInt,
  offsetLevels,
  scaleLevels,
  storeDividedLevels,
  storeMultipliedLevels,
  weights,
} from './turned-groups';

/** Half precision bits of the scale of the scales. */
export let dBits: u32 = 0;

/** Half precision bits of the scale of the offsets. */
export let dminBits: u32 = 0;

/** Weights under importances of 256 values, and their sum in each group of `groupBytes`; `factor` is 1 or 2. */
export function weighSuperBlock(src: usize, importance: usize, factor: f32, groupBytes: usize): void {
  let sum: f32 = 0;
  for (let at: usize = 0; at < SUPER_BLOCK; at += 4) sum += load<f32>(src + at) * load<f32>(src + at);
  const mean = f32x4.splat((factor * sum) / 256);
  for (let at: usize = 0; at < SUPER_BLOCK; at += 16) {
    const values = v128.load(src + at);
    const root = f32x4.sqrt(f32x4.add(mean, f32x4.mul(values, values)));
    v128.store(weights + at, f32x4.mul(v128.load(importance + at), root));
  }
  for (let group: usize = 0; group * groupBytes < SUPER_BLOCK; group++) {
    let total: f32 = 0;
    for (let at: usize = 0; at < groupBytes; at += 4) total += load<f32>(weights + group * groupBytes + at);
    store<f32>(groupWeights + (group << 2), total);
  }
}

/**
 * Quantizes scales and offsets of the groups against their largest, or with weights by least squares. A scale that came out
 * negative is a byte from 128 on here, as in C; `cut` says whether it becomes the top.
 */
export function quantizeGroups(groups: i32, top: i32, weighted: bool, cut: bool): void {
  if (weighted) {
    dBits = halfBits(fitPositiveScale(groupScales, groupWeights, groups, top, scaleLevels));
    dminBits = halfBits(fitPositiveScale(groupOffsets, groupWeights, groups, top, offsetLevels));
  } else {
    dBits = quantizeByLargest(groupScales, groups, top, scaleLevels);
    dminBits = quantizeByLargest(groupOffsets, groups, top, offsetLevels);
  }
  if (!cut) return;
  v128.store(scaleLevels, i8x16.min_u(v128.load(scaleLevels), i8x16.splat(<i8>top)));
  v128.store(offsetLevels, i8x16.min_u(v128.load(offsetLevels), i8x16.splat(<i8>top)));
}

function quantizeByLargest(values: usize, groups: i32, top: i32, target: usize): u32 {
  let largest: f32 = 0;
  for (let group = 0; group < groups; group++) {
    const value = load<f32>(values + (group << 2));
    if (value > largest) largest = value;
  }
  const inverse: f32 = largest > 0 ? <f32>top / largest : 0;
  for (let group = 0; group < groups; group++) {
    store<u8>(target + group, <u8>nearestInt(inverse * load<f32>(values + (group << 2))));
  }
  return halfBits(largest / <f32>top);
}

/** The levels for the scales that a reader will see; those of the search for groups whose scale became zero. */
// @ts-ignore: decorator
@inline
export function findOffsetLevels(src: usize, groupBytes: usize, top: i32): void {
  const high = i32x4.splat(top);
  const zero = i32x4.splat(0);
  const d = floatOfHalf(dBits);
  const dmin = floatOfHalf(dminBits);
  let target = levels;
  for (let group: usize = 0; group * groupBytes < SUPER_BLOCK; group++) {
    const scale = d * <f32>load<u8>(scaleLevels + group);
    const from = src + group * groupBytes;
    if (scale != 0) {
      const offset = f32x4.splat(dmin * <f32>load<u8>(offsetLevels + group));
      const divisor = f32x4.splat(scale);
      for (let at = from; at < from + groupBytes; at += 64, target += 16) {
        storeDividedLevels(at, target, offset, divisor, zero, high);
      }
    } else {
      const inverse = v128.load32_splat(groupInverses + (group << 2));
      const minimum = v128.load32_splat(groupMinima + (group << 2));
      for (let at = from; at < from + groupBytes; at += 64, target += 16) {
        storeMultipliedLevels(at, target, minimum, inverse, zero, high);
      }
    }
  }
}
