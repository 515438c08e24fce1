/**
 * The threads of a conversion. One of the few modules that know Node.
 *
 * Each does one job at a time. Blocks to quantize are taken from one queue by whichever thread is idle; a hash stays with
 * its thread, as its bytes follow each other, and goes first, as the buffers it reads are waited for.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { Worker } from 'node:worker_threads';

import { ENCODE_WORKER, type EncodeJob, type EncodeReply, type EncodeWorkerData, type HashJob, type HashReply } from './encode-worker.js'; // prettier-ignore
import { ConvertError } from './plan.js';

/** A thread makes nothing but a few messages; its blocks lie outside the heap. */
const THREAD_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

type Job = EncodeJob | HashJob;
type Reply = EncodeReply & HashReply;

interface Waiting {
  readonly job: Job;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (cause: Error) => void;
}

/** A thread and what it has to do. */
interface Thread {
  readonly worker: Worker;
  /** What only this thread can do. */
  readonly own: Waiting[];
  working: Waiting | undefined;
}

/** Threads that quantize and hash. Some 8 MB each. */
export class ThreadPool {
  readonly #threads: Thread[] = [];
  readonly #queue: Waiting[] = [];
  #death: Error | undefined;

  /**
   * @param count - number of threads
   * @param kernels - for quantizing; undefined where the machine has none
   * @throws ConvertError `convert/thread-died`; then no thread is left
   */
  constructor(
    readonly count: number,
    kernels: WebAssembly.Module | undefined,
  ) {
    try {
      while (this.#threads.length < count) this.#threads.push(this.#start(kernels));
    } catch (cause) {
      void this.close();
      throw new ConvertError('convert/thread-died', 'a thread of the conversion could not be started', { cause });
    }
  }

  /** Quantizes in the next thread that is idle. @throws ConvertError `convert/thread-died` */
  encode(job: EncodeJob): Promise<EncodeReply> {
    return this.#added(job, this.#queue);
  }

  /** Goes on with a hash in the thread of that number. @throws ConvertError `convert/thread-died` */
  hash(job: HashJob, thread: number): Promise<HashReply> {
    return this.#added(job, this.#threads[thread]!.own);
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    for (const { worker } of this.#threads) worker.removeAllListeners();
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #added(job: Job, queue: Waiting[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      queue.push({ job, resolve, reject });
      for (const thread of this.#threads) this.#next(thread);
    });
  }

  #start(kernels: WebAssembly.Module | undefined): Thread {
    const workerData: EncodeWorkerData = { kind: ENCODE_WORKER, kernels };
    const worker = new Worker(new URL('./encode-worker.js', import.meta.url), {
      workerData,
      resourceLimits: THREAD_HEAP,
    });
    const thread: Thread = { worker, own: [], working: undefined };
    worker.on('message', (reply: Reply) => {
      thread.working?.resolve(reply);
      thread.working = undefined;
      this.#next(thread);
    });
    worker.on('error', (cause) => this.#die(cause));
    worker.on('exit', () => this.#die());
    return thread;
  }

  #next(thread: Thread): void {
    if (thread.working !== undefined) return;
    const waiting = thread.own.shift() ?? this.#queue.shift();
    if (waiting === undefined) return;
    thread.working = waiting;
    thread.worker.postMessage(waiting.job);
  }

  #die(cause?: unknown): void {
    this.#death ??= new ConvertError('convert/thread-died', 'a thread of the conversion has died', { cause });
    const waiting = this.#threads.flatMap(({ own, working }) => [working, ...own.splice(0)]);
    for (const thread of this.#threads) thread.working = undefined;
    for (const each of [...waiting, ...this.#queue.splice(0)]) each?.reject(this.#death);
  }
}
