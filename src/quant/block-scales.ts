/**
 * Where the scales lie in a block of ggml's quantized types.
 *
 * A block has no numbers of its own that could be NaN: its bits are all small integers, and only the scales that
 * multiply them are floating point. Most are half precision; MXFP4's is a bare exponent, and IQ1_M's is scattered
 * over the top four bits of four words. NVFP4 has none here, as every byte of its scales is a number.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (ggml_validate_row_data)
 * @module
 */
import type { DType } from '../dtype.js';

/** Reads one scale from a block that starts at `at`, as the bits of a half precision number. */
export type ReadScale = (bytes: Uint8Array, at: number) => number;

/** Any NaN of half precision, for scales of other forms that are none. */
const NAN_BITS = 0x7e00;

/** Infinity in half precision. */
const INFINITE_BITS = 0x7c00;

/** A number that is neither zero nor special, for scales of other forms that are a number. */
const ONE_BITS = 0x3c00;

function half(offset: number): ReadScale {
  return (bytes, at) => bytes[at + offset]! | (bytes[at + offset + 1]! << 8);
}

/** An exponent of which 255 means NaN and nothing means zero. */
const exponent: ReadScale = (bytes, at) => (bytes[at] === 0xff ? NAN_BITS : ONE_BITS);

/** A single precision number, as the half precision number of its kind. */
const single: ReadScale = (bytes, at) => {
  const bits = new DataView(bytes.buffer, bytes.byteOffset + at, 4).getUint32(0, true);
  if ((bits & 0x7f800000) !== 0x7f800000) return (bits & 0x7fffffff) === 0 ? 0 : ONE_BITS;
  return (bits & 0x7fffff) === 0 ? INFINITE_BITS : NAN_BITS;
};

/** The half precision number whose four hexadecimal digits are the top ones of four words, the last digit first. */
const scattered: ReadScale = (bytes, at) => {
  const digit = (word: number): number => bytes[at + 49 + 2 * word]! >>> 4;
  return digit(0) | (digit(1) << 4) | (digit(2) << 8) | (digit(3) << 12);
};

const AT_START = [half(0)];
const TWO_AT_START = [half(0), half(2)];

const SCALES: Partial<Record<DType, readonly ReadScale[]>> = {
  ...{ q4_0: AT_START, q5_0: AT_START, q8_0: AT_START, q8_1: AT_START, q1_0: AT_START, q2_0: AT_START },
  ...{ q4_1: TWO_AT_START, q5_1: TWO_AT_START, q4_k: TWO_AT_START, q5_k: TWO_AT_START },
  ...{ q2_k: [half(80), half(82)], q3_k: [half(108)], q6_k: [half(208)] },
  ...{ iq2_xxs: AT_START, iq2_xs: AT_START, iq2_s: AT_START, iq3_xxs: AT_START, iq3_s: AT_START },
  ...{ iq1_s: AT_START, iq4_nl: AT_START, iq4_xs: AT_START, iq1_m: [scattered] },
  ...{ tq1_0: [half(52)], tq2_0: [half(64)], mxfp4: [exponent], q8_k: [single] },
};

/** The scales of a block of the type that can be NaN or infinite; none where every pattern of bits is a number. */
export function blockScales(dtype: DType): readonly ReadScale[] {
  return SCALES[dtype] ?? [];
}
