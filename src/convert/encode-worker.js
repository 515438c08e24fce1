/**
 * The worker of a conversion for `convert-threads-node.ts`: it quantizes blocks of rows and hashes what is written, one job
 * after the other.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Values and blocks lie in shared memory, so nothing is copied
 * between threads but a few numbers and, with an importance matrix, one for each column.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

import { createQuantKernels } from '../quant/kernels/quant-kernels.js';

/**
 * Rows to quantize and where their blocks go, both in shared memory.
 * @typedef {{ job: import('../quant/kernels/quant-kernels.js').KernelJob | import('../quant/quantize-rows.js').RowsJob, out: Uint8Array }} EncodeJob
 */

/**
 * The next bytes of the hash of that number, in shared memory; without bytes it is done.
 * @typedef {{ hash: number, algorithm: import('../integrity/hash.js').HashAlgorithm, bytes: Uint8Array | undefined }} HashJob
 */

/**
 * What quantizing found.
 * @typedef {import('../quant/kernels/quant-kernels.js').KernelOutcome} EncodeReply
 */

/**
 * The hash, in lower-case hexadecimal, when it is done.
 * @typedef {{ digest: string | undefined }} HashReply
 */

/**
 * What a worker is started with.
 * @typedef {{ kind: string, kernels: WebAssembly.Module | undefined }} EncodeWorkerData
 */

/** What tells this worker from others that may import this file. */
export const ENCODE_WORKER = 'llama-inspect encode worker';

/**
 * A function that quantizes: formats with kernels of their own with these, the others in TypeScript.
 *
 * @param {WebAssembly.Module | undefined} module - the kernels; undefined where the machine cannot run them
 * @returns {Promise<(job: EncodeJob) => Promise<EncodeReply>>}
 */
export async function createJobRunner(module) {
  const kernels = module && (await createQuantKernels(module));
  return async ({ job, out }) => {
    if (kernels !== undefined && 'format' in job) return kernels.quantize(job, out);
    const { quantizeRows } = await import('../quant/quantize-rows.js');
    return quantizeRows(/** @type {import('../quant/quantize-rows.js').RowsJob} */ (job), out);
  };
}

/**
 * A function that hashes: a hash begins with the first job of its number.
 *
 * @returns {(job: HashJob) => HashReply}
 */
export function createHashRunner() {
  /** @type {Map<number, import('node:crypto').Hash>} */
  const hashes = new Map();
  return ({ hash: id, algorithm, bytes }) => {
    const hash = hashes.get(id) ?? createHash(algorithm);
    if (bytes === undefined) {
      hashes.delete(id);
      return { digest: hash.digest('hex') };
    }
    hashes.set(id, hash.update(bytes));
    return { digest: undefined };
  };
}

if (workerData?.kind === ENCODE_WORKER) {
  const encoder = createJobRunner(workerData.kernels);
  const hash = createHashRunner();
  parentPort?.on('message', async (job) => {
    parentPort?.postMessage('hash' in job ? hash(job) : await (await encoder)(job));
  });
}
