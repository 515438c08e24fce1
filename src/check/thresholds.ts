/**
 * How far apart two models may be and still be one.
 *
 * A plain type is judged without tolerance: each element must be exactly what rounding the other side's
 * to this type gives, so that a single changed weight stands out however small the change.
 *
 * | types of a tensor | must hold for every element | logits, NMSE |
 * | --- | --- | --- |
 * | equal types; float32 beside values it holds exactly | equal to the bit | 1e-9 |
 * | one side rounded to float16 | at most half a unit of float16 apart (2^-11 of the power of two, 2^-25 for tiny ones) or overflowed to infinity | 1e-4 |
 * | one side rounded to bfloat16 | at most half a unit of bfloat16 apart (2^-8 of the power of two) | 1e-2 |
 * | float16 and bfloat16, both rounded from a third | at most half a unit of each apart | 1e-2 |
 * | a type that is not in the table | equal to the bit | 1e-9 |
 *
 * The limit of the logits is that of the coarsest rounding among the tensors.
 *
 * @see https://github.com/ggml-org/llama.cpp/tree/master/examples/model-conversion (the classes of NMSE)
 * @module
 */
import type { DType } from '../dtype.js';
import type { Agreement } from './comparison.js';

/** How a plain type rounds float32 values, and what that may do to logits. */
export interface Rounding {
  /** Half a unit in the last place, of a number whose power of two is 1. */
  readonly halfUnit: number;
  /** The same for the smallest numbers, whose unit no longer shrinks. */
  readonly smallestHalfUnit: number;
  /** Numbers from here on become infinite. */
  readonly overflow: number;
  /** Largest NMSE of logits where weights were rounded so: a hundred times what it does to a model of two layers. */
  readonly logitsNmse: number;
}

/** Types that values may be rounded to, by name; a further type is a further line. */
export const ROUNDINGS: Readonly<Partial<Record<DType, Rounding>>> = {
  float32: { halfUnit: 0, smallestHalfUnit: 0, overflow: Infinity, logitsNmse: 0 },
  float16: { halfUnit: 2 ** -11, smallestHalfUnit: 2 ** -25, overflow: (2 - 2 ** -11) * 2 ** 15, logitsNmse: 1e-4 },
  bfloat16: { halfUnit: 2 ** -8, smallestHalfUnit: 2 ** -134, overflow: (2 - 2 ** -8) * 2 ** 127, logitsNmse: 1e-2 },
};

/** Largest NMSE of logits of equal weights: room for kernels that add in another order, far below any real change. */
export const EXACT_NMSE = 1e-9;

/** So many elements that are no rounding of the other side's are changes, not the sign of a common third. */
export const FEW_OUTLIERS = 16;

/** The same as a share of the tensor, for large ones. */
export const FEW_OUTLIERS_SHARE = 0.01;

/** llama.cpp's word for an NMSE. */
export function agreementOf(nmse: number): Agreement {
  if (nmse < 1e-6) return 'identical';
  if (nmse < 1e-4) return 'excellent';
  if (nmse < 1e-3) return 'very-good';
  return nmse < 1e-2 ? 'pass' : 'fail';
}
