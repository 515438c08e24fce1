/**
 * Rows of values on their way into the kernels: expanded to float32, and checked for values that are none.
 *
 * @module
 */

/** Expands `length` values of 16 bits into float32. `source` is ggml's type: 1 float16, 30 bfloat16. */
export function expandToFloat32(source: i32, src: usize, dst: usize, length: i32): void {
  if (source == 30) expandBfloat16(src, dst, length);
  else expandFloat16(src, dst, length);
}

function expandBfloat16(src: usize, dst: usize, length: i32): void {
  const end = src + (<usize>length << 1);
  const zero = i32x4.splat(0);
  for (; src + 16 <= end; src += 16, dst += 32) {
    const halves = v128.load(src);
    v128.store(dst, v128.shuffle<i16>(zero, halves, 0, 8, 0, 9, 0, 10, 0, 11));
    v128.store(dst, v128.shuffle<i16>(zero, halves, 0, 12, 0, 13, 0, 14, 0, 15), 16);
  }
  for (; src < end; src += 2, dst += 4) store<u32>(dst, <u32>load<u16>(src) << 16);
}

/** Exact for all patterns; subnormal halves are scaled as integers, infinity and NaN get the full exponent. */
function expandFloat16(src: usize, dst: usize, length: i32): void {
  const end = src + (<usize>length << 1);
  for (; src + 8 <= end; src += 8, dst += 16) {
    v128.store(dst, floatsOfHalves(i32x4.extend_low_i16x8_u(v128.load64_zero(src))));
  }
  for (; src < end; src += 2, dst += 4) {
    store<f32>(dst, f32x4.extract_lane(floatsOfHalves(i32x4.splat(<i32>load<u16>(src))), 0));
  }
}

/** The float32 values of four half floats, each in the lower half of its lane. */
// @ts-ignore: decorator
@inline
export function floatsOfHalves(half: v128): v128 {
  const sign = i32x4.shl(v128.and(half, i32x4.splat(0x8000)), 16);
  const magnitude = v128.and(half, i32x4.splat(0x7fff));
  // 2^112 moves the bias from 15 to 127, for normal and subnormal numbers alike: all are exact in float32
  const scaled = f32x4.mul(i32x4.shl(magnitude, 13), f32x4.splat(reinterpret<f32>(0x77800000)));
  const special = i32x4.gt_s(magnitude, i32x4.splat(0x7bff));
  const full = v128.or(i32x4.shl(magnitude, 13), i32x4.splat(0x7f800000));
  return v128.or(sign, v128.bitselect(full, scaled, special));
}

/** Index of the first of `length` float32 values that is NaN or infinite; -1 when all are finite. */
export function firstNotFinite(values: usize, length: i32): i32 {
  const exponent = i32x4.splat(0x7f800000);
  const end = values + (<usize>length << 2);
  let at = values;
  let worst = i32x4.splat(0);
  for (; at + 64 <= end; at += 64) {
    const a = i32x4.eq(v128.and(v128.load(at), exponent), exponent);
    const b = i32x4.eq(v128.and(v128.load(at, 16), exponent), exponent);
    const c = i32x4.eq(v128.and(v128.load(at, 32), exponent), exponent);
    const d = i32x4.eq(v128.and(v128.load(at, 48), exponent), exponent);
    worst = v128.or(worst, v128.or(v128.or(a, b), v128.or(c, d)));
  }
  const clean = !v128.any_true(worst);
  for (at = clean ? at : values; at < end; at += 4) {
    if ((load<u32>(at) & 0x7f800000) == 0x7f800000) return <i32>((at - values) >> 2);
  }
  return -1;
}
