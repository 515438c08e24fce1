/**
 * The worker that quantizes blocks of rows for `encoder-pool-node.ts`, one job after the other.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Values and blocks lie in shared memory, so nothing is copied
 * between threads but a few numbers and, with an importance matrix, one for each column.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';

import { createQuantKernels } from '../quant/kernels/quant-kernels.js';

/**
 * A job and where its blocks go, both in shared memory.
 * @typedef {{ job: import('../quant/kernels/quant-kernels.js').KernelJob | import('../quant/quantize-rows.js').RowsJob, out: Uint8Array }} EncodeJob
 */

/**
 * What the kernel found.
 * @typedef {import('../quant/kernels/quant-kernels.js').KernelOutcome} EncodeReply
 */

/** What tells this worker from others that may import this file. */
export const ENCODE_WORKER = 'llama-inspect encode worker';

/**
 * A function that does jobs: those for a format with kernels of its own, the others in TypeScript.
 *
 * @returns {Promise<(job: EncodeJob) => Promise<EncodeReply>>}
 */
export async function createJobRunner() {
  const kernels = await createQuantKernels();
  if (kernels === undefined) throw new Error('there are no kernels in this thread');
  return async ({ job, out }) => {
    if ('format' in job) return kernels.quantize(job, out);
    const { quantizeRows } = await import('../quant/quantize-rows.js');
    return quantizeRows(job, out);
  };
}

if (workerData === ENCODE_WORKER) {
  const run = await createJobRunner();
  parentPort?.on('message', async (job) => parentPort?.postMessage(await run(job)));
}
