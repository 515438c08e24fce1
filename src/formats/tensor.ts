/**
 * Tensors as every reader yields them: names, types and shapes at once, bytes only when asked for.
 *
 * A tensor is read by rows. A row is the last dimension; all leading dimensions are flattened into
 * the row count, so a vector is one row and a matrix (out, in) has `out` rows. Each transform that a
 * conversion needs (concatenating shards, permuting q/k rows, casting) acts on whole rows, so a
 * pipeline of views over row blocks runs in bounded memory however large the tensor is.
 *
 * @module
 */
import { type DType, byteLengthOf, elementCount } from '../dtype.js';
import type { ReadOptions } from '../source/byte-source.js';
import { lengthOf, scatter } from '../source/scattered.js';

/** Name, type and shape of a tensor. */
export interface TensorInfo {
  /** Name, as the layout at hand spells it. */
  readonly name: string;
  /** Element type. */
  readonly dtype: DType;
  /** Extents in PyTorch's order: slowest first. Empty for a scalar. */
  readonly shape: readonly number[];
}

/** A tensor whose bytes are read on demand, in blocks of rows. */
export interface Tensor extends TensorInfo {
  /** Rows that are cheapest read together, in blocks that start at a multiple of it; absent means 1. */
  readonly rowGroup?: number;
  /**
   * `count` rows from row `first`, contiguous, row-major, little-endian: `count * rowByteLength` bytes.
   * Costs a bounded number of reads per block, not per row, for contiguous storage.
   * The result is read-only: it may be a view of a shared buffer.
   */
  readRows(first: number, count: number, options?: ReadOptions): Promise<Uint8Array>;
  /**
   * Fills `targets` one after another with the rows from row `first`; altogether they are as long as whole rows. At the cost of
   * one read where the source of the bytes can do it. Absent where reading and copying is as good: see {@link readRowsInto}. A copy of
   * a tensor with another `readRows` leaves it out, or it goes on reading the old rows.
   */
  readRowsInto?(first: number, targets: readonly Uint8Array[], options?: ReadOptions): Promise<void>;
}

/** A tensor as it lies in a file. */
export interface StoredTensor extends Tensor {
  /** The file's own spelling of the type: `bfloat16`, `BF16`, `Q4_K`. */
  readonly storedDtype: string;
  /** Tensors of a file with equal ids share memory; undefined where the format cannot share. */
  readonly storage: string | undefined;
  /** Tensors of a file with equal keys are one view of one storage: the same bytes under two names. */
  readonly viewKey: string | undefined;
  /** Where the bytes start in the file when they lie there contiguously, else undefined. */
  readonly fileOffset: number | undefined;
  /**
   * `length` bytes from byte `start` of the contiguous row-major form; both multiples of the block size
   * in bytes. For hashing tensors of any shape in bounded memory.
   */
  readBytes(start: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
}

/** A file of tensors, whatever its format. */
export interface TensorFile {
  /** Which reader understood it. */
  readonly format: 'torch' | 'safetensors' | 'gguf';
  /** What a person calls the file. */
  readonly name: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** All its tensors, in the file's own order; names are unique. */
  readonly tensors: readonly StoredTensor[];
  /** Gives the file back; harmless when called twice. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Number of rows: the product of all extents but the last; 1 for vectors and scalars. */
export function rowCountOf(shape: readonly number[]): number {
  return elementCount(shape.slice(0, -1));
}

/** Elements of a row: the last extent; 1 for a scalar. */
export function rowLengthOf(shape: readonly number[]): number {
  return shape.at(-1) ?? 1;
}

/** Bytes of a row of a tensor. */
export function rowByteLengthOf({ dtype, shape }: Pick<TensorInfo, 'dtype' | 'shape'>): number {
  return byteLengthOf(dtype, rowLengthOf(shape));
}

/** Bytes of a whole tensor in contiguous form. */
export function tensorByteLength(tensor: Pick<TensorInfo, 'dtype' | 'shape'>): number {
  return rowCountOf(tensor.shape) * rowByteLengthOf(tensor);
}

/** Fills `targets` one after another with the rows from row `first` of any tensor: see {@link Tensor.readRowsInto}. */
export async function readRowsInto(
  tensor: Tensor,
  first: number,
  targets: readonly Uint8Array[],
  options?: ReadOptions,
): Promise<void> {
  if (tensor.readRowsInto !== undefined) {
    await tensor.readRowsInto(first, targets, options);
    return;
  }
  const count = lengthOf(targets) / rowByteLengthOf(tensor);
  scatter(await tensor.readRows(first, count, { ...options, into: undefined }), targets);
}

/** Most bytes a block of rows should take; large enough that reads are few, small enough to stay in cache. */
export const ROW_BLOCK_BYTES = 1 << 20;

/** Rows that make one block of about `blockBytes` bytes: a multiple of the tensor's row group, at least one group. */
export function rowsPerBlock(
  tensor: Pick<Tensor, 'dtype' | 'shape' | 'rowGroup'>,
  blockBytes = ROW_BLOCK_BYTES,
): number {
  const group = tensor.rowGroup ?? 1;
  return Math.max(1, Math.floor(blockBytes / Math.max(1, rowByteLengthOf(tensor) * group))) * group;
}

/** A block of whole rows of a tensor. */
export interface RowBlock {
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
  /** The rows' bytes. */
  readonly bytes: Uint8Array;
}

/** How rows are read in blocks. */
export interface RowBlocksOptions extends ReadOptions {
  /** About so many bytes a block; {@link ROW_BLOCK_BYTES} when absent. */
  readonly blockBytes?: number;
  /** Whether two buffers serve all blocks, each block good until the next is asked for; else each has its own. */
  readonly reuse?: boolean;
}

/**
 * The tensor's rows in blocks of about `blockBytes` bytes, in order, one block read ahead.
 * Peak memory: two blocks, and without `reuse` those that have not been collected yet.
 */
export async function* rowBlocks(tensor: Tensor, options: RowBlocksOptions = {}): AsyncGenerator<RowBlock> {
  const { signal, reuse } = options;
  const rows = rowCountOf(tensor.shape);
  const rowBytes = rowByteLengthOf(tensor);
  const step = rowsPerBlock(tensor, options.blockBytes);
  const buffers = [0, 1].map(() => new Uint8Array(reuse === true ? Math.min(step, rows) * rowBytes : 0));
  const start = (first: number): Promise<Uint8Array> => {
    const count = Math.min(step, rows - first);
    const buffer = buffers[(first / step) % 2]!;
    const into = reuse === true ? buffer.subarray(0, count * rowBytes) : undefined;
    const reading = tensor.readRows(first, count, { signal, into });
    reading.catch(() => {}); // a failed read ahead is reported when its turn comes
    return reading;
  };
  if (rows === 0 || rowBytes === 0) return;
  let next = start(0);
  for (let first = 0; first < rows; first += step) {
    const bytes = await next;
    if (first + step < rows) next = start(first + step);
    yield { first, count: Math.min(step, rows - first), bytes };
  }
}

/** Throws nothing, allocates nothing: the rows `first..first+count` lie inside the tensor. */
export function rowsAreInside(shape: readonly number[], first: number, count: number): boolean {
  return (
    Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 0 && first + count <= rowCountOf(shape)
  );
}
