/**
 * What a file of tensors will look like, before a weight is read.
 *
 * A plan is data: a dry run prints it, tests assert on it, the writer carries it out. Bytes that
 * neither the header nor a tensor covers are zero.
 *
 * @module
 */
import type { TensorInfo } from './tensor.js';

/** A tensor and the place of its bytes in the file to be. */
export interface PlannedTensor extends TensorInfo {
  /** First byte, counted from the start of the file. */
  readonly fileOffset: number;
  /** Number of bytes. */
  readonly byteLength: number;
}

/** A file of tensors to be written. */
export interface FilePlan {
  /** The bytes from the start of the file to the first tensor, padding included. */
  readonly header: Uint8Array;
  /** The tensors in the order of their bytes. */
  readonly tensors: readonly PlannedTensor[];
  /** Size of the whole file. */
  readonly byteLength: number;
}
