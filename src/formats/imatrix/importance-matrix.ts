/**
 * An importance matrix in memory, and the floats it is made of.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { shownName } from '../shown-name.js';
import { ImatrixError, type ImatrixErrorCode } from './imatrix-error.js';

/** The importances of a model's tensors, as llama-quantize hands them to its quantizer. */
export interface ImportanceMatrix {
  /**
   * By name in GGUF, such as `blk.0.attn_q.weight`: one importance for each column, the mean square of what the
   * column was multiplied with. A tensor of several experts has them one after the other. In the file's order.
   */
  readonly entries: ReadonlyMap<string, Float32Array>;
  /** Names of the texts they were measured on; may be empty. */
  readonly datasets: readonly string[];
  /** Pieces of text they were measured on; 0 where the file does not say. */
  readonly chunkCount: number;
  /** Form of the file. */
  readonly form: 'dat' | 'gguf';
}

/** Bytes of a float32. */
export const FLOAT_BYTES = 4;

/** Most floats of a file, as all are held in memory: 1 GiB, four times what the largest Llama of experts needs. */
export const MAX_FLOATS = 1 << 28;

/** Most entries of a file; the largest models have some thousand tensors. */
export const MAX_ENTRIES = 1 << 16;

/** Most bytes of all names of texts together; they are paths. */
export const MAX_DATASET_BYTES = 1 << 20;

/** A stretch of float32 values in a file. */
export interface FloatStretch {
  /** The file. */
  readonly source: ByteSource;
  /** Name of the entry they belong to, for errors. */
  readonly name: string;
  /** First byte; the caller has checked that all of them are there. */
  readonly fileOffset: number;
  /** Number of floats; the caller has checked it against {@link MAX_FLOATS}. */
  readonly count: number;
}

/** An error at a place of a file. */
export function imatrixError(
  code: ImatrixErrorCode,
  message: string,
  source: ByteSource,
  offset?: number,
): ImatrixError {
  return new ImatrixError(code, message, { path: source.name, offset });
}

/** The floats of a stretch; one read, straight into the array that is returned. */
export async function readFloats(stretch: FloatStretch, options: ReadOptions | undefined): Promise<Float32Array> {
  const floats = new Float32Array(stretch.count);
  await stretch.source.readInto(stretch.fileOffset, new Uint8Array(floats.buffer), options);
  return floats;
}

/**
 * The sums of a stretch, which are sums of squares and so neither negative nor infinite.
 *
 * @throws ImatrixError `imatrix/bad-value`
 */
export async function readSums(stretch: FloatStretch, options: ReadOptions | undefined): Promise<Float32Array> {
  const sums = await readFloats(stretch, options);
  const at = sums.findIndex((sum) => !(sum >= 0 && sum < Infinity));
  if (at === -1) return sums;
  const message = `sum ${at} of ${shownName(stretch.name)} is ${sums[at]!}; sums of squares are finite and not negative`;
  throw imatrixError('imatrix/bad-value', message, stretch.source, stretch.fileOffset + at * FLOAT_BYTES);
}

/** Divides floats in place; storing them rounds to float32 as C's division of floats does. */
export function divide(floats: Float32Array, divisor: number): void {
  // both are float32 values, and a float64 quotient of those rounds to the float32 one
  for (let i = 0; i < floats.length; i++) floats[i] = floats[i]! / divisor;
}
