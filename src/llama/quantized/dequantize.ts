/**
 * Rows of numbers made of quantized rows, their scales and what is added to them; lazy like every view.
 *
 * Row by row, all in float64 and rounded to float32 once at the end:
 *
 * ```text
 * row = (weight - zero) * scale             for each group of columns
 *     + factor * B[row] A                   where there is an adaptor
 * row = hadamard(row)                       where the input goes through that transform
 * ```
 *
 * The first line alone is exact before it is rounded, so it gives the float32 that PyTorch's product gives.
 *
 * @module
 */
import { byteLengthOf, elementCount } from '../../dtype.js';
import { type StoredTensor, type Tensor, rowCountOf, rowLengthOf, tensorByteLength } from '../../formats/tensor.js';
import { decodeToFloat32, encodeFromFloat32 } from '../../quant/codec.js';
import { type ReadOptions, bufferFor } from '../../source/byte-source.js';
import type { ShardTensor } from '../shards.js';
import { hadamardInPlace } from './hadamard.js';

/** A low-rank matrix BA that is added to a matrix. */
export interface Adaptor {
  /** Shape (rank, in). */
  readonly a: StoredTensor;
  /** Shape (out, rank). */
  readonly b: StoredTensor;
  /** Factor of the product. */
  readonly scale: number;
}

/** A matrix as it is stored. */
export interface QuantizedMatrix {
  /** Shape (out, in): whole numbers or 8-bit floats. */
  readonly weight: StoredTensor;
  /** As many for each row, of columns side by side: (out, groups), or (out) for one. */
  readonly scales: StoredTensor;
  /** What is taken off the weights before they are scaled; shaped as the scales. Nothing when absent. */
  readonly zeros?: StoredTensor | undefined;
  /** What is added. */
  readonly adaptor?: Adaptor | undefined;
  /** Whether the input goes through a Hadamard transform first, which is folded into the rows. */
  readonly transformed?: boolean | undefined;
}

/** The bytes that the stored parts take together. */
export function storedByteLength({ weight, scales, zeros, adaptor }: QuantizedMatrix): number {
  const parts = [weight, scales, zeros, adaptor?.a, adaptor?.b].filter((part) => part !== undefined);
  return parts.reduce((sum, part) => sum + tensorByteLength(part), 0);
}

/**
 * The matrix in float32, of shape (out, in).
 *
 * Reading `count` rows reads these rows of every part, and the whole of A where there is an adaptor; A is kept until the last
 * row has been read, so that a pass over the matrix reads it once. Peak memory beside the result: the stored rows and A in
 * float32 (512 KiB for 16 rows of 8192).
 */
export function dequantized(matrix: QuantizedMatrix): ShardTensor {
  const { weight } = matrix;
  const { name, shape } = weight;
  const lowRank = matrix.adaptor && new LowRankRows(matrix.adaptor.a);
  const readRows: Tensor['readRows'] = async (first, count, options) => {
    const width = rowLengthOf(shape);
    const bytes = bufferFor(byteLengthOf('float32', count * width), options);
    const rows = await readParts(matrix, lowRank, [first, count], { signal: options?.signal });
    const [sum, row] = [new Float64Array(width), new Float32Array(width)];
    for (let index = 0; index < count; index++) {
      scaleRow(rows, index, sum);
      if (rows.adaptor !== undefined) addLowRank(rows.adaptor, index, sum);
      if (matrix.transformed === true) hadamardInPlace(sum);
      row.set(sum);
      encodeFromFloat32('float32', row, bytes.subarray(index * row.byteLength, (index + 1) * row.byteLength));
    }
    return bytes;
  };
  return { name, dtype: 'float32', shape, storedDtype: weight.storedDtype, viewKey: undefined, readRows };
}

/** Some rows of each part. */
interface PartRows {
  /** Shape (rows, in). */
  readonly weights: Float32Array;
  /** Shape (rows, groups). */
  readonly scales: Float32Array;
  /** Shape (rows, groups). */
  readonly zeros: Float32Array | undefined;
  readonly adaptor: AdaptorRows | undefined;
}

interface AdaptorRows {
  /** Shape (rank, in). */
  readonly a: Float32Array;
  /** Shape (rows, rank). */
  readonly b: Float32Array;
  readonly rank: number;
  readonly scale: number;
}

async function readParts(
  { weight, scales, zeros, adaptor }: QuantizedMatrix,
  lowRank: LowRankRows | undefined,
  [first, count]: readonly [first: number, count: number],
  options: ReadOptions,
): Promise<PartRows> {
  const rows = rowCountOf(weight.shape);
  const slice = async (part: StoredTensor): Promise<Float32Array> => {
    const perRow = elementCount(part.shape) / rows; // a vector has one element a row
    return readElements(part, first * perRow, count * perRow, options);
  };
  const none = Promise.resolve(undefined);
  const [weights, scaleRows, zeroRows, a, b] = await Promise.all([
    slice(weight),
    slice(scales),
    zeros ? slice(zeros) : none,
    lowRank?.read({ isFirst: first === 0, isLast: first + count === rows }, options),
    adaptor ? slice(adaptor.b) : none,
  ]);
  return {
    ...{ weights, scales: scaleRows, zeros: zeroRows },
    adaptor: adaptor && a && b && { a, b, rank: rowCountOf(adaptor.a.shape), scale: adaptor.scale },
  };
}

/** The matrix A of an adaptor, kept between blocks of one pass. */
class LowRankRows {
  readonly #a: StoredTensor;
  /** What was read; a read that failed or was aborted is not kept. */
  #values: Float32Array | undefined;
  /** Whether the last block of the pass has begun, after which nothing is kept. */
  #ends = false;

  constructor(a: StoredTensor) {
    this.#a = a;
  }

  /** All of it, for a block of rows: blocks begin in order, though several may be under way. */
  async read({ isFirst, isLast }: { isFirst: boolean; isLast: boolean }, options: ReadOptions): Promise<Float32Array> {
    if (isFirst) this.#ends = false;
    if (isLast) this.#ends = true;
    const values = this.#values ?? (await readElements(this.#a, 0, elementCount(this.#a.shape), options));
    this.#values = this.#ends ? undefined : values;
    return values;
  }
}

async function readElements(
  tensor: StoredTensor,
  first: number,
  count: number,
  options: ReadOptions,
): Promise<Float32Array> {
  const { dtype } = tensor;
  const values = new Float32Array(count);
  const bytes = await tensor.readBytes(byteLengthOf(dtype, first), byteLengthOf(dtype, count), options);
  decodeToFloat32(dtype, bytes, values);
  return values;
}

function scaleRow({ weights, scales, zeros }: PartRows, index: number, sum: Float64Array): void {
  const width = sum.length;
  const groups = (scales.length * width) / weights.length;
  const groupSize = width / groups;
  for (let group = 0; group < groups; group++) {
    const scale = scales[index * groups + group]!;
    const zero = zeros?.[index * groups + group] ?? 0;
    const end = (group + 1) * groupSize;
    for (let i = group * groupSize; i < end; i++) sum[i] = (weights[index * width + i]! - zero) * scale;
  }
}

function addLowRank({ a, b, rank, scale }: AdaptorRows, index: number, sum: Float64Array): void {
  const width = sum.length;
  for (let r = 0; r < rank; r++) {
    const factor = scale * b[index * rank + r]!;
    for (let i = 0; i < width; i++) sum[i]! += factor * a[r * width + i]!;
  }
}
