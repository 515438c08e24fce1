/**
 * Encoding in several threads. One of the few modules that know Node.
 *
 * This thread reads and writes, the others quantize: quantizing takes many times longer than moving the bytes. What
 * kernels cannot do (plain casts, and formats without a kernel) is done here. Starting a thread takes as long as quantizing a
 * few megabytes, so small models are encoded here altogether.
 *
 * @see https://nodejs.org/api/worker_threads.html
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import { tensorByteLength } from '../formats/tensor.js';
import { type QuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { ENCODE_WORKER, type EncodeJob, type EncodeReply } from './encode-worker.js';
import { type Encoder, encodeRows } from './encoder.js';
import { expectKernelOutcome, kernelFormat, kernelInputLength, kernelJob } from './kernel-job.js';
import { createLocalEncoder } from './local-encoder.js';
import { ConvertError, type TensorPiece } from './plan.js';
import { Slots, slotSizes } from './slots.js';
import { slottedEncoder } from './slotted-encoder.js';

/** Bytes of weights that are quantized in the time that starting a thread takes. */
const THREAD_START_BYTES = 32 << 20;

/** A thread makes nothing but a few messages; its blocks lie outside the heap. */
const THREAD_HEAP = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 32 };

/** Blocks beside those in the threads: one is being read, one is being written. */
const MOVING_BLOCKS = 2;

/** An encoder of these tensors, in threads where that saves time. Peak memory: a few megabytes a thread. */
export async function createNodeEncoder(pieces: readonly TensorPiece[]): Promise<Encoder> {
  const kernels = await createQuantKernels();
  const threads = availableParallelism();
  if (kernels === undefined || threads === 1) return createLocalEncoder(pieces);
  const quantized = pieces.filter((piece) => kernelFormat(kernels, piece) !== undefined);
  const byteLength = quantized.reduce((sum, { tensor }) => sum + tensorByteLength(tensor), 0);
  return byteLength < THREAD_START_BYTES ? createLocalEncoder(pieces) : createEncoderPool(pieces, kernels, threads);
}

/** An encoder of these tensors in so many threads. */
export function createEncoderPool(pieces: readonly TensorPiece[], kernels: QuantKernels, threads: number): Encoder {
  const pool = new ThreadPool(threads);
  const sizes = slotSizes(pieces, kernelInputLength);
  const slots = new Slots(threads + MOVING_BLOCKS, sizes, (byteLength) => {
    return new Uint8Array(new SharedArrayBuffer(byteLength));
  });
  return slottedEncoder(
    slots,
    async (rows, source, out, slot) => {
      const format = kernelFormat(kernels, rows.piece);
      if (format === undefined) encodeRows(rows, source, out);
      else expectKernelOutcome(rows, await pool.run({ job: kernelJob(format, rows, source, slot), out }));
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
  readonly #threads: readonly Worker[];
  readonly #idle: Worker[];
  readonly #queue: Waiting[] = [];
  readonly #working = new Map<Worker, Waiting>();
  #death: Error | undefined;

  constructor(count: number) {
    this.#threads = Array.from({ length: count }, () => this.#start());
    this.#idle = [...this.#threads];
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
