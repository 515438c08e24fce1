/**
 * Rows of any type for the kernels that compare: as they are stored where there is a kernel, else as float32.
 *
 * @module
 */
import { type DType, byteLengthOf } from '../dtype.js';
import { ggmlTypeOf } from '../formats/gguf/tensor-types.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { CompareKernels, ComparedRows } from './kernels/compare-kernels.js';

/** Rows of one side with their type. */
export interface TypedRows {
  /** Element type of the bytes. */
  readonly dtype: DType;
  /** Whole rows, row-major, little-endian. */
  readonly bytes: Uint8Array;
}

/** The same rows of both sides, and what is allowed. */
export interface TypedJob {
  /** The first side's; with ggml's number for a type that has a kernel, or else with its name. */
  readonly a: TypedRows | ComparedRows;
  /** The second side's. */
  readonly b: TypedRows | ComparedRows;
  /** Number of rows. */
  readonly rowCount: number;
  /** Elements of a row. */
  readonly rowLength: number;
  /** What is allowed, see `kernels/assembly/fit.ts`. */
  readonly demands: readonly number[];
}

/** ggml's number for rows that kernels compare as they are stored; undefined where there is none. */
export function kernelFormat(kernels: CompareKernels, dtype: DType, rowLength: number): number | undefined {
  const format = ggmlTypeOf(dtype)?.id;
  return format !== undefined && kernels.canCompare(format, rowLength) ? format : undefined;
}

/**
 * Compares rows of any type that can be decoded. Peak memory: the rows in float32, where they have no kernel.
 *
 * @throws QuantError `quant/no-decoder`
 */
export function compareRows(kernels: CompareKernels, { a, b, ...job }: TypedJob): Float64Array {
  const stored = (rows: TypedRows | ComparedRows): ComparedRows =>
    'format' in rows ? rows : storedRows(kernels, rows, job.rowCount, job.rowLength);
  return kernels.compare({ ...job, a: stored(a), b: stored(b) });
}

function storedRows(
  kernels: CompareKernels,
  { dtype, bytes }: TypedRows,
  rowCount: number,
  rowLength: number,
): ComparedRows {
  const format = kernelFormat(kernels, dtype, rowLength);
  if (format !== undefined) return { format, bytes };
  const values = new Float32Array(rowCount * rowLength);
  decodeToFloat32(dtype, bytes, values);
  return { format: 0, bytes: new Uint8Array(values.buffer, 0, byteLengthOf('float32', values.length)) };
}
