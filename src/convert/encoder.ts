/**
 * Blocks of rows in the type of the output: read, turned into it, and handed on.
 *
 * How many blocks are worked on at the same time, and in which thread, is the encoder's business; what stands here is
 * what every encoder does to one block, and what it refuses.
 *
 * @module
 */
import { isQuantized } from '../dtype.js';
import { shownName } from '../formats/shown-name.js';
import { rowByteLengthOf, rowLengthOf } from '../formats/tensor.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { convertRow } from '../quant/convert-row.js';
import { firstBadScale, firstNotFinite } from '../quant/not-finite.js';
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
  /** Ends its threads; nothing may be under way. */
  close(): Promise<void>;
}

/** Bytes that a block takes as it is read, in the source's type. */
export function sourceByteLength({ piece, count }: PlannedRows): number {
  return count * rowByteLengthOf(piece.tensor);
}

/** Bytes that a block takes as it is written. */
export function outputByteLength({ piece, count }: PlannedRows): number {
  return count * rowByteLengthOf(piece);
}

/** Whether a block is written as it was read, and nothing has to be looked at. */
export function isCopied({ tensor, dtype, finite }: TensorPiece): boolean {
  return tensor.dtype === dtype && !finite;
}

/**
 * Turns a block that has been read into the type of the output, in this thread and in TypeScript.
 *
 * @throws ConvertError `convert/not-finite`, `convert/scale-overflow`
 */
export function encodeRows(rows: PlannedRows, source: Uint8Array, out: Uint8Array): void {
  const { piece, count } = rows;
  const { tensor, dtype, loss, finite } = piece;
  if (!finite && piece.importance === undefined) {
    convertRow(tensor.dtype, dtype, source, out, loss);
    return;
  }
  const values = new Float32Array(count * rowLengthOf(piece.shape));
  decodeToFloat32(tensor.dtype, source, values);
  expectFinite(rows, firstNotFinite(values));
  if (tensor.dtype === dtype) out.set(source);
  else if (isQuantized(dtype)) encodeFromFloat32(dtype, values, out, piece.importance);
  else convertRow(tensor.dtype, dtype, source, out, loss);
  if (isQuantized(dtype)) expectScales(rows, firstBadScale(dtype, out));
}

/** Throws when a value of a block is not a finite number; `at` is its index in the block, -1 for none. */
export function expectFinite({ piece, first }: PlannedRows, at: number): void {
  if (at < 0) return;
  const length = rowLengthOf(piece.shape);
  throw new ConvertError(
    'convert/not-finite',
    `${weightAt(piece, first * length + at)} is NaN or infinite, which no quantized block can hold`,
    { hint: 'the checkpoint is damaged: llama-inspect verify --deep counts such weights' },
  );
}

/** Throws when a scale does not fit its type; `block` is the index of its block in the rows, -1 for none. */
export function expectScales({ piece, first }: PlannedRows, block: number, blockElements = 0): void {
  if (block < 0) return;
  const length = rowLengthOf(piece.shape);
  throw new ConvertError(
    'convert/scale-overflow',
    `the weights from ${weightAt(piece, first * length + block * blockElements)} on are too large for the scale of a ${piece.dtype} block`,
    { hint: `choose another type for this tensor: --tensor-type '${piece.name}=f32'` },
  );
}

function weightAt({ name, shape }: TensorPiece, element: number): string {
  const length = rowLengthOf(shape);
  const index = shape.length < 2 ? [element] : [Math.floor(element / length), element % length];
  return `${shownName(name)}[${index.join(', ')}]`;
}
