/**
 * Levels, the small integers that values become, on their way from vectors of float32 into bytes.
 *
 * WebAssembly's conversion of float32 to integers saturates, which costs x86 five instructions. The values here are small,
 * so they are cut off as float32 and added to a number whose unit is 1: the integer then stands in the lowest bits.
 *
 * @module
 */

/** 2^23: adding a whole number from 0 to 2^23 leaves it in the lower bits. */
const UNITS: f32 = 8388608;

/** 2^23 + 2^22: the same for whole numbers of either sign. */
const SIGNED_UNITS: f32 = 12582912;

/** Values that are not negative, rounded down; the lower 16 bits of the lanes count. A NaN is zero. */
// @ts-ignore: decorator
@inline
export function cutOff(values: v128): v128 {
  return f32x4.add(f32x4.trunc(values), f32x4.splat(UNITS));
}

/** C's `roundf`, halves go away from zero, of values below 2^21; the lower 16 bits of the lanes count. */
// @ts-ignore: decorator
@inline
export function roundedAway(values: v128): v128 {
  // adding the largest number below a half before cutting off rounds every half and nothing below it
  const sign = v128.and(values, f32x4.splat(-0.0));
  const half = v128.or(sign, f32x4.splat(reinterpret<f32>(0x3effffff)));
  return f32x4.add(f32x4.trunc(f32x4.add(values, half)), f32x4.splat(SIGNED_UNITS));
}

/** The lowest bytes of sixteen lanes. */
// @ts-ignore: decorator
@inline
export function lowestBytes(a: v128, b: v128, c: v128, d: v128): v128 {
  const byte = i32x4.splat(0xff);
  const ab = i16x8.narrow_i32x4_u(v128.and(a, byte), v128.and(b, byte));
  const cd = i16x8.narrow_i32x4_u(v128.and(c, byte), v128.and(d, byte));
  return i8x16.narrow_i16x8_u(ab, cd);
}

/** The levels of sixteen values at `src`: in units of their scale, moved by `offset`, cut off. */
// @ts-ignore: decorator
@inline
export function levelsOfSixteen(src: usize, inverse: v128, offset: v128): v128 {
  const a = cutOff(f32x4.add(f32x4.mul(v128.load(src), inverse), offset));
  const b = cutOff(f32x4.add(f32x4.mul(v128.load(src, 16), inverse), offset));
  const c = cutOff(f32x4.add(f32x4.mul(v128.load(src, 32), inverse), offset));
  const d = cutOff(f32x4.add(f32x4.mul(v128.load(src, 48), inverse), offset));
  return lowestBytes(a, b, c, d);
}

/** The levels of sixteen values at `src`: above `minimum`, in units of their scale, rounded half up. */
// @ts-ignore: decorator
@inline
export function levelsAboveOfSixteen(src: usize, inverse: v128, minimum: v128): v128 {
  const half = f32x4.splat(0.5);
  const a = cutOff(f32x4.add(f32x4.mul(f32x4.sub(v128.load(src), minimum), inverse), half));
  const b = cutOff(f32x4.add(f32x4.mul(f32x4.sub(v128.load(src, 16), minimum), inverse), half));
  const c = cutOff(f32x4.add(f32x4.mul(f32x4.sub(v128.load(src, 32), minimum), inverse), half));
  const d = cutOff(f32x4.add(f32x4.mul(f32x4.sub(v128.load(src, 48), minimum), inverse), half));
  return lowestBytes(a, b, c, d);
}

/** Stores 32 levels below 16, the first sixteen in the lower halves of the bytes. */
// @ts-ignore: decorator
@inline
export function storeNibbles(dst: usize, low: v128, high: v128): void {
  v128.store(dst, v128.or(low, i16x8.shl(high, 4)));
}

/** Stores 32 levels below 32: first their fifth bits, then the others as nibbles. */
// @ts-ignore: decorator
@inline
export function storeFiveBits(dst: usize, low: v128, high: v128): void {
  // what crosses from byte to byte does not reach the highest bits, which are collected
  const fifths = i8x16.bitmask(i16x8.shl(low, 3)) | (i8x16.bitmask(i16x8.shl(high, 3)) << 16);
  store<u32>(dst, fifths);
  const nibble = i8x16.splat(15);
  storeNibbles(dst + 4, v128.and(low, nibble), v128.and(high, nibble));
}

/** Lane 0 of a vector of float32 in all lanes. */
// @ts-ignore: decorator
@inline
export function splatLane0(vector: v128): v128 {
  return v128.shuffle<i32>(vector, vector, 0, 0, 0, 0);
}

/** Lane 1 in all lanes. */
// @ts-ignore: decorator
@inline
export function splatLane1(vector: v128): v128 {
  return v128.shuffle<i32>(vector, vector, 1, 1, 1, 1);
}

/** Lane 2 in all lanes. */
// @ts-ignore: decorator
@inline
export function splatLane2(vector: v128): v128 {
  return v128.shuffle<i32>(vector, vector, 2, 2, 2, 2);
}

/** Lane 3 in all lanes. */
// @ts-ignore: decorator
@inline
export function splatLane3(vector: v128): v128 {
  return v128.shuffle<i32>(vector, vector, 3, 3, 3, 3);
}
