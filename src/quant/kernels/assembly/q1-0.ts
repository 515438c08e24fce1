/**
 * Q1_0: `quant/blocks/q1-0.ts`, four blocks at a time: a sum over a block takes its values one after the other.
 *
 * @module
 */
import { halfBitsOfFour } from './half';
import { turnedLane0, turnedLane1, turnedLane2, turnedLane3 } from './turn';

/** Bytes of a block: a scale and 128 bits. */
const BLOCK: usize = 18;

/** Bytes of the values of a block. */
const VALUES: usize = 512;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeQ1_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 4 * VALUES, dst += 4 * BLOCK) {
    const bits = halfBitsOfFour(f32x4.mul(sumsOfMagnitudes(src), f32x4.splat(1 / 128)));
    v128.store16_lane(dst, bits, 0);
    v128.store16_lane(dst + BLOCK, bits, 2);
    v128.store16_lane(dst + 2 * BLOCK, bits, 4);
    v128.store16_lane(dst + 3 * BLOCK, bits, 6);
    for (let block: usize = 0; block < 4; block++) storeSigns(src + block * VALUES, dst + block * BLOCK + 2);
  }
}

/** The sums of the magnitudes of four blocks. */
// @ts-ignore: decorator
@inline
function sumsOfMagnitudes(src: usize): v128 {
  let sums = f32x4.splat(0);
  for (const end = src + VALUES; src < end; src += 16) {
    const a = f32x4.abs(v128.load(src));
    const b = f32x4.abs(v128.load(src + VALUES));
    const c = f32x4.abs(v128.load(src + 2 * VALUES));
    const d = f32x4.abs(v128.load(src + 3 * VALUES));
    sums = f32x4.add(sums, turnedLane0(a, b, c, d));
    sums = f32x4.add(sums, turnedLane1(a, b, c, d));
    sums = f32x4.add(sums, turnedLane2(a, b, c, d));
    sums = f32x4.add(sums, turnedLane3(a, b, c, d));
  }
  return sums;
}

/** A bit for each of 128 values: 1 where it is not below zero. */
// @ts-ignore: decorator
@inline
function storeSigns(src: usize, dst: usize): void {
  const zero = f32x4.splat(0);
  for (const end = src + VALUES; src < end; src += 64, dst += 2) {
    const ab = i16x8.narrow_i32x4_s(f32x4.ge(v128.load(src), zero), f32x4.ge(v128.load(src, 16), zero));
    const cd = i16x8.narrow_i32x4_s(f32x4.ge(v128.load(src, 32), zero), f32x4.ge(v128.load(src, 48), zero));
    store<u16>(dst, <u16>i8x16.bitmask(i8x16.narrow_i16x8_s(ab, cd)));
  }
}
