/**
 * Matrix products in several threads. One of the few modules that know Node.
 *
 * This thread reads blocks of rows into shared memory, some ahead, and puts together what the others multiply. Starting
 * a thread takes as long as multiplying some megabytes, so small products are computed here, to the same bits.
 *
 * @module
 */
import { ThreadPool } from '../convert/thread-pool-node.js';
import { byteLengthOf } from '../dtype.js';
import { ROW_BLOCK_BYTES, type Tensor, rowByteLengthOf, rowCountOf, rowLengthOf, rowsPerBlock, tensorByteLength } from '../formats/tensor.js'; // prettier-ignore
import type { ThreadOptions } from '../options.js';
import { isDecodable } from '../quant/codec.js';
import type { ReadOptions } from '../source/byte-source.js';
import { threadCount } from '../source/thread-count-node.js';
import { ForwardError } from './errors.js';
import type { Kernels } from './kernels.js';
import { type MatmulKernels, compileMatmulKernels, createMatmulKernels } from './kernels/matmul-kernels.js';
import { MATMUL_WORKER, type MatmulJob, type MatmulWorkerData } from './matmul-worker.js';
import { kernelFormat } from './multiply-rows.js';
import { plainKernels } from './plain-kernels.js';
import { wasmKernels } from './wasm-kernels.js';

/** Multiplications that take about a millisecond: fewer are not worth the messages. */
const WORTH_SHARING = 1 << 24;

/** Blocks beside those in the threads: they are being read. */
const BLOCKS_AHEAD = 2;

/** Bytes of a block at least: smaller ones are not worth their message. */
const SMALLEST_BLOCK_BYTES = 1 << 18;

/** Blocks for each thread at least, so that none waits long for the last ones. */
const BLOCKS_PER_THREAD = 2;

/** A thread runs no TypeScript, so it decodes types without a kernel in the built package only, not under test. */
const IS_BUILT = import.meta.url.endsWith('.js');

/**
 * The fastest kernels of this machine: WebAssembly in threads, as many as `threads` says, or plain TypeScript
 * where it has no WebAssembly. Threads start with the first large product and run until `close`; each takes some 15 MB.
 * Their products fail with a ForwardError `forward/thread-died` when a thread cannot be started or dies.
 *
 * @throws SourceError `source/bad-threads`
 */
export async function createNodeKernels(options: ThreadOptions = {}): Promise<Kernels> {
  const threads = threadCount(options);
  const kernels = await createMatmulKernels();
  if (kernels === undefined) return plainKernels;
  return threads === 1 ? wasmKernels(kernels) : createKernelPool(kernels, threads);
}

/** Kernels in so many threads; products of fewer than `worthSharing` multiplications are computed in this one. */
export function createKernelPool(kernels: MatmulKernels, threads: number, worthSharing = WORTH_SHARING): Kernels {
  const local = wasmKernels(kernels);
  const pool = new KernelPool(threads, kernels);
  const close = (): Promise<void> => pool.close();
  return {
    close,
    [Symbol.asyncDispose]: close,
    multiply: (input, matrices, options = {}) => {
      const rows = matrices.reduce((sum, { shape }) => sum + rowCountOf(shape), 0);
      const isShared = rows * input.length >= worthSharing && matrices.every((matrix) => pool.canMultiply(matrix));
      return (isShared ? pool : local).multiply(input, matrices, options);
    },
  };
}

/** A block of rows of one of the matrices. */
interface Block {
  readonly matrix: Tensor;
  readonly product: Float32Array;
  readonly first: number;
  readonly count: number;
}

/** Shared memory for the weights of a block and for its products. */
interface Slot {
  weights: Uint8Array;
  products: Float32Array;
}

/** Threads, and the memory they share with this one. */
class KernelPool {
  readonly #threads: number;
  readonly #kernels: MatmulKernels;
  readonly #slots: readonly Slot[];
  #pool: ThreadPool<MatmulJob, undefined> | undefined;
  #input = sharedFloats(0);
  #products = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(threads: number, kernels: MatmulKernels) {
    this.#threads = threads;
    this.#kernels = kernels;
    this.#slots = Array.from({ length: threads + BLOCKS_AHEAD }, () => ({
      weights: sharedBytes(0),
      products: sharedFloats(0),
    }));
  }

  /** Whether the threads can multiply by a matrix of this type. */
  canMultiply({ dtype, shape }: Tensor): boolean {
    return this.#formatOf(dtype, rowLengthOf(shape)) !== undefined || (IS_BUILT && isDecodable(dtype));
  }

  /** One call after the other, as all share the memory. */
  multiply(input: Float32Array, matrices: readonly Tensor[], options: ReadOptions): Promise<Float32Array[]> {
    const products = this.#turn.then(() => this.#multiply(input, matrices, options));
    this.#turn = products.catch(() => {});
    return products;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.close();
  }

  async #multiply(input: Float32Array, matrices: readonly Tensor[], { signal }: ReadOptions): Promise<Float32Array[]> {
    this.#pool ??= await startThreads(this.#threads);
    const pool = this.#pool;
    const share = this.#share(input);
    const products = matrices.map(
      ({ shape }) => new Float32Array((input.length / rowLengthOf(shape)) * rowCountOf(shape)),
    );
    const blocks = blocksOf(matrices, products, this.#blockBytes(matrices));
    // a block that fails ends the generator, and with it the work on all slots, before anything is thrown
    const work = async (slot: Slot): Promise<void> => {
      for (const block of blocks) {
        signal?.throwIfAborted();
        const job = await this.#read(block, slot, share, signal);
        await pool.run(job);
        putTogether(block, job);
      }
    };
    for (const outcome of await Promise.allSettled(this.#slots.map(work))) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
    return products;
  }

  #blockBytes(matrices: readonly Tensor[]): number {
    const all = matrices.reduce((sum, matrix) => sum + tensorByteLength(matrix), 0);
    const share = all / (BLOCKS_PER_THREAD * this.#threads);
    return Math.min(ROW_BLOCK_BYTES, Math.max(SMALLEST_BLOCK_BYTES, share));
  }

  /** The activations in shared memory, with a number of their own. */
  #share(input: Float32Array): Pick<MatmulJob, 'product' | 'input'> {
    if (this.#input.length < input.length) this.#input = sharedFloats(input.length);
    this.#input.set(input);
    return { product: this.#products++, input: this.#input.subarray(0, input.length) };
  }

  /** Reads a block into a slot, which grows to it. */
  async #read(
    { matrix, first, count }: Block,
    slot: Slot,
    { product, input }: Pick<MatmulJob, 'product' | 'input'>,
    signal: AbortSignal | undefined,
  ): Promise<MatmulJob> {
    const { dtype, shape } = matrix;
    const rowLength = rowLengthOf(shape);
    const tokens = input.length / rowLength;
    const byteLength = count * rowByteLengthOf(matrix);
    if (slot.weights.length < byteLength) slot.weights = sharedBytes(byteLength);
    if (slot.products.length < tokens * count) slot.products = sharedFloats(tokens * count);
    const bytes = slot.weights.subarray(0, byteLength);
    const read = await matrix.readRows(first, count, { signal, into: bytes });
    if (read.buffer !== bytes.buffer) bytes.set(read);
    const rows = { bytes, rowCount: count, rowLength };
    const format = this.#formatOf(dtype, rowLength);
    const weights = format === undefined ? { ...rows, dtype } : { ...rows, format };
    return { product, input, tokens, weights, output: slot.products.subarray(0, tokens * count) };
  }

  #formatOf(dtype: Tensor['dtype'], rowLength: number): number | undefined {
    return kernelFormat(this.#kernels, dtype, rowLength);
  }
}

async function startThreads(count: number): Promise<ThreadPool<MatmulJob, undefined>> {
  const workerData: MatmulWorkerData = { kind: MATMUL_WORKER, kernels: await compileMatmulKernels() };
  return new ThreadPool(count, {
    url: new URL('./matmul-worker.js', import.meta.url),
    workerData,
    death: (what, cause) => new ForwardError('forward/thread-died', `a thread that multiplies ${what}`, { cause }),
  });
}

function* blocksOf(
  matrices: readonly Tensor[],
  products: readonly Float32Array[],
  blockBytes: number,
): Generator<Block> {
  for (const [index, matrix] of matrices.entries()) {
    const product = products[index]!;
    const rows = product.length === 0 ? 0 : rowCountOf(matrix.shape);
    const step = rowsPerBlock(matrix, blockBytes);
    for (let first = 0; first < rows; first += step) {
      yield { matrix, product, first, count: Math.min(step, rows - first) };
    }
  }
}

/** Copies the products of a block, (tokens, count), to their place. */
function putTogether({ matrix, product, first, count }: Block, { output, tokens }: MatmulJob): void {
  const width = rowCountOf(matrix.shape);
  for (let token = 0; token < tokens; token++) {
    product.set(output.subarray(token * count, (token + 1) * count), token * width + first);
  }
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(new SharedArrayBuffer(byteLengthOf('float32', length)));
}
