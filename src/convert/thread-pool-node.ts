/**
 * Threads that do jobs for this one. One of the few modules that know Node.
 *
 * Each does one job at a time and answers every message with one message. Jobs are taken from one queue by whichever
 * thread is idle; those for a certain thread go first. When a thread dies, so does all that waits, and what comes later.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { Worker } from 'node:worker_threads';

/** A thread makes nothing but a few messages; its blocks lie outside the heap. */
const THREAD_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

/** What threads run, and what is said when one of them dies. */
export interface ThreadKind {
  /** The module. */
  readonly url: URL;
  /** What the module is started with. */
  readonly workerData: unknown;
  /** The error for a thread that cannot be started, or has died. */
  readonly death: (what: 'could not be started' | 'has died', cause: unknown) => Error;
}

interface Waiting<Job, Reply> {
  readonly job: Job;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (cause: Error) => void;
}

/** A thread and what it has to do. */
interface Thread<Job, Reply> {
  readonly worker: Worker;
  /** What only this thread can do. */
  readonly own: Waiting<Job, Reply>[];
  working: Waiting<Job, Reply> | undefined;
}

/** A number of threads. Some 8 MB each. */
export class ThreadPool<Job, Reply> {
  readonly #kind: ThreadKind;
  readonly #threads: Thread<Job, Reply>[] = [];
  readonly #queue: Waiting<Job, Reply>[] = [];
  #death: Error | undefined;

  /**
   * @param count - number of threads
   * @param kind - what they run
   * @throws the kind's error where a thread cannot be started; then none is left
   */
  constructor(
    readonly count: number,
    kind: ThreadKind,
  ) {
    this.#kind = kind;
    try {
      while (this.#threads.length < count) this.#threads.push(this.#start());
    } catch (cause) {
      void this.close();
      throw kind.death('could not be started', cause);
    }
  }

  /** Has a job done by the next thread that is idle, or by that of a certain number. @throws the kind's error when a thread dies */
  run(job: Job, thread?: number): Promise<Reply> {
    return this.#added(job, thread === undefined ? this.#queue : this.#threads[thread]!.own);
  }

  /** Ends the threads, whatever they do. */
  async close(): Promise<void> {
    for (const { worker } of this.#threads) worker.removeAllListeners();
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #added(job: Job, queue: Waiting<Job, Reply>[]): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      queue.push({ job, resolve, reject });
      for (const thread of this.#threads) this.#next(thread);
    });
  }

  #start(): Thread<Job, Reply> {
    const { url, workerData } = this.#kind;
    const worker = new Worker(url, { workerData, resourceLimits: THREAD_HEAP });
    const thread: Thread<Job, Reply> = { worker, own: [], working: undefined };
    worker.on('message', (reply: Reply) => {
      thread.working?.resolve(reply);
      thread.working = undefined;
      this.#next(thread);
    });
    worker.on('error', (cause) => this.#die(cause));
    worker.on('exit', () => this.#die());
    return thread;
  }

  #next(thread: Thread<Job, Reply>): void {
    if (thread.working !== undefined) return;
    const waiting = thread.own.shift() ?? this.#queue.shift();
    if (waiting === undefined) return;
    thread.working = waiting;
    thread.worker.postMessage(waiting.job);
  }

  #die(cause?: unknown): void {
    this.#death ??= this.#kind.death('has died', cause);
    const waiting = this.#threads.flatMap(({ own, working }) => [working, ...own.splice(0)]);
    for (const thread of this.#threads) thread.working = undefined;
    for (const each of [...waiting, ...this.#queue.splice(0)]) each?.reject(this.#death);
  }
}
