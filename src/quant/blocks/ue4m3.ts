/**
 * Unsigned 8-bit floating point, E4M3 without its sign: the scales of NVFP4, which ggml keeps halved.
 *
 * ```text
 *    7 6        3 2        0
 *   +-+----------+----------+   bias 7; exponent 0: subnormal, fraction / 2^9
 *   |-| exponent | fraction |   bit 7 means nothing; 0x7f is zero (NaN by the specification)
 *   +-+----------+----------+
 * ```
 *
 * Encoding leaves out the numbers with exponent 15 but for the largest, 448: from 248 on everything becomes 448,
 * which is up to 1.8 times as much.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-impl.h (ggml_fp32_to_ue4m3)
 * @module
 */
import { bitsOf } from '../words.js';

/** The pattern of 448. */
const LARGEST = 0x7e;

/** Patterns below have an exponent that encoding uses. */
const FIRST_UNUSED = 15 << 3;

const HALVED = Float32Array.from({ length: 256 }, (_, pattern) => halvedValueOf(pattern));

const value = new Float32Array(1);
const bits = bitsOf(value);

/** Half of the number that a pattern stands for; exact. */
export function halvedOfUe4m3(pattern: number): number {
  return HALVED[pattern]!;
}

/** The pattern of the number nearest to a float32, halves up; zero for what is not above zero. */
export function ue4m3Of(float32: number): number {
  if (!(float32 > 0)) return 0;
  if (float32 < 2 ** -6) return Math.min(7, Math.trunc(Math.fround(float32 * 512 + 0.5)));
  value[0] = float32;
  // move the bias from 127 to 7 and drop 20 bits; a carry out of the fraction lands in the exponent
  const pattern = ((bits[0]! + 0x80000) >>> 20) - (120 << 3);
  return pattern < FIRST_UNUSED ? pattern : LARGEST;
}

function halvedValueOf(pattern: number): number {
  if (pattern === 0x7f) return 0;
  const exponent = (pattern >>> 3) & 0x0f;
  const fraction = pattern & 7;
  return exponent === 0 ? fraction * 2 ** -10 : (8 + fraction) * 2 ** (exponent - 11);
}
