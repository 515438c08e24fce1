import { availableParallelism } from 'node:os';
import type * as WorkerThreads from 'node:worker_threads';

import { afterEach, describe, expect, it, vi } from 'vitest';

import type { DType } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
import { builtFile } from '../testing/built.js';
import { memoryTensor, randomNumbers, syntheticModel } from '../testing/synthetic-model.js';
import { forward } from './forward.js';
import type { Kernels } from './kernels.js';
import { createKernelPool, createNodeKernels } from './kernel-pool-node.js';
import { createMatmulKernels } from './kernels/matmul-kernels.js';
import { MATMUL_WORKER, createJobRunner } from './matmul-worker.js';
import { createKernels, wasmKernels } from './wasm-kernels.js';

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

const kernels = (await createMatmulKernels())!;
const local = wasmKernels(kernels);

const open: Kernels[] = [];

/** A pool that leaves nothing to this thread, closed after the test. */
function poolOf(threads: number, create = createKernelPool): Kernels {
  const pool = create(kernels, threads, 0);
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

function numbers(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => random() - 0.5);
}

function matrix(rows: number, columns: number, dtype: DType, seed = 1): Tensor {
  return memoryTensor('m', [rows, columns], numbers(rows * columns, seed), dtype);
}

describe('a pool of threads', () => {
  it('gives what one thread gives, to the bit, for several matrices at once', async () => {
    const matrices = [
      ...[matrix(3000, 512, 'bfloat16'), matrix(5, 512, 'q4_k'), matrix(1, 512, 'float32')],
      ...[matrix(700, 512, 'q8_0'), matrix(0, 512, 'float16')],
    ];
    for (const threads of [1, 2, 3]) {
      const pool = poolOf(threads);
      for (const tokens of [1, 11]) {
        const input = numbers(tokens * 512, tokens);
        expect(await pool.multiply(input, matrices)).toEqual(await local.multiply(input, matrices));
      }
      expect(await pool.multiply(numbers(9, 3), [matrix(4, 9, 'float16')])).toHaveLength(1);
      expect(await pool.multiply(new Float32Array(0), matrices)).toEqual(matrices.map(() => new Float32Array(0)));
      expect(await pool.multiply(numbers(512, 3), [])).toEqual([]);
    }
  });

  it('keeps products apart that are asked for at the same time', async () => {
    const pool = poolOf(2);
    const weights = matrix(900, 256, 'float32');
    const inputs = [1, 2, 3, 4].map((seed) => numbers(seed * 256, seed));
    const found = await Promise.all(inputs.map((input) => pool.multiply(input, [weights])));
    for (const [i, input] of inputs.entries()) expect(found[i]).toEqual(await local.multiply(input, [weights]));
  });

  it('takes what a reader returns in place of the buffer it was offered', async () => {
    const whole = matrix(900, 256, 'bfloat16');
    const stubborn: Tensor = { ...whole, readRows: (first, count) => whole.readRows(first, count) };
    const input = numbers(3 * 256, 1);
    expect(await poolOf(2).multiply(input, [stubborn])).toEqual(await local.multiply(input, [whole]));
  });

  it('multiplies by a type without a kernel, here under test and in the threads of the built package', async () => {
    const rare = matrix(900, 256, 'q2_k');
    const input = numbers(3 * 256, 1);
    const expected = await local.multiply(input, [rare]);
    expect(await poolOf(2).multiply(input, [rare])).toEqual(expected);
    const built = (await import(builtFile('forward/kernel-pool-node.js'))) as {
      createKernelPool: typeof createKernelPool;
    };
    expect(await poolOf(2, built.createKernelPool).multiply(input, [rare])).toEqual(expected);
  });

  it('runs a whole pass', async () => {
    const model = syntheticModel({ dim: 64, ffnDim: 160, headDim: 16 }, 'q8_0');
    const pool = poolOf(2);
    const expected = await forward(model, [1, 7, 28], { kernels: await createKernels() });
    expect(await forward(model, [1, 7, 28], { kernels: pool })).toEqual(expected);
  });

  it('fails with the error of a reader, and goes on', async () => {
    const whole = matrix(4000, 512, 'float32');
    const input = numbers(512, 1);
    const expected = await local.multiply(input, [whole]);
    const pool = poolOf(2);
    for (let failing = 0; failing < 8; failing++) {
      let reads = 0;
      let underWay = 0;
      const broken: Tensor = {
        ...whole,
        readRows: async (first, count, options) => {
          underWay++;
          try {
            await new Promise((resolve) => setTimeout(resolve, 1));
            if (reads++ === failing) throw new Error('unreadable');
            return await whole.readRows(first, count, options);
          } finally {
            underWay--;
          }
        },
      };
      await expect(pool.multiply(input, [broken])).rejects.toThrow('unreadable');
      expect(underWay).toBe(0);
      expect(await pool.multiply(input, [whole])).toEqual(expected);
    }
  });

  it('stops when it is told to', async () => {
    const pool = poolOf(2);
    const controller = new AbortController();
    const whole = matrix(4000, 512, 'float32');
    let reads = 0;
    const watched: Tensor = {
      ...whole,
      readRows: (first, count, options) => {
        if (++reads === 2) controller.abort(new Error('enough'));
        return whole.readRows(first, count, options);
      },
    };
    const { signal } = controller;
    await expect(pool.multiply(numbers(512, 1), [watched], { signal })).rejects.toThrow('enough');
    expect(reads).toBeLessThan(8);
    await expect(pool.multiply(numbers(512, 1), [whole], { signal })).rejects.toThrow('enough');
    expect(await pool.multiply(numbers(512, 1), [whole])).toHaveLength(1);
  });

  it('fails when a thread dies, also for what comes later, and leaves no other alive', async () => {
    const pool = poolOf(2);
    const whole = matrix(4000, 512, 'float32');
    let reads = 0;
    const deadly: Tensor = {
      ...whole,
      readRows: async (first, count, options) => {
        if (++reads === 3) await threads.started[0]!.terminate();
        return whole.readRows(first, count, options);
      },
    };
    const died = { code: 'forward/thread-died', message: 'a thread that multiplies has died' };
    await expect(pool.multiply(numbers(512, 1), [deadly])).rejects.toMatchObject(died);
    await expect(pool.multiply(numbers(512, 1), [whole])).rejects.toMatchObject(died);
    await pool.close();
    expect(living()).toBe(0);
  });

  it('says so where a thread cannot be started, and leaves no other alive', async () => {
    threads.allowed = 1;
    await expect(poolOf(2).multiply(numbers(512, 1), [matrix(9, 512, 'float32')])).rejects.toMatchObject({
      code: 'forward/thread-died',
      message: 'a thread that multiplies could not be started',
    });
    await vi.waitFor(() => expect(living()).toBe(0));
    expect(threads.started).toHaveLength(1);
  });

  it('starts no thread for small products, and none twice', async () => {
    const pool = createKernelPool(kernels, 2);
    open.push(pool);
    await pool.multiply(numbers(256, 1), [matrix(900, 256, 'float32')]);
    expect(threads.started).toHaveLength(0);
    const large = matrix(2048, 256, 'float32');
    for (let again = 0; again < 3; again++) await pool.multiply(numbers(32 * 256, 1), [large]);
    expect(living()).toBe(2);
    await pool.close();
    await pool.close();
    expect(living()).toBe(0);
  });
});

describe('the kernels that Node gets', () => {
  it('work in a thread for each processor', async () => {
    await using pool = await createNodeKernels();
    await pool.multiply(numbers(32 * 256, 1), [matrix(2048, 256, 'float32')]);
    const processors = availableParallelism();
    expect(living()).toBe(processors === 1 ? 0 : Math.min(16, processors));
  });

  it.each([
    [1, 0],
    [3, 3],
  ])('work in as many as %i threads: %i are started', async (threads, started) => {
    await using pool = await createNodeKernels({ threads });
    await pool.multiply(numbers(32 * 256, 1), [matrix(2048, 256, 'float32')]);
    expect(living()).toBe(started);
    await expect(createNodeKernels({ threads: 0 })).rejects.toMatchObject({ code: 'source/bad-threads' });
  });
});

describe('the thread', () => {
  it('runs jobs when it was started as a multiplying worker, and only then', async () => {
    for (const [workerData, listeners] of [
      [{ kind: 'something else' }, 0],
      [undefined, 0],
      [{ kind: MATMUL_WORKER, kernels: undefined }, 1],
    ]) {
      const on = vi.fn();
      vi.resetModules();
      vi.doMock('node:worker_threads', () => ({ parentPort: { on, postMessage: vi.fn() }, workerData }));
      await import('./matmul-worker.js');
      vi.doUnmock('node:worker_threads');
      expect(on).toHaveBeenCalledTimes(Number(listeners));
    }
  });

  it('keeps the activations of a product, and takes those of the next', async () => {
    const run = await createJobRunner();
    const bytes = new Uint8Array(Float32Array.of(1, 10).buffer);
    const output = new Float32Array(1);
    const weights = { format: 0, bytes, rowCount: 1, rowLength: 2 };
    for (const [product, input, expected] of [
      [0, [1, 2], 21],
      [0, [9, 9], 21],
      [1, [3, 4], 43],
    ] as const) {
      await run({ product, input: Float32Array.from(input), tokens: 1, weights, output });
      expect(output[0]).toBe(expected);
    }
    const rare = new Uint8Array(Float64Array.of(5, 6).buffer);
    const doubles = { dtype: 'float64', bytes: rare, rowCount: 1, rowLength: 2 } as const;
    await run({ product: 2, input: Float32Array.of(1, 2), tokens: 1, weights: doubles, output });
    expect(output[0]).toBe(17);
  });
});
