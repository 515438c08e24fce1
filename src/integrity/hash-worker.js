/**
 * The worker that hashes files for `hash-pool-node.ts`, one job after the other.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';

import { readAhead } from './read-ahead.js';

/**
 * A file to hash.
 * @typedef {{ path: string, algorithm: 'md5' | 'sha256' }} HashJob
 */

/**
 * What a worker says: how many bytes of the file are hashed, its hash at the end, or the system's error.
 * @typedef {{ bytes: number } | { digest: string } | { code: string, message: string }} HashReply
 */

/** What tells this worker from others that may import this file. */
export const HASH_WORKER = 'llama-inspect hash worker';

/** Code of the error for a file that has become shorter since it was opened. */
export const ENDS_EARLY = 'ENDS_EARLY';

/**
 * Hashes one file and replies after each block and at the end; never rejects.
 *
 * @param {HashJob} job
 * @param {(reply: HashReply) => void} reply
 * @returns {Promise<void>}
 */
export async function hashJob({ path, algorithm }, reply) {
  let handle;
  try {
    handle = await open(path, 'r');
    const { size } = await handle.stat();
    const hash = createHash(algorithm);
    await readAhead(size, fillFrom(handle), (block, end) => {
      hash.update(block);
      reply({ bytes: end });
    });
    reply({ digest: hash.digest('hex') });
  } catch (cause) {
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (cause);
    reply({ code: String(code), message });
  } finally {
    await handle?.close();
  }
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

if (workerData === HASH_WORKER) {
  parentPort?.on('message', (job) => hashJob(job, (reply) => parentPort?.postMessage(reply)));
}
