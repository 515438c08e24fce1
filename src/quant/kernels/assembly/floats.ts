/**
 * Rows of float32 as half precision and as bfloat16: `quant/float16.ts` and `quant/bfloat16.ts`.
 *
 * Infinity and NaN are welcome here: these formats hold them.
 *
 * @module
 */
import { halfBits, halfBitsOfFour } from './half';

/** Stores `length` float32 values in a format of no blocks: ggml's 0 float32, 1 float16, 30 bfloat16; returns the end. */
export function storeFloats(format: i32, src: usize, dst: usize, length: i32): usize {
  if (format == 1) return storeHalves(src, dst, length);
  if (format == 30) return storeBrains(src, dst, length);
  const bytes = <usize>length << 2;
  memory.copy(dst, src, bytes);
  return dst + bytes;
}

function storeHalves(src: usize, dst: usize, length: i32): usize {
  const end = src + (<usize>length << 2);
  for (; src + 32 <= end; src += 32, dst += 16) {
    const low = halfBitsOfFour(v128.load(src));
    v128.store(dst, i16x8.narrow_i32x4_u(low, halfBitsOfFour(v128.load(src, 16))));
  }
  for (; src < end; src += 4, dst += 2) store<u16>(dst, <u16>halfBits(load<f32>(src)));
  return dst;
}

function storeBrains(src: usize, dst: usize, length: i32): usize {
  const end = src + (<usize>length << 2);
  for (; src + 32 <= end; src += 32, dst += 16) {
    const low = brainBitsOfFour(v128.load(src));
    v128.store(dst, i16x8.narrow_i32x4_u(low, brainBitsOfFour(v128.load(src, 16))));
  }
  for (; src < end; src += 4, dst += 2) {
    store<u16>(dst, <u16>i32x4.extract_lane(brainBitsOfFour(v128.load32_splat(src)), 0));
  }
  return dst;
}

/** The bits of bfloat16 in the lower half of each lane: to nearest, ties to even; a NaN is cut off instead, and made quiet. */
// @ts-ignore: decorator
@inline
export function brainBitsOfFour(values: v128): v128 {
  const cut = i32x4.shr_u(values, 16);
  const rounding = i32x4.add(v128.and(cut, i32x4.splat(1)), i32x4.splat(0x7fff));
  const rounded = i32x4.shr_u(i32x4.add(values, rounding), 16);
  const magnitude = v128.and(values, i32x4.splat(0x7fffffff));
  const isNaN = i32x4.gt_s(magnitude, i32x4.splat(0x7f800000));
  return v128.bitselect(v128.or(cut, i32x4.splat(0x40)), rounded, isNaN);
}
