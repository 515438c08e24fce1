/**
 * Encoding and hashing in several threads. One of the few modules that know Node.
 *
 * This thread reads, casts and writes, the others quantize, which takes many times longer than moving the bytes, and hash
 * what is written. Starting a thread takes as long as quantizing some megabytes with a kernel, so small models are encoded
 * here altogether.
 *
 * @module
 */
import { tensorByteLength } from '../formats/tensor.js';
import type { ThreadOptions } from '../options.js';
import { type QuantKernels, compileQuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { threadCount } from '../source/thread-count-node.js';
import { ConvertThreads } from './convert-threads-node.js';
import type { EncodeJob } from './encode-worker.js';
import { type Encoder, type PlannedRows, encodeRows, expectOutcome, isToBeQuantized, rowsJob } from './encoder.js';
import { inSlot, kernelFormat, kernelJob } from './kernel-job.js';
import { createLocalEncoder } from './local-encoder.js';
import type { TensorPiece } from './plan.js';
import { type Slot, Slots, slotSizes } from './slots.js';
import { slottedEncoder } from './slotted-encoder.js';
import { hashingIn } from './thread-hash-node.js';

/** Bytes of weights that a kernel quantizes in the time that starting a thread takes. */
const THREAD_START_BYTES = 32 << 20;

/** How many times longer a format without a kernel takes. */
const WITHOUT_KERNEL = 64;

/** Most threads where nothing is quantized: a file and a tensor are hashed side by side, and this thread moves the bytes. */
const MAX_HASHING_THREADS = 2;

/** A thread runs no TypeScript, so it quantizes without a kernel in the built package only, not under test. */
const IS_BUILT = import.meta.url.endsWith('.js');

/** Blocks beside those in the threads: one is being read, one is being written, and one that was is being hashed. */
const MOVING_BLOCKS = 3;

/**
 * An encoder of these tensors, in threads where that saves time.
 * Peak memory: four blocks as they are read and four as they are written, and some 10 MB for each thread.
 *
 * @param pieces - the tensors
 * @param hashedBytes - bytes that are hashed on their way, each once for every hash
 * @param options - how many threads may encode; with 1 all is done in this one
 * @throws ConvertError `convert/no-memory`, `convert/thread-died`
 * @throws SourceError `source/bad-threads`
 */
export async function createNodeEncoder(
  pieces: readonly TensorPiece[],
  hashedBytes = 0,
  options: ThreadOptions = {},
): Promise<Encoder> {
  const most = threadCount(options);
  const kernels = await createQuantKernels();
  const module = await compileQuantKernels();
  const threads = Math.max(threadsToEncode(pieces, kernels, most), threadsToHash(hashedBytes, most));
  if (threads < 1) return createLocalEncoder(pieces);
  return createEncoderPool(pieces, kernels && module && { kernels, module }, threads);
}

function threadsToEncode(pieces: readonly TensorPiece[], kernels: QuantKernels | undefined, most: number): number {
  if (kernels === undefined || most === 1) return 0;
  return Math.min(most, Math.floor(workOf(pieces, kernels) / THREAD_START_BYTES));
}

function threadsToHash(hashedBytes: number, most: number): number {
  return Math.min(most - 1, MAX_HASHING_THREADS, Math.floor(hashedBytes / THREAD_START_BYTES));
}

/** Bytes of weights to quantize, as if there were a kernel for all of them. */
function workOf(pieces: readonly TensorPiece[], kernels: QuantKernels): number {
  return pieces.filter(isToBeQuantized).reduce((sum, piece) => {
    const factor = kernelFormat(kernels, piece) === undefined ? WITHOUT_KERNEL : 1;
    return sum + factor * tensorByteLength(piece.tensor);
  }, 0);
}

/** The kernels for this thread, and what other threads make theirs of. */
export interface PoolKernels {
  /** Those of this thread. */
  readonly kernels: QuantKernels;
  /** The compiled module. */
  readonly module: WebAssembly.Module;
}

/**
 * An encoder of these tensors in so many threads.
 *
 * @param pieces - the tensors
 * @param given - the kernels; undefined where the machine cannot run them
 * @param threads - number of threads
 * @throws ConvertError `convert/no-memory`, `convert/thread-died`; then no thread is left
 */
export function createEncoderPool(
  pieces: readonly TensorPiece[],
  given: PoolKernels | undefined,
  threads: number,
): Encoder {
  const slots = new Slots(
    threads + MOVING_BLOCKS,
    slotSizes(pieces),
    (byteLength) => new Uint8Array(new SharedArrayBuffer(byteLength)),
  );
  const pool = new ConvertThreads(threads, given?.module);
  const jobOf = (rows: PlannedRows, source: Uint8Array, slot: Slot): EncodeJob['job'] | undefined => {
    const format = given && kernelFormat(given.kernels, rows.piece);
    if (format !== undefined) return kernelJob(format, rows, source, slot);
    return IS_BUILT && isToBeQuantized(rows.piece) ? rowsJob(rows, inSlot(rows, source, slot)) : undefined;
  };
  const encoder = slottedEncoder(
    slots,
    async (rows, source, out, slot) => {
      const job = jobOf(rows, source, slot);
      if (job === undefined) encodeRows(rows, source, out, given?.kernels);
      else expectOutcome(rows, await pool.encode({ job, out }));
    },
    () => pool.close(),
  );
  return { ...encoder, beginHash: hashingIn(pool) };
}
