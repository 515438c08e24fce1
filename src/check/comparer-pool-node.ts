/**
 * Comparing tensors in several threads. One of the few modules that know Node.
 *
 * This thread reads blocks of the same rows of both sides into shared memory, some ahead, and adds up in order what the
 * others find. Starting a thread takes as long as comparing some megabytes, so small tensors are compared here, to the
 * same bits.
 *
 * @module
 */
import { ThreadPool } from '../convert/thread-pool-node.js';
import { type Tensor, rowByteLengthOf, rowLengthOf, tensorByteLength } from '../formats/tensor.js';
import type { ThreadOptions } from '../options.js';
import { isDecodable } from '../quant/codec.js';
import type { ReadOptions } from '../source/byte-source.js';
import { threadCount } from '../source/thread-count-node.js';
import { COMPARE_WORKER, type CompareReply, type CompareWorkerData, type EqualJob, type RowsJob } from './compare-worker.js'; // prettier-ignore
import { kernelFormat } from './compare-rows.js';
import { type Comparer, plainComparer, statisticsOf } from './comparer.js';
import { CheckError } from './errors.js';
import { type CompareKernels, compileCompareKernels, createCompareKernels } from './kernels/compare-kernels.js';
import { type PairedBlock, type TensorPair, pairedBlocks } from './lockstep.js';
import { tallyOf } from './tally.js';
import { type TensorStatistics, addTally } from './tensor-statistics.js';
import { wasmComparer } from './wasm-comparer.js';

/** Bytes of both sides that take about a millisecond: fewer are not worth the messages. */
const WORTH_SHARING = 1 << 21;

/** Pairs of blocks beside those in the threads: they are being read. */
const BLOCKS_AHEAD = 2;

/** A thread runs no TypeScript, so it decodes types without a kernel in the built package only, not under test. */
const IS_BUILT = import.meta.url.endsWith('.js');

/**
 * The fastest comparer of this machine: WebAssembly in threads, as many as `threads` says, or plain TypeScript
 * where it has no WebAssembly. Threads start with the first large tensor and run until `close`; each takes some 10 MB, and
 * a megabyte of each side is held for each and for two more. Fails with a CheckError `check/thread-died` when a thread
 * cannot be started or dies.
 *
 * @throws SourceError `source/bad-threads`
 */
export async function createNodeComparer(options: ThreadOptions = {}): Promise<Comparer> {
  const threads = threadCount(options);
  const kernels = await createCompareKernels();
  if (kernels === undefined) return plainComparer;
  return threads === 1 ? wasmComparer(kernels) : createComparerPool(kernels, threads);
}

/** A comparer in so many threads; tensors of fewer than `worthSharing` bytes on both sides are compared in this one. */
export function createComparerPool(kernels: CompareKernels, threads: number, worthSharing = WORTH_SHARING): Comparer {
  const local = wasmComparer(kernels);
  const pool = new ComparerPool(threads, kernels);
  const close = (): Promise<void> => pool.close();
  return {
    close,
    [Symbol.asyncDispose]: close,
    compare: (pair, options = {}) => {
      const byteLength = tensorByteLength(pair.a) + tensorByteLength(pair.b);
      const isShared = byteLength >= worthSharing && pool.canCompare(pair);
      return (isShared ? pool : local).compare(pair, options);
    },
  };
}

/** Shared memory for a block of each side. */
interface Slot {
  a: Uint8Array;
  b: Uint8Array;
}

/** Rows of one side as a thread takes them. */
type Rows = RowsJob['rows']['a'];

/** Threads, and the memory they share with this one. */
class ComparerPool {
  readonly #threads: number;
  readonly #kernels: CompareKernels;
  readonly #slots: readonly Slot[];
  #pool: ThreadPool<EqualJob | RowsJob, CompareReply> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(threads: number, kernels: CompareKernels) {
    this.#threads = threads;
    this.#kernels = kernels;
    this.#slots = Array.from({ length: threads + BLOCKS_AHEAD }, () => ({ a: sharedBytes(0), b: sharedBytes(0) }));
  }

  /** Whether the threads can compare tensors of these types. */
  canCompare({ a, b }: TensorPair): boolean {
    const rowLength = rowLengthOf(a.shape);
    if (kernelFormat(this.#kernels, 'float32', rowLength) === undefined) return false;
    return [a, b].every(
      ({ dtype }) => kernelFormat(this.#kernels, dtype, rowLength) !== undefined || (IS_BUILT && isDecodable(dtype)),
    );
  }

  /** One pair after the other, as all share the memory. */
  compare(pair: TensorPair, options: ReadOptions): Promise<TensorStatistics | undefined> {
    const comparison = this.#turn.then(() => this.#compare(pair, options));
    this.#turn = comparison.catch(() => {});
    return comparison;
  }

  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.close();
  }

  async #compare(pair: TensorPair, options: ReadOptions): Promise<TensorStatistics | undefined> {
    if (pair.a.dtype === pair.b.dtype && (await this.#areEqual(pair, options))) return undefined;
    const statistics = statisticsOf(pair);
    const { demands } = statistics.fit;
    const rowLength = rowLengthOf(pair.a.shape);
    const found: Float64Array[] = [];
    const blocks = [...pairedBlocks(pair)];
    await this.#work(pair, blocks.entries(), options, async ([index, { count }], a, b, pool) => {
      const rows = { a: this.#rowsOf(pair.a, a), b: this.#rowsOf(pair.b, b), rowCount: count, rowLength, demands };
      found[index] = (await pool.run({ rows })) as Float64Array;
    });
    for (const [index, { first, count }] of blocks.entries()) {
      addTally(statistics, tallyOf(found[index]!, first * rowLength, count * rowLength));
    }
    return statistics.differing === 0 ? undefined : statistics;
  }

  /** Whether the bytes are equal. Stops where they differ. */
  async #areEqual(pair: TensorPair, options: ReadOptions): Promise<boolean> {
    let equal = true;
    function* blocksWhileEqual(): Generator<readonly [number, PairedBlock]> {
      for (const block of pairedBlocks(pair)) if (equal) yield [0, block];
    }
    await this.#work(pair, blocksWhileEqual(), options, async (_, a, b, pool) => {
      if ((await pool.run({ equal: [a, b] })) === false) equal = false;
    });
    return equal;
  }

  /** Reads blocks into the slots and has something done with each. */
  async #work(
    pair: TensorPair,
    blocks: Iterable<readonly [number, PairedBlock]>,
    { signal }: ReadOptions,
    take: (block: readonly [number, PairedBlock], a: Uint8Array, b: Uint8Array, pool: ThreadPool<EqualJob | RowsJob, CompareReply>) => Promise<void>, // prettier-ignore
  ): Promise<void> {
    this.#pool ??= await startThreads(this.#threads);
    const pool = this.#pool;
    const shared = iterated(blocks);
    // a block that fails ends the generator, and with it the work on all slots, before anything is thrown
    const work = async (slot: Slot): Promise<void> => {
      for (const block of shared) {
        signal?.throwIfAborted();
        const [a, b] = await bothOf([
          readInto(pair.a, block[1], slot, 'a', signal),
          readInto(pair.b, block[1], slot, 'b', signal),
        ]);
        await take(block, a, b, pool);
      }
    };
    for (const outcome of await Promise.allSettled(this.#slots.map(work))) {
      if (outcome.status === 'rejected') throw outcome.reason;
    }
  }

  #rowsOf({ dtype, shape }: Tensor, bytes: Uint8Array): Rows {
    const format = kernelFormat(this.#kernels, dtype, rowLengthOf(shape));
    return format === undefined ? { dtype, bytes } : { format, bytes };
  }
}

/** One generator that all slots take from, and that ends for all when one fails. */
function* iterated<T>(items: Iterable<T>): Generator<T, void, undefined> {
  yield* items;
}

/** Both results; where one read fails, only when the other is over, too: its memory is used again. */
async function bothOf(reads: readonly [Promise<Uint8Array>, Promise<Uint8Array>]): Promise<[Uint8Array, Uint8Array]> {
  await Promise.allSettled(reads);
  return Promise.all(reads);
}

/** Rows of one side in its half of a slot, which grows to them. */
async function readInto(
  tensor: Tensor,
  { first, count }: PairedBlock,
  slot: Slot,
  side: keyof Slot,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const byteLength = count * rowByteLengthOf(tensor);
  if (slot[side].length < byteLength) slot[side] = sharedBytes(byteLength);
  const into = slot[side].subarray(0, byteLength);
  const read = await tensor.readRows(first, count, { signal, into });
  if (read.buffer !== into.buffer) into.set(read);
  return into;
}

async function startThreads(count: number): Promise<ThreadPool<EqualJob | RowsJob, CompareReply>> {
  const workerData: CompareWorkerData = { kind: COMPARE_WORKER, kernels: await compileCompareKernels() };
  return new ThreadPool(count, {
    url: new URL('./compare-worker.js', import.meta.url),
    workerData,
    death: (what, cause) => new CheckError('check/thread-died', `a thread that compares tensors ${what}`, { cause }),
  });
}

function sharedBytes(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length));
}
