/**
 * Encoding in several threads. One of the few modules that know Node.
 *
 * This thread reads, casts and writes, the others quantize, which takes many times longer than moving the bytes. Starting a
 * thread takes as long as quantizing some megabytes with a kernel, so small models are encoded here altogether.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import { tensorByteLength } from '../formats/tensor.js';
import { type QuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { ENCODE_WORKER, type EncodeJob, type EncodeReply } from './encode-worker.js';
import { type Encoder, type PlannedRows, encodeRows, expectOutcome, isToBeQuantized, rowsJob } from './encoder.js';
import { inSlot, kernelFormat, kernelJob } from './kernel-job.js';
import { createLocalEncoder } from './local-encoder.js';
import { ConvertError, type TensorPiece } from './plan.js';
import { type Slot, Slots, slotSizes } from './slots.js';
import { slottedEncoder } from './slotted-encoder.js';

/** Bytes of weights that a kernel quantizes in the time that starting a thread takes. */
const THREAD_START_BYTES = 32 << 20;

/** How many times longer a format without a kernel takes. */
const WITHOUT_KERNEL = 64;

/** Most threads: for more, the one that reads and writes is not fast enough, and each takes some 10 MB. */
const MAX_THREADS = 16;

/** A thread runs no TypeScript, so it quantizes without a kernel in the built package only, not under test. */
const IS_BUILT = import.meta.url.endsWith('.js');

/** A thread makes nothing but a few messages; its blocks lie outside the heap. */
const THREAD_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

/** Blocks beside those in the threads: one is being read, one is being written. */
const MOVING_BLOCKS = 2;

/**
 * An encoder of these tensors, in threads where that saves time.
 * Peak memory: two blocks as they are read and two as they are written, and some 10 MB for each of up to 16 threads.
 *
 * @throws ConvertError `convert/no-memory`
 */
export async function createNodeEncoder(pieces: readonly TensorPiece[]): Promise<Encoder> {
  const kernels = await createQuantKernels();
  if (kernels === undefined) return createLocalEncoder(pieces);
  const threads = Math.min(
    availableParallelism(),
    MAX_THREADS,
    Math.floor(workOf(pieces, kernels) / THREAD_START_BYTES),
  );
  return threads < 1 || availableParallelism() === 1
    ? createLocalEncoder(pieces)
    : createEncoderPool(pieces, kernels, threads);
}

/** Bytes of weights to quantize, as if there were a kernel for all of them. */
function workOf(pieces: readonly TensorPiece[], kernels: QuantKernels): number {
  return pieces.filter(isToBeQuantized).reduce((sum, piece) => {
    const factor = kernelFormat(kernels, piece) === undefined ? WITHOUT_KERNEL : 1;
    return sum + factor * tensorByteLength(piece.tensor);
  }, 0);
}

/**
 * An encoder of these tensors in so many threads.
 *
 * @throws ConvertError `convert/no-memory`; then no thread is left
 */
export function createEncoderPool(pieces: readonly TensorPiece[], kernels: QuantKernels, threads: number): Encoder {
  const slots = new Slots(
    threads + MOVING_BLOCKS,
    slotSizes(pieces),
    (byteLength) => new Uint8Array(new SharedArrayBuffer(byteLength)),
  );
  const pool = new ThreadPool(threads);
  const jobOf = (rows: PlannedRows, source: Uint8Array, slot: Slot): EncodeJob['job'] | undefined => {
    const format = kernelFormat(kernels, rows.piece);
    if (format !== undefined) return kernelJob(format, rows, source, slot);
    return IS_BUILT && isToBeQuantized(rows.piece) ? rowsJob(rows, inSlot(rows, source, slot)) : undefined;
  };
  return slottedEncoder(
    slots,
    async (rows, source, out, slot) => {
      const job = jobOf(rows, source, slot);
      if (job === undefined) encodeRows(rows, source, out);
      else expectOutcome(rows, await pool.run({ job, out }));
    },
    () => pool.close(),
  );
}

interface Waiting {
  readonly job: EncodeJob;
  readonly resolve: (reply: EncodeReply) => void;
  readonly reject: (cause: Error) => void;
}

/** Threads that take jobs from one queue. */
class ThreadPool {
  readonly #threads: Worker[] = [];
  readonly #idle: Worker[] = [];
  readonly #queue: Waiting[] = [];
  readonly #working = new Map<Worker, Waiting>();
  #death: Error | undefined;

  constructor(count: number) {
    try {
      while (this.#threads.length < count) this.#threads.push(this.#start());
    } catch (cause) {
      void this.close();
      throw new ConvertError('convert/thread-died', 'a thread that quantizes could not be started', { cause });
    }
    this.#idle.push(...this.#threads);
  }

  run(job: EncodeJob): Promise<EncodeReply> {
    return new Promise((resolve, reject) => {
      if (this.#death !== undefined) {
        reject(this.#death);
        return;
      }
      this.#queue.push({ job, resolve, reject });
      this.#next();
    });
  }

  async close(): Promise<void> {
    for (const thread of this.#threads) thread.removeAllListeners();
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #start(): Worker {
    const thread = new Worker(new URL('./encode-worker.js', import.meta.url), {
      workerData: ENCODE_WORKER,
      resourceLimits: THREAD_HEAP,
    });
    thread.on('message', (reply: EncodeReply) => {
      this.#working.get(thread)?.resolve(reply);
      this.#working.delete(thread);
      this.#idle.push(thread);
      this.#next();
    });
    thread.on('error', (cause) => this.#die(cause));
    thread.on('exit', () => this.#die());
    return thread;
  }

  #next(): void {
    const [waiting] = this.#queue;
    const thread = this.#idle.at(-1);
    if (waiting === undefined || thread === undefined) return;
    this.#queue.shift();
    this.#idle.pop();
    this.#working.set(thread, waiting);
    thread.postMessage(waiting.job);
    this.#next();
  }

  #die(cause?: unknown): void {
    this.#death ??= new ConvertError('convert/thread-died', 'a thread that quantizes has died', { cause });
    for (const { reject } of [...this.#working.values(), ...this.#queue]) reject(this.#death);
    this.#working.clear();
    this.#queue.length = 0;
  }
}
