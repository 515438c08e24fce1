/**
 * Comparing the elements of two tensors, the only place where comparing models spends time, behind one interface.
 *
 * Blocks of rows are cut alike everywhere and their sums are added in order, so neither the number of threads nor where
 * they run changes a bit of a result. Kernels differ from plain TypeScript in sums alone: see {@link Comparer.compare}.
 *
 * @module
 */
import { rowLengthOf } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import { type TensorPair, areEqual, pairedValues } from './lockstep.js';
import { type TensorStatistics, addValues, newStatistics } from './tensor-statistics.js';

/**
 * Compares tensors of one shape, element by element: what `compareModels` and `diffModels` take, made by `createComparer`,
 * or by `createNodeComparer` with threads.
 */
export interface Comparer {
  /**
   * What lies between two tensors; undefined where they are equal to the bit. Reads both once; those of one type
   * twice where they differ. Kernels make the sums in float32, 64 squares at most, and add these up in float64:
   * they are within 1e-6 of the plain ones; counts, places, values and what fits are the same, as far as the limit for a whole
   * quantized tensor, which is one on a sum, is not met to six digits.
   *
   * @throws QuantError `quant/no-decoder` for tensors that differ and are of a type that cannot be decoded; CheckError
   *   `check/thread-died`; the errors of the tensors' files
   * @internal
   */
  compare(pair: TensorPair, options?: ReadOptions): Promise<TensorStatistics | undefined>;
  /** Ends its threads, where it has any; nothing may be under way. Harmless when called twice. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Plain TypeScript: the reference, and what is left without WebAssembly. Peak memory: a block of each side, also as float32. */
export const plainComparer: Comparer = {
  compare: async (pair, options = {}) => {
    if (await areEqual(pair, options)) return undefined;
    const statistics = statisticsOf(pair);
    for await (const values of pairedValues(pair, options)) addValues(statistics, values);
    return statistics;
  },
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

/** Statistics of nothing yet for two tensors. */
export function statisticsOf({ a, b }: TensorPair): TensorStatistics {
  return newStatistics(a.dtype, b.dtype, rowLengthOf(a.shape));
}
