/**
 * Half precision, to nearest, ties to even: `quant/float16.ts`.
 *
 * @module
 */

/** The bits of the half float nearest to a float32; a NaN becomes 0x7e00 with its sign, as in ggml. */
// @ts-ignore: decorator
@inline
export function halfBits(value: f32): u32 {
  const bits = reinterpret<u32>(value);
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00);
  if (magnitude < 0x38800000) {
    // 2^-1 has units of 2^-24, those of subnormal halves: the addition rounds
    return sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + 0.5) - 0x3f000000);
  }
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/** {@link halfBits} of four values at once, each in the lower half of its lane. */
// @ts-ignore: decorator
@inline
export function halfBitsOfFour(values: v128): v128 {
  const magnitude = v128.and(values, i32x4.splat(0x7fffffff));
  const odd = v128.and(i32x4.shr_u(magnitude, 13), i32x4.splat(1));
  const normal = i32x4.shr_u(i32x4.add(i32x4.add(magnitude, i32x4.splat(0xfff - 0x38000000)), odd), 13);
  const subnormal = i32x4.sub(f32x4.add(magnitude, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const finite = v128.bitselect(subnormal, normal, i32x4.lt_s(magnitude, i32x4.splat(0x38800000)));
  const isNaN = i32x4.gt_s(magnitude, i32x4.splat(0x7f800000));
  const special = v128.or(i32x4.splat(0x7c00), v128.and(isNaN, i32x4.splat(0x0200)));
  const bits = v128.bitselect(special, finite, i32x4.gt_s(magnitude, i32x4.splat(0x477fffff)));
  return v128.or(bits, v128.and(i32x4.shr_u(values, 16), i32x4.splat(0x8000)));
}
