/**
 * What quantizing to each type does to a tensor, and to the logits.
 *
 * @module
 */
import type { DType } from '../dtype.js';

/** Most that quantizing to a type may change. */
export interface Quantization {
  /** RMSE of a tensor relative to its root mean square. */
  readonly tensor: number;
  /** The same of a single row. */
  readonly row: number;
  /** Error of a single element relative to the largest of the 32 around it. */
  readonly element: number;
  /** Error that no type avoids where weights are tiny: scales of half precision end at 2^-24. */
  readonly smallest: number;
  /** NMSE of logits. */
  readonly logitsNmse: number;
}

/** The figures by type. */
export const QUANTIZATIONS: Readonly<Partial<Record<DType, Quantization>>> = {};
