/**
 * Brain floating point, torch's `bfloat16`, ggml's `BF16`.
 *
 * ```text
 * 15 14            7 6              0
 * +-+----------------+----------------+
 * |s|    exponent    |    fraction    |   the upper half of a float32
 * +-+----------------+----------------+
 * ```
 *
 * Decoding appends 16 zero bits. Encoding rounds to nearest, ties to even; a NaN is cut off instead,
 * and made quiet, because rounding could carry it into infinity.
 *
 * @see https://en.wikipedia.org/wiki/Bfloat16_floating-point_format
 * @module
 */
import { bitsOf } from './words.js';

/** Decodes bfloat16 into as many float32; exact. */
export function decodeBfloat16(brains: Uint16Array, out: Float32Array): void {
  const bits = bitsOf(out);
  for (let i = 0; i < bits.length; i++) bits[i] = brains[i]! << 16;
}

/** Encodes float32 values as bfloat16, rounding to nearest, ties to even. */
export function encodeBfloat16(values: Float32Array, out: Uint16Array): void {
  const bits = bitsOf(values);
  for (let i = 0; i < out.length; i++) out[i] = brainOfFloat32Bits(bits[i]!);
}

/** The bits of the bfloat16 nearest to a float32, both given as their bits. */
export function brainOfFloat32Bits(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  const odd = (bits >>> 16) & 1;
  return (bits + 0x7fff + odd) >>> 16;
}
