/**
 * The worker that multiplies blocks of rows for `kernel-pool-node.ts`, one job after the other.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Weights, activations and products lie in shared memory, so nothing is
 * copied between threads but a few numbers.
 *
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';

import { createMatmulKernels } from './kernels/matmul-kernels.js';

/**
 * Rows to multiply; `weights` have ggml's number for a type that the kernels know, or else the name of their type. Jobs with
 * one `product` have the same activations, `input`. Products go to `output`, (tokens, rowCount).
 * @typedef {object} MatmulJob
 * @property {number} product
 * @property {import('./kernels/matmul-kernels.js').StoredRows | import('./kernels.js').WeightRows} weights
 * @property {Float32Array} input
 * @property {number} tokens
 * @property {Float32Array} output
 */

/**
 * What a worker is started with.
 * @typedef {{ kind: string, kernels: WebAssembly.Module | undefined }} MatmulWorkerData
 */

/** What tells this worker from others that may import this file. */
export const MATMUL_WORKER = 'llama-inspect matmul worker';

/**
 * A function that does jobs: those of types that the kernels know, the others with the help of TypeScript.
 *
 * @param {WebAssembly.Module} [module] - the kernels
 * @returns {Promise<(job: MatmulJob) => Promise<void>>}
 */
export async function createJobRunner(module) {
  const kernels = await createMatmulKernels(module);
  if (kernels === undefined) throw new Error('there are no kernels in this thread');
  /** @type {MatmulJob | undefined} */
  let inputs; // the first job of a product: the kernels keep its activations as long as it is the same object
  return async (job) => {
    if (inputs?.product !== job.product) inputs = job;
    const outputs = { output: job.output, outputWidth: job.weights.rowCount, outputColumn: 0 };
    if ('format' in job.weights) {
      kernels.multiply(job.weights, inputs, outputs);
      return;
    }
    const { multiplyRows } = await import('./multiply-rows.js');
    multiplyRows(kernels, job.weights, inputs, outputs);
  };
}

if (workerData?.kind === MATMUL_WORKER) {
  const runner = createJobRunner(workerData.kernels);
  parentPort?.on('message', async (job) => parentPort?.postMessage(await (await runner)(job)));
}
