/**
 * Why two tensors differ, for the mistakes that conversions really make.
 *
 * The commonest is the row order of q and k: Hugging Face's code rotates halves of a head, Meta's and
 * llama.cpp's neighbouring pairs, and a converter that leaves the permutation out, or applies it twice,
 * writes a model that loads, runs and talks nonsense.
 *
 * @module
 */
import { type Tensor, rowCountOf, rowLengthOf } from '../formats/tensor.js';
import { rotaryHeads } from '../llama/layout.js';
import type { LlamaConfig } from '../llama/model.js';
import { toHfRowOrder, toMetaRowOrder } from '../llama/row-order.js';
import { bitsOf } from '../quant/words.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { TensorCause } from './comparison.js';
import { type PairedValues, type TensorPair, pairedValues } from './lockstep.js';
import { type TensorStatistics, addValues, indexOf, newStatistics } from './tensor-statistics.js';

/** Most rows whose order is searched: more than any vocabulary has; takes 16 bytes a row. */
const MOST_SEARCHED_ROWS = 2 ** 20;

/** Relative difference that adding may make to sums of the same squares: kernels are within 1e-6 of either. */
const SUM_TOLERANCE = 2e-6;

/** The cause of a difference, or undefined where none of the known ones fits. Reads the tensors again at most twice. */
export async function diagnose(
  pair: TensorPair,
  statistics: TensorStatistics,
  config: LlamaConfig,
  options: ReadOptions,
): Promise<TensorCause | undefined> {
  const { count, first } = statistics.fit.misfits();
  if (count === 1 && first !== undefined) {
    return { kind: 'one-weight', index: indexOf(first.at, pair.a.shape), a: first.a, b: first.b };
  }
  const heads = rotaryHeads(pair.a.name, config);
  const order = heads === undefined ? undefined : await wrongRowOrder(pair, config.headDim, options);
  return order ?? (await movedRows(pair, statistics, options));
}

/** Whether undoing one of the two permutations of q and k makes the tensors agree. */
async function wrongRowOrder(
  { a, b }: TensorPair,
  headDim: number,
  options: ReadOptions,
): Promise<TensorCause | undefined> {
  if (await agree({ a, b: toMetaRowOrder(b, headDim) }, options)) return { kind: 'row-order', order: 'hf-order' };
  if (await agree({ a, b: toHfRowOrder(b, headDim) }, options)) return { kind: 'row-order', order: 'meta-order-twice' };
  return undefined;
}

/** Whether both hold the same values up to rounding; stops at the first block that does not. */
async function agree(pair: TensorPair, options: ReadOptions): Promise<boolean> {
  const statistics = newStatistics(pair.a.dtype, pair.b.dtype, rowLengthOf(pair.a.shape));
  for await (const values of pairedValues(pair, options)) {
    addValues(statistics, values);
    if (statistics.fit.misfits().count > 0) return false;
  }
  return true;
}

async function movedRows(
  pair: TensorPair,
  statistics: TensorStatistics,
  options: ReadOptions,
): Promise<TensorCause | undefined> {
  const [first, second, third] = statistics.fit.misfits().rows;
  if (first !== undefined && second !== undefined && third === undefined) {
    const crossed = [
      { a: oneRow(pair.a, first), b: oneRow(pair.b, second) },
      { a: oneRow(pair.a, second), b: oneRow(pair.b, first) },
    ];
    for (const rows of crossed) if (!(await agree(rows, options))) return undefined;
    return { kind: 'rows-moved', count: 2, row: first, from: second };
  }
  const rows = rowCountOf(pair.a.shape);
  const { squaresA, squaresB } = statistics;
  const sameSum = Math.abs(squaresA - squaresB) <= SUM_TOLERANCE * squaresA;
  return sameSum && rows > 1 && rows <= MOST_SEARCHED_ROWS ? searchRows(pair, options) : undefined;
}

/** A single row as a tensor of its own. */
function oneRow(tensor: Tensor, row: number): Tensor {
  return {
    name: tensor.name,
    dtype: tensor.dtype,
    shape: tensor.shape.slice(-1),
    readRows: (_, count, options) => tensor.readRows(row, count, options),
  };
}

/** Compares the hashes of all rows: the same set in another order means that rows were moved. */
async function searchRows(pair: TensorPair, options: ReadOptions): Promise<TensorCause | undefined> {
  const hashes = { a: new Float64Array(rowCountOf(pair.a.shape)), b: new Float64Array(rowCountOf(pair.a.shape)) };
  for await (const values of pairedValues(pair, options)) addHashes(hashes, values, rowLengthOf(pair.a.shape));
  const sorted = { a: hashes.a.toSorted(), b: hashes.b.toSorted() };
  if (!sorted.a.every((hash, i) => hash === sorted.b[i])) return undefined;
  const row = hashes.a.findIndex((hash, i) => hash !== hashes.b[i]);
  const count = hashes.a.reduce((sum, hash, i) => sum + (hash === hashes.b[i] ? 0 : 1), 0);
  return { kind: 'rows-moved', count, row, from: hashes.a.indexOf(hashes.b[row]!) };
}

function addHashes(hashes: { a: Float64Array; b: Float64Array }, { start, a, b }: PairedValues, width: number): void {
  const bits = { a: bitsOf(a), b: bitsOf(b) };
  for (let at = 0; at < a.length; at += width) {
    const row = (start + at) / width;
    hashes.a[row] = hashOf(bits.a.subarray(at, at + width));
    hashes.b[row] = hashOf(bits.b.subarray(at, at + width));
  }
}

/** 53 bits of two multiplicative hashes, exact as a number; FNV's prime and Knuth's. */
function hashOf(words: Uint32Array): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (const word of words) {
    low = Math.imul(low ^ word, 0x01000193);
    low ^= low >>> 15;
    high = Math.imul(high + word, 0x9e3779b1);
    high ^= high >>> 13;
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
