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
