/**
 * Hashing files on disk in several threads. One of the few modules that know Node.
 *
 * MD5 runs at about 0.7 GB/s in one thread, well below what a disk delivers, and cannot be split within a file;
 * so the shards of a large checkpoint are hashed side by side. A checkpoint of one shard gains nothing from
 * threads and is hashed in this one.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import type { OperationOptions } from '../options.js';
import { SourceError } from '../source/byte-source.js';
import { systemError } from '../source/file.js';
import { expectNameInside } from '../source/folder.js';
import type { HashAlgorithm } from './hash.js';
import { type FileToHash, type HashFiles, type HashOutcome, hashFilesInTurn } from './hash-files.js';
import { createNodeHasher } from './hash-node.js';
import { ENDS_EARLY, HASH_WORKER, type HashReply } from './hash-worker.js';

/** Bytes that are hashed in the time that starting a thread takes. */
const THREAD_START_BYTES = 32 << 20;

/**
 * Hashes files on disk, in threads where that saves time. All folders must come from `openDirectory`.
 *
 * @throws SourceError `source/read-failed` when a thread dies; whatever concerns one file is an outcome
 */
export const hashFilesOnDisk: HashFiles = (files, options) => {
  const sizes = files.map(({ size }) => size);
  const besideTheLargest = sizes.reduce((sum, size) => sum + size, 0) - Math.max(0, ...sizes);
  const hash = besideTheLargest < THREAD_START_BYTES ? hashFilesInTurn(createNodeHasher) : hashFilesInThreads;
  return hash(files, options);
};

/**
 * As {@link hashFilesOnDisk}, but always in threads: one per processor, no more than files.
 *
 * @throws SourceError `source/read-failed` when a thread dies, `source/outside-folder`
 */
export const hashFilesInThreads: HashFiles = async (files, { signal, onProgress } = {}) => {
  signal?.throwIfAborted();
  const outcomes: HashOutcome[] = [];
  // The largest first, so that no thread is left with a large file while the others have finished.
  const queue = files.map((file, index) => ({ file, path: pathOnDisk(file), index }));
  queue.sort((a, b) => b.file.size - a.file.size);
  const count = byteCounter(files, onProgress);
  const threads = Array.from({ length: Math.min(files.length, availableParallelism()) }, startThread);
  const work = async (thread: Worker): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      outcomes[next.index] = await hashInThread(thread, next.path, next.file.algorithm, count(next.file));
    }
  };
  const terminate = () => Promise.all(threads.map((thread) => thread.terminate()));
  const stop = (): void => void terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(threads.map(work));
    return outcomes;
  } catch (cause) {
    // An abort ends the threads, which looks like their death from here.
    signal?.throwIfAborted();
    throw cause;
  } finally {
    signal?.removeEventListener('abort', stop);
    await terminate();
  }
};

function startThread(): Worker {
  return new Worker(new URL('./hash-worker.js', import.meta.url), { workerData: HASH_WORKER });
}

function pathOnDisk({ folder, name }: FileToHash): string {
  return join(folder.name, expectNameInside(name, folder.name));
}

/** For each file a function that is told how far it has come and reports how far all have. */
function byteCounter(
  files: readonly FileToHash[],
  onProgress: OperationOptions['onProgress'],
): (file: FileToHash) => (bytes: number) => void {
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let done = 0;
  return ({ name }) => {
    let before = 0;
    return (bytes) => {
      done += bytes - before;
      before = bytes;
      onProgress?.({ phase: 'hash', item: name, done, total });
    };
  };
}

function hashInThread(
  thread: Worker,
  path: string,
  algorithm: HashAlgorithm,
  onBytes: (bytes: number) => void,
): Promise<HashOutcome> {
  return new Promise((resolve, reject) => {
    const died = (cause?: unknown): void => {
      reject(new SourceError('source/read-failed', 'the thread that hashes this file has died', { path, cause }));
    };
    thread.removeAllListeners();
    thread.on('error', died);
    thread.on('exit', () => died());
    thread.on('message', (reply: HashReply) => {
      if ('bytes' in reply) onBytes(reply.bytes);
      else resolve('digest' in reply ? reply : { error: errorOf(reply, path) });
    });
    thread.postMessage({ path, algorithm });
  });
}

/** The worker's error in this package's words; only its code and message cross the thread. */
function errorOf({ code, message }: { code: string; message: string }, path: string): SourceError {
  if (code === ENDS_EARLY) return new SourceError('source/short-read', message, { path });
  return systemError(Object.assign(new Error(message), { code }), path);
}
