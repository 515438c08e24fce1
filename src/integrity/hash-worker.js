/**
 * Hashing files on disk, one after the other or several at once: the worker of `hash-pool-node.ts`, which also calls it in
 * its own thread.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { hashTogether } from './hash-together.js';
import { createMd5Kernels } from './kernels/md5-kernels.js';
import { BLOCK_BYTES, readAhead } from './read-ahead.js';

/**
 * A file to hash. What is hashed together is MD5.
 * @typedef {{ path: string, algorithm: 'md5' | 'sha256', together: boolean }} HashJob
 */

/**
 * What is said of a file: how many of its bytes are hashed, its hash at the end, or the system's error.
 * @typedef {{ bytes: number } | { digest: string } | { code: string, message: string }} HashReply
 */

/**
 * What a worker is started with: kernels where files are to be hashed together.
 * @typedef {{ kind: string, kernels: WebAssembly.Module | undefined }} HashWorkerData
 */

/** What tells this worker from others that may import this file. */
export const HASH_WORKER = 'llama-inspect hash worker';

/** Code of the error for a file that has become shorter since it was opened. */
export const ENDS_EARLY = 'ENDS_EARLY';

/**
 * Does a job, replying after each block and at the end; rejects on an abort only.
 * @typedef {(job: HashJob, reply: (reply: HashReply) => void) => Promise<void>} RunJob
 */

/**
 * A function that does jobs: those that are to be hashed together at once, as many as there are lanes.
 *
 * @param {WebAssembly.Module | undefined} kernels - for those
 * @param {AbortSignal} [signal]
 * @returns {RunJob}
 */
export function createJobRunner(kernels, signal) {
  const together = kernels && togetherWith(kernels, signal);
  return (job, reply) => (job.together && together ? together(job, reply) : hashJob(job, reply, signal));
}

/**
 * @param {WebAssembly.Module} module
 * @param {AbortSignal | undefined} signal
 * @returns {RunJob}
 */
function togetherWith(module, signal) {
  const kernels = createMd5Kernels(module, BLOCK_BYTES);
  /** @type {import('./hash-together.js').LaneJob[]} */
  const queue = [];
  /** @type {Promise<void> | undefined} */
  let running;
  const run = async () => {
    try {
      const ready = await kernels;
      while (queue.length > 0) await hashTogether(ready, () => queue.shift(), signal);
    } finally {
      running = undefined;
      queue.length = 0;
    }
  };
  return ({ path }, reply) =>
    new Promise((resolve, reject) => {
      /** @param {HashReply} last */
      const end = (last) => {
        reply(last);
        resolve();
      };
      queue.push({
        open: () => openFile(path),
        onBytes: (bytes) => reply({ bytes }),
        onDigest: (digest) => end({ digest }),
        onError: (cause) => end(describe(cause)),
      });
      running ??= run();
      running.catch(reject);
    });
}

/**
 * Hashes one file and replies after each block and at the end; rejects on an abort only.
 *
 * @param {Pick<HashJob, 'path' | 'algorithm'>} job
 * @param {(reply: HashReply) => void} reply
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
export async function hashJob({ path, algorithm }, reply, signal) {
  let file;
  try {
    file = await openFile(path);
    const hash = createHash(algorithm);
    await readAhead(file.size, file.readInto, (block, end) => {
      signal?.throwIfAborted();
      hash.update(block);
      reply({ bytes: end });
    });
    reply({ digest: hash.digest('hex') });
  } catch (cause) {
    signal?.throwIfAborted();
    reply(describe(cause));
  } finally {
    await file?.close();
  }
}

/**
 * @param {string} path
 * @returns {Promise<import('./hash-together.js').OpenFile>}
 */
async function openFile(path) {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return { size, readInto: fillFrom(handle), close: () => handle.close() };
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

/**
 * @param {unknown} cause
 * @returns {HashReply}
 */
function describe(cause) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
  return { code: String(code), message };
}

/**
 * A function that fills whole buffers, as a single read may give less than was asked for.
 *
 * @param {import('node:fs/promises').FileHandle} handle
 * @returns {(offset: number, target: Uint8Array) => Promise<void>}
 */
export function fillFrom(handle) {
  return async (offset, target) => {
    for (let done = 0; done < target.byteLength;) {
      const { bytesRead } = await handle.read(target, done, target.byteLength - done, offset + done);
      if (bytesRead === 0) {
        throw Object.assign(new Error('the file has become shorter while it was read'), { code: ENDS_EARLY });
      }
      done += bytesRead;
    }
  };
}

if (workerData?.kind === HASH_WORKER) {
  const run = createJobRunner(workerData.kernels);
  parentPort?.on('message', ({ id, job }) => run(job, (reply) => parentPort?.postMessage({ id, reply })));
}
