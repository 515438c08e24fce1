/**
 * Blocks of rows in the type of the output: read, turned into it, and handed on.
 *
 * How many blocks are worked on at the same time, and in which thread, is the encoder's business; what stands here is
 * what every encoder does to one block, and what it refuses.
 *
 * @module
 */
import { type DType, blockLayout, byteLengthOf, isQuantized } from '../dtype.js';
import type { BeginHash } from '../integrity/hash.js';
import { shownName } from '../formats/shown-name.js';
import { rowByteLengthOf, rowLengthOf } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { CastLoss } from '../quant/cast-loss.js';
import { convertRow } from '../quant/convert-row.js';
import type { KernelOutcome, KernelSource, QuantKernels } from '../quant/kernels/quant-kernels.js';
import { firstNotFinite } from '../quant/not-finite.js';
import { type RowsJob, quantizeRows } from '../quant/quantize-rows.js';
import { ConvertError, type TensorPiece } from './plan.js';

/** A block of whole rows of a planned tensor. */
export interface PlannedRows {
  /** The tensor. */
  readonly piece: TensorPiece;
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
}

/** Rows as they are written. */
export interface EncodedRows {
  /** The bytes, until they are given back. */
  readonly bytes: Uint8Array;
  /** Gives the buffer back. */
  readonly release: () => void;
}

/** Turns blocks of rows into what is written. */
export interface Encoder {
  /** Blocks that may be under way at the same time; more have to wait. */
  readonly slots: number;
  /**
   * Reads a block and turns it into the type of the output.
   *
   * @throws ConvertError `convert/not-finite`, `convert/scale-overflow`, and every error of reading
   */
  encode(rows: PlannedRows, signal?: AbortSignal): Promise<EncodedRows>;
  /** Begins a hash in one of its threads; absent where it has none. */
  readonly beginHash?: BeginHash | undefined;
  /** Ends its threads; nothing may be under way. */
  close(): Promise<void>;
}

/** Bytes that a block takes as it is read, in the source's type. */
export function sourceByteLength({ piece, count }: PlannedRows): number {
  return count * rowByteLengthOf(piece.tensor);
}

/** Bytes that a block takes as it is written. */
export function outputByteLength({ piece, count }: PlannedRows): number {
  return count * rowByteLengthOf({ dtype: piece.dtype, shape: piece.tensor.shape });
}

/** Types of weights that kernels read. */
export function isKernelSource(dtype: DType): dtype is KernelSource {
  return dtype === 'float32' || dtype === 'float16' || dtype === 'bfloat16';
}

/** Whether quantizing changes the type of a tensor. */
export function isToBeQuantized({ tensor, dtype }: TensorPiece): boolean {
  return tensor.dtype !== dtype && isQuantized(dtype);
}

/** Whether the weights of a tensor have to become float32 before a kernel reads them. */
export function isDecodedFirst(piece: TensorPiece): boolean {
  return isToBeQuantized(piece) && !isKernelSource(piece.tensor.dtype);
}

/** Bytes that a block takes in float32. */
export function floatByteLength({ piece, count }: PlannedRows): number {
  return byteLengthOf('float32', count * rowLengthOf(piece.tensor.shape));
}

/** Whether a block is written as it was read, and nothing has to be looked at. */
export function isCopied({ tensor, dtype, finite }: TensorPiece): boolean {
  return tensor.dtype === dtype && !finite;
}

/**
 * Turns a block that has been read into the type of the output, in this thread: by the kernels where they cast between its
 * types, else in TypeScript. Peak memory, where values that are not finite are refused: the block in float32.
 *
 * @throws ConvertError `convert/not-finite`, `convert/scale-overflow`
 */
export function encodeRows(rows: PlannedRows, source: Uint8Array, out: Uint8Array, kernels?: QuantKernels): void {
  const { tensor, dtype, loss, finite } = rows.piece;
  if (isToBeQuantized(rows.piece)) {
    expectOutcome(rows, quantizeRows(rowsJob(rows, source), out));
    return;
  }
  if (finite) expectFinite(rows, firstNotFinite(floatsOf(rows, tensor.dtype, source)));
  castRows(tensor.dtype, dtype, source, out, { loss, kernels });
  if (finite && tensor.dtype !== dtype) expectHeld(rows, firstNotFinite(floatsOf(rows, dtype, out)));
}

interface CastOptions {
  readonly loss: CastLoss | undefined;
  readonly kernels: QuantKernels | undefined;
}

function castRows(from: DType, to: DType, source: Uint8Array, out: Uint8Array, { loss, kernels }: CastOptions): void {
  if (from === to) out.set(source);
  else if (kernels === undefined || !isKernelSource(from) || !isKernelSource(to))
    convertRow(from, to, source, out, loss);
  else kernels.cast({ source: from, dtype: to, values: source }, out, loss);
}

/** The block as the quantizers in TypeScript take it. */
export function rowsJob({ piece }: PlannedRows, values: Uint8Array): RowsJob {
  const { dtype, importance, tensor } = piece;
  return { source: tensor.dtype, dtype, values, rowLength: rowLengthOf(tensor.shape), importance };
}

function floatsOf({ piece, count }: PlannedRows, dtype: DType, bytes: Uint8Array): Float32Array {
  const values = new Float32Array(count * rowLengthOf(piece.tensor.shape));
  decodeToFloat32(dtype, bytes, values);
  return values;
}

/** Throws what quantizing found. @throws ConvertError `convert/not-finite`, `convert/scale-overflow` */
export function expectOutcome(rows: PlannedRows, { badValue, badBlock }: KernelOutcome): void {
  expectFinite(rows, badValue);
  expectScales(rows, badBlock);
}

/** Throws when a value of a block is not a finite number; `at` is its index in the block, -1 for none. */
function expectFinite(rows: PlannedRows, at: number): void {
  if (at < 0) return;
  throw new ConvertError(
    'convert/not-finite',
    `${weightAt(rows, at)} is NaN or infinite, which no quantized block can hold`,
    { hint: 'the checkpoint is damaged: llama-inspect verify --deep counts such weights' },
  );
}

/** Throws when a value became infinite in the type of the output; `at` is its index in the block, -1 for none. */
function expectHeld(rows: PlannedRows, at: number): void {
  if (at < 0) return;
  const { name, dtype } = rows.piece;
  throw new ConvertError('convert/scale-overflow', `${weightAt(rows, at)} is too large for ${dtype}`, {
    hint: `choose another type for this tensor: --tensor-type '${name}=bf16'`,
  });
}

/** Throws when a scale does not fit its type; `block` is the index of its block in the rows, -1 for none. */
function expectScales(rows: PlannedRows, block: number): void {
  if (block < 0) return;
  const { name, dtype } = rows.piece;
  const at = block * blockLayout(dtype).blockElements;
  throw new ConvertError(
    'convert/scale-overflow',
    `the weights from ${weightAt(rows, at)} on are too large for the scale of a ${dtype} block`,
    { hint: `choose another type for this tensor: --tensor-type '${name}=f32'` },
  );
}

/** An element of a block, by its index there, as its place in the tensor. */
function weightAt({ piece, first }: PlannedRows, at: number): string {
  const { name, tensor } = piece;
  const { shape } = tensor;
  const length = rowLengthOf(shape);
  const element = first * length + at;
  const index = shape.length < 2 ? [element] : [Math.floor(element / length), element % length];
  return `${shownName(name)}[${index.join(', ')}]`;
}
