/**
 * Comparing tensors in this thread, in WebAssembly.
 *
 * @module
 */
import { rowLengthOf } from '../formats/tensor.js';
import { type Comparer, plainComparer, statisticsOf } from './comparer.js';
import { compareRows, kernelFormat } from './compare-rows.js';
import { type CompareKernels, createCompareKernels } from './kernels/compare-kernels.js';
import { areEqual, pairedRows } from './lockstep.js';
import { tallyOf } from './tally.js';
import { addTally } from './tensor-statistics.js';

/** The fastest comparer that needs no thread: WebAssembly, or plain TypeScript where a machine has none. */
export async function createComparer(): Promise<Comparer> {
  const kernels = await createCompareKernels();
  return kernels === undefined ? plainComparer : wasmComparer(kernels);
}

/** A comparer over one instance of the kernels. Peak memory: a block of each side, and some 2 MB for the instance. */
export function wasmComparer(kernels: CompareKernels): Comparer {
  return {
    compare: async (pair, options = {}) => {
      const rowLength = rowLengthOf(pair.a.shape);
      if (kernelFormat(kernels, 'float32', rowLength) === undefined) return plainComparer.compare(pair, options);
      const [dtypeA, dtypeB] = [pair.a.dtype, pair.b.dtype];
      if (dtypeA === dtypeB && (await areEqual(pair, options))) return undefined;
      const statistics = statisticsOf(pair);
      const { demands } = statistics.fit;
      for await (const { first, count, a, b } of pairedRows(pair, options)) {
        const rows = { a: { dtype: dtypeA, bytes: a }, b: { dtype: dtypeB, bytes: b } };
        const numbers = compareRows(kernels, { ...rows, rowCount: count, rowLength, demands });
        addTally(statistics, tallyOf(numbers, first * rowLength, count * rowLength));
      }
      return statistics.differing === 0 ? undefined : statistics;
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
