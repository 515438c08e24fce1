/**
 * Two tensors of one shape, read side by side in blocks of the same rows.
 *
 * The two may lie in files of different formats and types; what is held at a time is one block of each.
 *
 * @module
 */
import { type Tensor, rowByteLengthOf, rowCountOf, rowLengthOf, rowsPerBlock } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import { bitsOf, wordsOf } from '../quant/words.js';
import type { ReadOptions } from '../source/byte-source.js';

/** Two tensors of the same shape. */
export interface TensorPair {
  /** Of the first model. */
  readonly a: Tensor;
  /** Of the second. */
  readonly b: Tensor;
}

/** The same rows of both, as stored. */
interface PairedRows extends PairedBlock {
  /** The first tensor's bytes. */
  readonly a: Uint8Array;
  /** The second tensor's bytes. */
  readonly b: Uint8Array;
}

/** The same rows of both, as float32 values. */
export interface PairedValues {
  /** Index of the first element in the whole tensor. */
  readonly start: number;
  /** The first tensor's values. */
  readonly a: Float32Array;
  /** The second tensor's values. */
  readonly b: Float32Array;
}

/** Consecutive rows of both. */
export interface PairedBlock {
  /** First row. */
  readonly first: number;
  /** Number of rows. */
  readonly count: number;
}

/** All rows of both in blocks of at most about a megabyte of each: the same for every way to compare them. */
export function* pairedBlocks({ a, b }: TensorPair): Generator<PairedBlock, void, undefined> {
  const rows = rowByteLengthOf(a) === 0 ? 0 : rowCountOf(a.shape);
  const group = Math.max(a.rowGroup ?? 1, b.rowGroup ?? 1);
  const fitting = Math.min(rowsPerBlock(a), rowsPerBlock(b));
  const step = Math.max(1, Math.floor(fitting / group)) * group;
  for (let first = 0; first < rows; first += step) yield { first, count: Math.min(step, rows - first) };
}

/** The same, read. */
export async function* pairedRows(pair: TensorPair, options: ReadOptions): AsyncGenerator<PairedRows, void, undefined> {
  for (const { first, count } of pairedBlocks(pair)) {
    options.signal?.throwIfAborted();
    const read = [pair.a.readRows(first, count, options), pair.b.readRows(first, count, options)] as const;
    const [a, b] = await Promise.all(read);
    yield { first, count, a, b };
  }
}

/** The same, decoded. The arrays are used again for the next block. */
export async function* pairedValues(
  pair: TensorPair,
  options: ReadOptions,
): AsyncGenerator<PairedValues, void, undefined> {
  const width = rowLengthOf(pair.a.shape);
  let buffers = { a: new Float32Array(0), b: new Float32Array(0) };
  for await (const { first, count, a, b } of pairedRows(pair, options)) {
    const length = count * width;
    if (buffers.a.length < length) buffers = { a: new Float32Array(length), b: new Float32Array(length) };
    const values = { start: first * width, a: buffers.a.subarray(0, length), b: buffers.b.subarray(0, length) };
    decodeToFloat32(pair.a.dtype, a, values.a);
    decodeToFloat32(pair.b.dtype, b, values.b);
    yield values;
  }
}

/** Whether both are equal to the bit: as stored where the types are equal, else as float32. Stops where they differ. */
export async function areEqual(pair: TensorPair, options: ReadOptions): Promise<boolean> {
  if (pair.a.dtype === pair.b.dtype) {
    for await (const { a, b } of pairedRows(pair, options)) if (!sameBytes(a, b)) return false;
  } else {
    for await (const { a, b } of pairedValues(pair, options)) if (!sameWords(bitsOf(a), bitsOf(b))) return false;
  }
  return true;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (!sameWords(wordsOf(Uint32Array, a), wordsOf(Uint32Array, b))) return false;
  const rest = a.length - (a.length % Uint32Array.BYTES_PER_ELEMENT);
  return a.subarray(rest).every((byte, i) => byte === b[rest + i]);
}

function sameWords(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
