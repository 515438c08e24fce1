import { availableParallelism } from 'node:os';
import type * as WorkerThreads from 'node:worker_threads';

import { afterEach, describe, expect, it, vi } from 'vitest';

import type { DType } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
import { builtFile } from '../testing/built.js';
import { memoryTensor, randomNumbers } from '../testing/synthetic-model.js';
import { COMPARE_WORKER, createJobRunner } from './compare-worker.js';
import { createComparerPool, createNodeComparer } from './comparer-pool-node.js';
import type { Comparer } from './comparer.js';
import { createCompareKernels } from './kernels/compare-kernels.js';
import type { TensorPair } from './lockstep.js';
import { wasmComparer } from './wasm-comparer.js';

/** Every thread that was started in a test. */
const threads = vi.hoisted(() => ({ started: [] as WorkerThreads.Worker[], allowed: Infinity }));

vi.mock('node:worker_threads', async (importActual) => {
  const actual = await importActual<typeof WorkerThreads>();
  class Watched extends actual.Worker {
    constructor(...args: ConstructorParameters<typeof WorkerThreads.Worker>) {
      if (threads.started.length >= threads.allowed) throw new Error('no more threads');
      super(...args);
      threads.started.push(this);
    }
  }
  return { ...actual, Worker: Watched };
});

const kernels = (await createCompareKernels())!;
const local = wasmComparer(kernels);

const open: Comparer[] = [];

/** A pool that leaves nothing to this thread, closed after the test. */
function poolOf(count: number, create = createComparerPool): Comparer {
  const pool = create(kernels, count, 0);
  open.push(pool);
  return pool;
}

function living(): number {
  return threads.started.filter(({ threadId }) => threadId !== -1).length; // -1 once it has ended
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.close()));
  expect(living()).toBe(0);
  threads.started.length = 0;
  threads.allowed = Infinity;
});

const ROWS = 2200;

/** Five blocks of a megabyte in float32. */
function matrix(dtype: DType, seed: number, change?: (values: Float32Array) => void): Tensor {
  const random = randomNumbers(seed);
  const values = Float32Array.from({ length: ROWS * 512 }, () => random() - 0.5);
  change?.(values);
  return memoryTensor('m', [ROWS, 512], values, dtype);
}

/** Two tensors with misfits in several blocks of a megabyte. */
function differingPair(): TensorPair {
  const change = (values: Float32Array): void => {
    for (const row of [0, 1, 700, 2199]) values[row * 512 + (row % 512)]! += 0.7;
  };
  return { a: matrix('float32', 1), b: matrix('q8_0', 1, change) };
}

/** The pair with something done at each read of its second tensor. */
function watched({ a, b }: TensorPair, onRead: () => Promise<void> | void): TensorPair {
  const readRows: Tensor['readRows'] = async (first, count, options) => {
    await onRead();
    return b.readRows(first, count, options);
  };
  return { a, b: { ...b, readRows } };
}

describe('a pool of threads', () => {
  it('gives what one thread gives, to the bit', async () => {
    const pairs = [
      differingPair(),
      { a: matrix('bfloat16', 1), b: matrix('float16', 1) },
      { a: matrix('float32', 1), b: matrix('float32', 2) },
      { a: matrix('bfloat16', 1), b: matrix('bfloat16', 1) },
    ];
    for (const count of [1, 2, 3]) {
      const pool = poolOf(count);
      const found = await Promise.all(pairs.map((pair) => pool.compare(pair)));
      for (const [i, pair] of pairs.entries()) expect(found[i]).toEqual(await local.compare(pair));
      expect(found[0]?.fit.misfits()).toMatchObject({ count: 4, rows: [0, 1, 700], first: { at: 0 } });
      expect(found[3]).toBeUndefined();
    }
  });

  it('takes what a reader returns in place of the buffer it was offered', async () => {
    const { a, b } = differingPair();
    const stubborn: Tensor = { ...b, readRows: (first, count) => b.readRows(first, count) };
    expect(await poolOf(2).compare({ a, b: stubborn })).toEqual(await local.compare({ a, b }));
  });

  it('compares a type without a kernel, here under test and in the threads of the built package', async () => {
    const pair = { a: matrix('bfloat16', 1), b: matrix('q5_1', 1) };
    const expected = await local.compare(pair);
    expect(await poolOf(2).compare(pair)).toEqual(expected);
    const built = (await import(builtFile('check/comparer-pool-node.js'))) as {
      createComparerPool: typeof createComparerPool;
    };
    const found = await poolOf(2, built.createComparerPool).compare(pair);
    expect(found?.fit.misfits()).toEqual(expected?.fit.misfits());
    expect({ ...found, fit: undefined }).toEqual({ ...expected, fit: undefined });
  });

  it('stops reading tensors of one type where they differ, and reads them again', async () => {
    let reads = 0;
    const pair = watched({ a: matrix('float32', 1), b: matrix('float32', 2) }, () => {
      reads++;
    });
    await poolOf(2).compare(pair);
    expect(reads).toBeGreaterThan(5);
    expect(reads).toBeLessThan(10);
  });

  it('fails with the error of a reader when all reads are over, and goes on', async () => {
    const pair = differingPair();
    const expected = await local.compare(pair);
    const pool = poolOf(2);
    for (let failing = 0; failing < 5; failing++) {
      let reads = 0;
      let underWay = 0;
      const read = async (): Promise<void> => {
        underWay++;
        await new Promise((resolve) => setTimeout(resolve, 1));
        underWay--;
        if (reads++ === failing) throw new Error('unreadable');
      };
      await expect(pool.compare(watched(pair, read))).rejects.toThrow('unreadable');
      expect(underWay).toBe(0);
      expect(await pool.compare(pair)).toEqual(expected);
    }
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const pool = poolOf(2);
    let reads = 0;
    const pair = watched(differingPair(), () => {
      if (++reads === 2) controller.abort(new Error('enough'));
    });
    const { signal } = controller;
    await expect(pool.compare(pair, { signal })).rejects.toThrow('enough');
    expect(reads).toBeLessThan(5);
    expect(await pool.compare(differingPair())).toBeDefined();
  });

  it('fails when a thread dies, also for what comes later, and leaves no other alive', async () => {
    const pool = poolOf(2);
    let reads = 0;
    const deadly = watched(differingPair(), async () => {
      if (++reads === 3) await threads.started[0]!.terminate();
    });
    const died = { code: 'check/thread-died', message: 'a thread that compares tensors has died' };
    await expect(pool.compare(deadly)).rejects.toMatchObject(died);
    await expect(pool.compare(differingPair())).rejects.toMatchObject(died);
    await pool.close();
    expect(living()).toBe(0);
  });

  it('says so where a thread cannot be started, and leaves no other alive', async () => {
    threads.allowed = 1;
    const message = 'a thread that compares tensors could not be started';
    await expect(poolOf(2).compare(differingPair())).rejects.toMatchObject({ code: 'check/thread-died', message });
    await vi.waitFor(() => expect(living()).toBe(0));
  });

  it('starts no thread for small tensors, and none twice', async () => {
    const pool = createComparerPool(kernels, 2);
    open.push(pool);
    const small = memoryTensor('m', [64, 64], new Float32Array(4096).fill(1), 'float32');
    expect(await pool.compare({ a: small, b: small })).toBeUndefined();
    expect(threads.started).toHaveLength(0);
    for (let again = 0; again < 2; again++) await pool.compare(differingPair());
    expect(living()).toBe(2);
  });
});

describe('the comparer that Node gets', () => {
  it('works in a thread for each processor', async () => {
    await using comparer = await createNodeComparer();
    await comparer.compare(differingPair());
    const processors = availableParallelism();
    expect(living()).toBe(processors === 1 ? 0 : Math.min(16, processors));
  });
});

describe('the worker', () => {
  it('does jobs of types with and without a kernel, here too', async () => {
    const run = await createJobRunner();
    const [a, b] = [new Uint8Array(128).fill(1), new Uint8Array(128).fill(1)];
    expect(await run({ equal: [a, b] })).toBe(true);
    b[100] = 2;
    expect(await run({ equal: [a, b] })).toBe(false);
    const job = { rowCount: 1, rowLength: 32, demands: [0, 1, 0, 0, Infinity, 1, 0, 0, Infinity, 1] };
    const known = await run({ rows: { ...job, a: { format: 0, bytes: a }, b: { format: 0, bytes: b } } });
    const named = await run({ rows: { ...job, a: { dtype: 'float32', bytes: a }, b: { dtype: 'float32', bytes: b } } });
    expect(named).toEqual(known);
    expect((known as Float64Array)[0]).toBe(1);
  });

  it('is told from others by its name', () => {
    expect(COMPARE_WORKER).toBe('llama-inspect compare worker');
  });
});
