/**
 * Q8_0: `quant/blocks/q8-0.ts`, four values at a time.
 *
 * @module
 */
import { halfBits } from './half';

/** Quantizes `length` values; returns the address behind the last block. */
export function quantizeQ8_0(src: usize, dst: usize, length: i32): usize {
  for (const end = src + (<usize>length << 2); src < end; src += 128, dst += 34) {
    let largest = f32x4.splat(0);
    for (let i: usize = 0; i < 128; i += 16) largest = f32x4.pmax(largest, f32x4.abs(v128.load(src + i)));
    largest = f32x4.pmax(largest, v128.shuffle<i32>(largest, largest, 2, 3, 0, 1));
    const d = max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)) / 127;
    // of a scale so small that its inverse is infinite, C's conversion to int8 makes zeros
    const reciprocal = d != 0 ? <f32>1 / d : 0;
    const inverse = f32x4.splat(isFinite(reciprocal) ? reciprocal : 0);
    store<u16>(dst, <u16>halfBits(d));
    for (let i: usize = 0; i < 8; i++) {
      const at = src + (i << 4);
      const q = roundAwayFromZero(f32x4.mul(v128.load(at), inverse));
      const narrow = i16x8.narrow_i32x4_s(q, q);
      v128.store32_lane(dst + 2 + (i << 2), i8x16.narrow_i16x8_s(narrow, narrow), 0);
    }
  }
  return dst;
}

/** C's `roundf` of four values below 2^22, as integers: halves go away from zero. */
// @ts-ignore: decorator
@inline
function roundAwayFromZero(x: v128): v128 {
  // adding the largest number below a half before cutting off rounds every half and nothing below it
  const half = f32x4.splat(reinterpret<f32>(0x3effffff));
  const signed = v128.or(half, v128.and(x, f32x4.splat(-0.0)));
  return i32x4.trunc_sat_f32x4_s(f32x4.add(x, signed));
}
