/**
 * The worker that compares blocks of rows for `comparer-pool-node.ts`, one job after the other.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Both sides lie in shared memory, so nothing is copied between threads
 * but a few numbers.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';

import { createCompareKernels } from './kernels/compare-kernels.js';

/**
 * Whether two blocks of one type have equal bytes.
 * @typedef {{ equal: readonly [Uint8Array, Uint8Array] }} EqualJob
 */

/**
 * Rows to compare; with ggml's number for types that the kernels know, else with the name of their type.
 * @typedef {{ rows: import('./kernels/compare-kernels.js').CompareJob | import('./compare-rows.js').TypedJob }} RowsJob
 */

/**
 * Whether bytes are equal, or what the kernels gathered.
 * @typedef {boolean | Float64Array} CompareReply
 */

/**
 * What a worker is started with.
 * @typedef {{ kind: string, kernels: WebAssembly.Module | undefined }} CompareWorkerData
 */

/** What tells this worker from others that may import this file. */
export const COMPARE_WORKER = 'llama-inspect compare worker';

/**
 * A function that does jobs: those of types that the kernels know, the others with the help of TypeScript.
 *
 * @param {WebAssembly.Module} [module] - the kernels
 * @returns {Promise<(job: EqualJob | RowsJob) => Promise<CompareReply>>}
 */
export async function createJobRunner(module) {
  const kernels = await createCompareKernels(module);
  if (kernels === undefined) throw new Error('there are no kernels in this thread');
  return async (job) => {
    if ('equal' in job) return areEqual(...job.equal);
    const { rows } = job;
    if ('format' in rows.a && 'format' in rows.b) {
      return kernels.compare(/** @type {import('./kernels/compare-kernels.js').CompareJob} */ (rows));
    }
    const { compareRows } = await import('./compare-rows.js');
    return compareRows(kernels, /** @type {import('./compare-rows.js').TypedJob} */ (rows));
  };
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function areEqual(a, b) {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(b);
}

if (workerData?.kind === COMPARE_WORKER) {
  const runner = createJobRunner(workerData.kernels);
  parentPort?.on('message', async (job) => parentPort?.postMessage(await (await runner)(job)));
}
