/**
 * Super-blocks of 256 values: the room that the K formats share, and how values get into lanes and levels out.
 *
 * The sums of a group have to be made in order, so a group cannot be cut into lanes; but groups can lie side by side. A
 * vector holds the same value of four groups, and every lane keeps the sums of one group in ggml's order.
 *
 * @module
 */
import { turnedLane0, turnedLane1, turnedLane2, turnedLane3 } from './turn';

/** Bytes of a super-block's values. */
export const SUPER_BLOCK: usize = 1024;

/** 2^23 + 2^22: adding it leaves a whole number, rounded with ties to even, in the lower 23 bits. */
export const ROUNDING: f32 = 12582912;

/** The values of a super-block, turned: the vectors of four groups, then those of the next four. */
export const turnedValues = memory.data(1024, 16);

/** Their weights, in the same places. */
export const turnedWeights = memory.data(1024, 16);

/** The weights in the order of the values. */
export const weights = memory.data(1024, 16);

/** What is found for each of up to 16 groups, as float32: the scale. */
export const groupScales = memory.data(64, 16);

/** By how much level 0 lies below zero. */
export const groupOffsets = memory.data(64, 16);

/** What values are multiplied with for the best levels found. */
export const groupInverses = memory.data(64, 16);

/** What is taken from values before that. */
export const groupMinima = memory.data(64, 16);

/** Not zero where a group has nothing but zeros, or as good as. */
export const groupZeros = memory.data(64, 16);

/** The sum of the weights of each group. */
export const groupWeights = memory.data(64, 16);

/** The quantized scale of each group, a byte each. */
export const scaleLevels = memory.data(16, 16);

/** The quantized offset of each group. */
export const offsetLevels = memory.data(16, 16);

/** The level of each value, a byte each. */
export const levels = memory.data(256, 16);

/** Turns 256 values in groups of `groupBytes`, 64 or 128, so that four groups lie side by side. */
export function turnGroups(src: usize, dst: usize, groupBytes: usize): void {
  for (const end = src + SUPER_BLOCK; src < end; src += 3 * groupBytes) {
    for (const last = src + groupBytes; src < last; src += 16, dst += 64) {
      const a = v128.load(src);
      const b = v128.load(src + groupBytes);
      const c = v128.load(src + 2 * groupBytes);
      const d = v128.load(src + 3 * groupBytes);
      v128.store(dst, turnedLane0(a, b, c, d));
      v128.store(dst, turnedLane1(a, b, c, d), 16);
      v128.store(dst, turnedLane2(a, b, c, d), 32);
      v128.store(dst, turnedLane3(a, b, c, d), 48);
    }
  }
}

/** The whole numbers nearest to four values, as ggml's `nearest_int` finds them, moved into `low` to `high`. */
// @ts-ignore: decorator
@inline
export function nearestWithin(values: v128, low: v128, high: v128): v128 {
  const bits = f32x4.add(values, f32x4.splat(ROUNDING));
  const whole = i32x4.sub(v128.and(bits, i32x4.splat(0x7fffff)), i32x4.splat(0x400000));
  return i32x4.max_s(low, i32x4.min_s(high, whole));
}

/** `nearest_int` of one value. */
// @ts-ignore: decorator
@inline
export function nearestInt(value: f32): i32 {
  return <i32>(reinterpret<u32>(value + ROUNDING) & 0x7fffff) - 0x400000;
}

/** The bytes of sixteen small whole numbers. */
// @ts-ignore: decorator
@inline
function bytesOf(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d));
}

/** A half float as float32. */
// @ts-ignore: decorator
@inline
export function floatOfHalf(bits: u32): f32 {
  const magnitude = bits & 0x7fff;
  const scaled = reinterpret<f32>(magnitude << 13) * reinterpret<f32>(0x77800000);
  const full = magnitude > 0x7bff ? reinterpret<f32>((magnitude << 13) | 0x7f800000) : scaled;
  return reinterpret<f32>(reinterpret<u32>(full) | ((bits & 0x8000) << 16));
}

/** Stores the levels of sixteen values: (value + offset) / scale, rounded and moved into `low` to `high`, `low` taken off. */
// @ts-ignore: decorator
@inline
export function storeDividedLevels(src: usize, dst: usize, offset: v128, scale: v128, low: v128, high: v128): void {
  const a = nearestWithin(f32x4.div(f32x4.add(v128.load(src), offset), scale), low, high);
  const b = nearestWithin(f32x4.div(f32x4.add(v128.load(src, 16), offset), scale), low, high);
  const c = nearestWithin(f32x4.div(f32x4.add(v128.load(src, 32), offset), scale), low, high);
  const d = nearestWithin(f32x4.div(f32x4.add(v128.load(src, 48), offset), scale), low, high);
  v128.store(dst, bytesOf(i32x4.sub(a, low), i32x4.sub(b, low), i32x4.sub(c, low), i32x4.sub(d, low)));
}

/** Stores the levels of sixteen values: inverse * (value - offset), rounded and moved into `low` to `high`, `low` taken off. */
// @ts-ignore: decorator
@inline
export function storeMultipliedLevels(src: usize, dst: usize, offset: v128, inverse: v128, low: v128, high: v128): void {
  const a = nearestWithin(f32x4.mul(inverse, f32x4.sub(v128.load(src), offset)), low, high);
  const b = nearestWithin(f32x4.mul(inverse, f32x4.sub(v128.load(src, 16), offset)), low, high);
  const c = nearestWithin(f32x4.mul(inverse, f32x4.sub(v128.load(src, 32), offset)), low, high);
  const d = nearestWithin(f32x4.mul(inverse, f32x4.sub(v128.load(src, 48), offset)), low, high);
  v128.store(dst, bytesOf(i32x4.sub(a, low), i32x4.sub(b, low), i32x4.sub(c, low), i32x4.sub(d, low)));
}

/** Stores the levels that the search for the scale of a group found; the lowest where a group is zero. */
export function storeSearchedLevels(src: usize, dst: usize, group: usize, low: v128, high: v128): void {
  if (load<i32>(groupZeros + (group << 2)) != 0) {
    v128.store(dst, i8x16.splat(0));
    return;
  }
  const inverse = v128.load32_splat(groupInverses + (group << 2));
  storeMultipliedLevels(src, dst, f32x4.splat(-0.0), inverse, low, high);
}
