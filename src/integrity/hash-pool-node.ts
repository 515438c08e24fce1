/**
 * Hashing files on disk in several threads, and several in each. One of the few modules that know Node.
 *
 * MD5 runs at about 0.7 GB/s, well below what a disk delivers, and cannot be split within a file; so the shards of a large
 * checkpoint are hashed side by side: in threads, and where there are more files than threads, several at once in each, in
 * WebAssembly. A checkpoint of one shard gains nothing from either and is hashed in this thread.
 *
 * @module
 */
import { join } from 'node:path';

import type { OperationOptions, ThreadOptions } from '../options.js';
import { SourceError } from '../source/byte-source.js';
import { systemError } from '../source/file.js';
import { expectNameInside } from '../source/folder.js';
import { threadCount } from '../source/thread-count-node.js';
import { type FileToHash, type HashFiles, type HashOutcome, hashFilesInTurn } from './hash-files.js';
import { createNodeHasher } from './hash-node.js';
import { HashThread } from './hash-thread-node.js';
import { ENDS_EARLY, type HashJob, type HashReply, type RunJob, createJobRunner } from './hash-worker.js';
import { LANES, compileMd5Kernels } from './kernels/md5-kernels.js';

/** Bytes that are hashed in the time that starting a thread, or compiling kernels, takes. */
const START_BYTES = 32 << 20;

/**
 * Hashes files on disk, several at once where that saves time. All folders must come from `openDirectory`. Memory: two
 * blocks of 1 MiB for each file in hand, eight in each thread at most, and some 8 MB for each thread.
 *
 * @throws SourceError `source/read-failed` when a thread dies, `source/outside-folder`, `source/bad-threads`; whatever
 *   concerns one file is an outcome
 */
export async function hashFilesOnDisk(
  files: readonly FileToHash[],
  { threads, ...options }: OperationOptions & ThreadOptions = {},
): Promise<readonly HashOutcome[]> {
  const most = Math.min(threadCount({ threads }), files.length);
  const count = bytesBeside(files, 1) < START_BYTES ? 1 : most;
  const several = files.filter(({ algorithm }) => algorithm === 'md5');
  const kernels = bytesBeside(several, count) < START_BYTES ? undefined : await compileMd5Kernels();
  if (count <= 1 && kernels === undefined) return hashFilesInTurn(createNodeHasher)(files, options);
  return hashFilesSideBySide(files, { ...options, kernels, threads: count });
}

/** {@link hashFilesOnDisk} in so many threads. */
export function hashingOnDisk({ threads }: ThreadOptions): HashFiles {
  return (files, options) => hashFilesOnDisk(files, { ...options, threads });
}

/** Bytes of all but the largest files. */
function bytesBeside(files: readonly FileToHash[], largest: number): number {
  const sizes = files.map(({ size }) => size).sort((a, b) => b - a);
  return sizes.slice(largest).reduce((sum, size) => sum + size, 0);
}

/** How files are hashed side by side. */
export interface SideBySideOptions extends OperationOptions {
  /** Number of threads; one is this. */
  readonly threads: number;
  /** For MD5 of several files at once in each; one after the other when absent. */
  readonly kernels?: WebAssembly.Module | undefined;
}

/** A file in the queue. */
interface QueuedFile {
  readonly file: FileToHash;
  readonly job: HashJob;
  readonly index: number;
}

/**
 * As {@link hashFilesOnDisk}, but in that way however little there is to hash.
 *
 * @throws SourceError `source/read-failed` when a thread dies, `source/outside-folder`
 */
export async function hashFilesSideBySide(
  files: readonly FileToHash[],
  { threads: count, kernels, signal, onProgress }: SideBySideOptions,
): Promise<readonly HashOutcome[]> {
  signal?.throwIfAborted();
  const outcomes: HashOutcome[] = [];
  // The largest first, so that no thread is left with a large file while the others have finished.
  const queue = files.map((file, index) => ({ file, job: jobOf(file, kernels !== undefined), index }));
  queue.sort((a, b) => b.file.size - a.file.size);
  const counted = byteCounter(files, onProgress);
  const hash = async (run: RunJob, { file, job, index }: QueuedFile): Promise<void> => {
    const onBytes = counted(file);
    await run(job, (reply) => {
      if ('bytes' in reply) onBytes(reply.bytes);
      else outcomes[index] = 'digest' in reply ? reply : { error: errorOf(reply, job.path) };
    });
  };
  if (count === 1) {
    await share(queue, [createJobRunner(kernels, signal)], hash);
    return outcomes;
  }
  await inThreads(Math.min(count, files.length), kernels, signal, (runs) => share(queue, runs, hash));
  return outcomes;
}

/** Shares files among threads: first those that are hashed alone, then the others, several in each thread. */
async function share(
  queue: readonly QueuedFile[],
  runs: readonly RunJob[],
  hash: (run: RunJob, queued: QueuedFile) => Promise<void>,
): Promise<void> {
  const alone = queue.filter(({ job }) => !job.together);
  const together = queue.filter(({ job }) => job.together);
  const lanes = Math.min(LANES, Math.ceil(together.length / runs.length));
  const take = async (run: RunJob, from: QueuedFile[]): Promise<void> => {
    for (let next = from.shift(); next !== undefined; next = from.shift()) await hash(run, next);
  };
  const work = async (run: RunJob): Promise<void> => {
    await take(run, alone);
    await Promise.all(Array.from({ length: lanes }, () => take(run, together)));
  };
  await Promise.all(runs.map(work));
}

async function inThreads(
  count: number,
  kernels: WebAssembly.Module | undefined,
  signal: AbortSignal | undefined,
  work: (runs: readonly RunJob[]) => Promise<void>,
): Promise<void> {
  const threads = Array.from({ length: count }, () => new HashThread(kernels));
  const terminate = () => Promise.all(threads.map((thread) => thread.terminate()));
  const stop = (): void => void terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await work(threads.map((thread) => thread.run));
  } catch (cause) {
    // An abort ends the threads, which looks like their death from here.
    signal?.throwIfAborted();
    throw cause;
  } finally {
    signal?.removeEventListener('abort', stop);
    await terminate();
  }
}

function jobOf({ folder, name, algorithm }: FileToHash, together: boolean): HashJob {
  const path = join(folder.name, expectNameInside(name, folder.name));
  return { path, algorithm, together: together && algorithm === 'md5' };
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

/** The worker's error in this package's words; only its code and message cross the thread. */
function errorOf({ code, message }: Extract<HashReply, { code: string }>, path: string): SourceError {
  if (code === ENDS_EARLY) return new SourceError('source/short-read', message, { path });
  return systemError(Object.assign(new Error(message), { code }), path);
}
