/**
 * IEEE 754 half precision, torch's `float16`, ggml's `F16`.
 *
 * ```text
 * 15 14        10 9                    0
 * +-+------------+----------------------+
 * |s|  exponent  |       fraction       |   bias 15; exponent 31: infinity, NaN
 * +-+------------+----------------------+   exponent 0: subnormal, fraction / 2^24
 * ```
 *
 * Encoding rounds to nearest, ties to even; 65,520 and above become infinity. ggml (unlike NumPy)
 * throws a NaN's payload away: every NaN becomes 0x7e00 with its sign. We write what ggml writes.
 *
 * @see https://en.wikipedia.org/wiki/Half-precision_floating-point_format
 * @module
 */
import { bitsOf } from './words.js';

/** Number of different 16-bit patterns. */
const PATTERNS = 1 << 16;

let decodingTable: Uint32Array | undefined;

/** Decodes half floats into as many float32; exact. The first call builds a table of 256 KiB. */
export function decodeFloat16(halves: Uint16Array, out: Float32Array): void {
  decodingTable ??= Uint32Array.from({ length: PATTERNS }, (_, half) => float32BitsOfHalf(half));
  const table = decodingTable;
  const bits = bitsOf(out);
  for (let i = 0; i < bits.length; i++) bits[i] = table[halves[i]!]!;
}

/** Encodes float32 values as half floats, rounding to nearest, ties to even. */
export function encodeFloat16(values: Float32Array, out: Uint16Array): void {
  const bits = bitsOf(values);
  for (let i = 0; i < out.length; i++) out[i] = halfOfFloat32Bits(bits[i]!);
}

/** The bits of the half float nearest to a float32, both given as their bits. */
export function halfOfFloat32Bits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and above
  if (magnitude < 0x38800000) return sign | subnormalHalf(magnitude); // below 2^-14
  // Normal in both: move the bias from 127 to 15, drop 13 bits. A carry out of the fraction lands in the
  // exponent, which is right, also when it makes infinity of 65,520.
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0xfff + odd) >>> 13);
}

/** The bits of the float32 that equals a half float; a NaN keeps its payload. */
export function float32BitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return (sign | 0x7f800000 | (fraction << 13)) >>> 0;
  if (exponent !== 0) return (sign | ((exponent + 112) << 23) | (fraction << 13)) >>> 0;
  if (fraction === 0) return sign >>> 0;
  // Subnormal halves are normal float32: shift the leading one up to where it becomes implicit.
  const shift = Math.clz32(fraction) - 21;
  return (sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13)) >>> 0;
}

function subnormalHalf(magnitude: number): number {
  const shift = 126 - (magnitude >>> 23); // the fraction with its leading one, in units of 2^-24
  if (shift > 24) return 0;
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const odd = (fraction >>> shift) & 1;
  return (fraction + (1 << (shift - 1)) - 1 + odd) >>> shift;
}
