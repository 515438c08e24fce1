/**
 * A thread that hashes files. One of the few modules that know Node.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { Worker } from 'node:worker_threads';

import { SourceError } from '../source/byte-source.js';
import { HASH_WORKER, type HashReply, type HashWorkerData, type RunJob } from './hash-worker.js';

/** A file that the thread has in hand. */
interface FileInHand {
  readonly path: string;
  readonly reply: (reply: HashReply) => void;
  readonly resolve: () => void;
  readonly reject: (cause: Error) => void;
}

/** A thread that hashes as many files at once as it is given. Some 8 MB, and two blocks of 1 MiB for each file. */
export class HashThread {
  readonly #worker: Worker;
  readonly #inHand = new Map<number, FileInHand>();
  #jobs = 0;
  #death: { readonly cause: unknown } | undefined;

  /** @param kernels - for files that are to be hashed together */
  constructor(kernels: WebAssembly.Module | undefined) {
    const workerData: HashWorkerData = { kind: HASH_WORKER, kernels };
    this.#worker = new Worker(new URL('./hash-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', ({ id, reply }: { id: number; reply: HashReply }) => this.#take(id, reply));
    this.#worker.on('error', (cause) => this.#die(cause));
    this.#worker.on('exit', () => this.#die());
  }

  /** Does a job. @throws SourceError `source/read-failed` when the thread dies */
  readonly run: RunJob = (job, reply) =>
    new Promise((resolve, reject) => {
      const id = this.#jobs++;
      this.#inHand.set(id, { path: job.path, reply, resolve, reject });
      if (this.#death === undefined) this.#worker.postMessage({ id, job });
      else this.#rejectAll(this.#death.cause);
    });

  /** Ends the thread, whatever it does. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(id: number, reply: HashReply): void {
    const inHand = this.#inHand.get(id);
    inHand?.reply(reply);
    if ('bytes' in reply) return;
    this.#inHand.delete(id);
    inHand?.resolve();
  }

  #die(cause?: unknown): void {
    this.#death ??= { cause };
    this.#rejectAll(this.#death.cause);
  }

  #rejectAll(cause: unknown): void {
    for (const { path, reject } of this.#inHand.values()) {
      reject(new SourceError('source/read-failed', 'the thread that hashes this file has died', { path, cause }));
    }
    this.#inHand.clear();
  }
}
