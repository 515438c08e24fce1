/**
 * How NaN, infinity and zero look in the bits of each plain element type.
 *
 * A floating point number is special when all bits of its exponent are set. Adding one to the lowest of them then
 * carries into the place above, so one addition tests as many numbers as fit a machine word: that is what `mask`,
 * `step` and `carry` are for.
 *
 * @module
 */
import type { DType } from '../dtype.js';

/** Tests whether any number of a 32-bit word is special: then `((word & mask) + step) & carry` is not 0. */
export interface CarryTest {
  /** Bits of a number; of one of 64 bits only the upper word is tested. */
  readonly width: 16 | 32 | 64;
  /** Bits of the exponents. */
  readonly mask: number;
  /** The lowest bit of each exponent. */
  readonly step: number;
  /** The place above each exponent. */
  readonly carry: number;
  /** Of the uppermost 16 or 32 bits of a number, those below the exponent: none is set in infinity. */
  readonly fraction: number;
}

/** What a byte of an 8-bit floating point type is. */
export type ByteClass = 'number' | 'nan' | 'infinite';

/** What is known of a type's bits. */
export interface NumberForm {
  /** The test for special numbers of 16 bits and more; absent where there are none. */
  readonly test?: CarryTest;
  /** What a byte of an 8-bit floating point type is; absent for other types. */
  readonly classOf?: (byte: number) => ByteClass;
  /**
   * Bits that are clear in zeros of either sign, of words at even and at odd places; absent where zero cannot be told
   * from bits alone.
   */
  readonly magnitude?: readonly [even: number, odd: number];
}

const ALL = [-1, -1] as const;
const SIGNED_HALVES = [0x7fff7fff, 0x7fff7fff] as const;
const SIGNED_BYTES = [0x7f7f7f7f, 0x7f7f7f7f] as const;

const HALF: NumberForm = {
  test: { width: 16, mask: 0x7c007c00, step: 0x04000400, carry: 0x80008000, fraction: 0x3ff },
  magnitude: SIGNED_HALVES,
};
const BRAIN: NumberForm = {
  test: { width: 16, mask: 0x7f807f80, step: 0x00800080, carry: 0x80008000, fraction: 0x7f },
  magnitude: SIGNED_HALVES,
};
const SINGLE: NumberForm = {
  test: { width: 32, mask: 0x7f800000, step: 0x00800000, carry: 0x80000000, fraction: 0x7fffff },
  magnitude: [0x7fffffff, 0x7fffffff],
};
const DOUBLE: NumberForm = {
  test: { width: 64, mask: 0x7ff00000, step: 0x00100000, carry: 0x80000000, fraction: 0xfffff },
  magnitude: [-1, 0x7fffffff],
};
/** The bits of negative zero mean NaN, and there is no infinity. */
const UNSIGNED_ZERO: NumberForm = { classOf: (byte) => (byte === 0x80 ? 'nan' : 'number'), magnitude: ALL };

const FORMS: Partial<Record<DType, NumberForm>> = {
  ...{ float16: HALF, complex32: HALF, bfloat16: BRAIN },
  ...{ float32: SINGLE, complex64: SINGLE, float64: DOUBLE, complex128: DOUBLE },
  float8_e4m3fn: { classOf: (byte) => ((byte & 0x7f) === 0x7f ? 'nan' : 'number'), magnitude: SIGNED_BYTES },
  float8_e5m2: { classOf: (byte) => classOfE5m2(byte & 0x7f), magnitude: SIGNED_BYTES },
  ...{ float8_e4m3fnuz: UNSIGNED_ZERO, float8_e5m2fnuz: UNSIGNED_ZERO },
  float8_e8m0fnu: { classOf: (byte) => (byte === 0xff ? 'nan' : 'number') },
  float4_e2m1fn_x2: { magnitude: [0x77777777, 0x77777777] },
  // what stands for zero in these is for a scale to say that lies elsewhere
  ...{ qint8: {}, quint8: {}, qint32: {}, quint4x2: {}, quint2x4: {} },
};

function classOfE5m2(magnitude: number): ByteClass {
  if (magnitude < 0x7c) return 'number';
  return magnitude === 0x7c ? 'infinite' : 'nan';
}

/** What is known of a plain type's bits; of types that are not floating point, only that zero has no bit set. */
export function numberForm(dtype: DType): NumberForm {
  return FORMS[dtype] ?? { magnitude: ALL };
}
