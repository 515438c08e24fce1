import { describe, expect, it, vi } from 'vitest';

import type { DType } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { compileQuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { builtFile } from '../testing/built.js';
import { memoryTensor, randomNumbers } from '../testing/synthetic-model.js';
import { castTensor } from './cast.js';
import { ENCODE_WORKER, createJobRunner } from './encode-worker.js';
import type { Encoder } from './encoder.js';
import { createEncoderPool, createNodeEncoder } from './encoder-pool-node.js';
import { createLocalEncoder } from './local-encoder.js';
import type { TensorPiece } from './plan.js';
import { blocksOf } from './slots.js';

const module = (await compileQuantKernels())!;
const kernels = { kernels: (await createQuantKernels())!, module };

function matrix(rows: number, columns: number, source: DType): Tensor {
  const random = randomNumbers(rows * columns);
  const values = Float32Array.from({ length: rows * columns }, () => random() - 0.5);
  return memoryTensor('m', [rows, columns], values, source);
}

function piece(tensor: Tensor, dtype: DType, more: { finite?: boolean; importance?: Float32Array } = {}): TensorPiece {
  const { finite = true, importance } = more;
  return { ...castTensor(tensor, { name: 'm', from: 'm', dtype, finite, importance }), fileOffset: 0 };
}

/** All blocks of a tensor through an encoder, several at a time. */
async function encodeAll(encoder: Encoder, tensor: TensorPiece, signal?: AbortSignal): Promise<Uint8Array> {
  const parts = await Promise.all(
    [...blocksOf(tensor)].map(async (rows) => {
      const { bytes, release } = await encoder.encode(rows, signal);
      const copy = Uint8Array.from(bytes);
      release();
      return copy;
    }),
  );
  return Buffer.concat(parts);
}

describe('an encoder in threads', () => {
  const importance = Float32Array.from({ length: 1024 }, (_, column) => 1 + (column % 7));

  it.each<[DType, DType, Float32Array | undefined]>([
    ['bfloat16', 'q8_0', undefined],
    ['float16', 'q5_1', undefined],
    ['float32', 'q4_0', undefined],
    ['float32', 'q4_0', importance],
    ['q8_0', 'q5_0', undefined],
    ['q4_0', 'q4_k', undefined],
    ['q6_k', 'q4_k', importance],
    ['iq4_nl', 'q8_0', undefined],
    ['bfloat16', 'float32', undefined],
    ['bfloat16', 'bfloat16', undefined],
  ])('makes of %s the same %s as one in this thread', async (source, dtype, weights) => {
    const tensor = piece(matrix(3000, 1024, source), dtype, weights && { importance: weights });
    const pool = createEncoderPool([tensor], kernels, 2);
    const local = await createLocalEncoder([tensor]);
    try {
      expect(pool.slots).toBe(5);
      const expected = await encodeAll(local, tensor);
      expect(expected.length).toBe(tensor.byteLength);
      expect(Buffer.compare(await encodeAll(pool, tensor), expected)).toBe(0);
    } finally {
      await pool.close();
    }
  });

  it('makes of 8-bit floats what one in this thread makes of the same numbers', async () => {
    const bytes = Uint8Array.from({ length: 2000 * 512 }, (_, index) => (index * 37) % 0x7f);
    const floats = new Float32Array(bytes.length);
    decodeToFloat32('float8_e4m3fn', bytes, floats);
    const shape = [2000, 512];
    const readRows: Tensor['readRows'] = async (first, count, options) => {
      options!.into!.set(bytes.subarray(first * 512, (first + count) * 512));
      return options!.into!;
    };
    const eight = piece({ name: 'm', dtype: 'float8_e4m3fn', shape, readRows }, 'q4_k');
    const expected = new Uint8Array(eight.byteLength);
    encodeFromFloat32('q4_k', floats, expected);
    const pool = createEncoderPool([eight], kernels, 2);
    try {
      expect(Buffer.compare(await encodeAll(pool, eight), expected)).toBe(0);
      expect(Buffer.compare(await encodeAll(await createLocalEncoder([eight]), eight), expected)).toBe(0);
    } finally {
      await pool.close();
    }
  });

  it('quantizes to a format without a kernel in the threads of the built package', async () => {
    const built = (await import(builtFile('convert/encoder-pool-node.js'))) as {
      createEncoderPool: typeof createEncoderPool;
    };
    const tensor = piece(matrix(64, 256, 'bfloat16'), 'iq3_s');
    const here = createEncoderPool([tensor], kernels, 1);
    const pool = built.createEncoderPool([tensor], kernels, 2);
    try {
      const expected = await encodeAll(here, tensor);
      expect(Buffer.compare(await encodeAll(pool, tensor), expected)).toBe(0);
      const values = new Float32Array(256).fill(1e38);
      await expect(encodeAll(pool, piece(memoryTensor('m', [1, 256], values, 'float32'), 'iq3_s'))).rejects.toThrow(
        expect.objectContaining({ code: 'convert/scale-overflow' }),
      );
    } finally {
      await Promise.all([pool.close(), here.close()]);
    }
  });

  it('starts no thread where there is no memory for its blocks', () => {
    const shape = [1, 2 ** 52];
    const endless: Tensor = { name: 'm', dtype: 'bfloat16', shape, readRows: async () => new Uint8Array(0) };
    expect(() => createEncoderPool([piece(endless, 'q8_0')], kernels, 2)).toThrow(
      expect.objectContaining({ code: 'convert/no-memory' }),
    );
  });

  it('names the weight that is not finite, and goes on', async () => {
    const values = new Float32Array(4 * 64).fill(1);
    values[2 * 64 + 9] = Infinity;
    const broken = piece(memoryTensor('m', [4, 64], values, 'float32'), 'q8_0');
    const sound = piece(matrix(4, 64, 'float32'), 'q8_0');
    const pool = createEncoderPool([broken, sound], kernels, 1);
    try {
      for (let again = 0; again < 5; again++) {
        await expect(encodeAll(pool, broken)).rejects.toMatchObject({
          code: 'convert/not-finite',
          message: 'm[2, 9] is NaN or infinite, which no quantized block can hold',
        });
      }
      expect(await encodeAll(pool, sound)).toHaveLength(sound.byteLength);
    } finally {
      await pool.close();
    }
  });

  it('stops when it is told to, and gives its slots back', async () => {
    const tensor = piece(matrix(64, 64, 'float32'), 'q8_0');
    const pool = createEncoderPool([tensor], kernels, 1);
    try {
      for (let again = 0; again < 5; again++) {
        await expect(encodeAll(pool, tensor, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
      }
      expect(await encodeAll(pool, tensor)).toHaveLength(tensor.byteLength);
    } finally {
      await pool.close();
    }
  });

  it('fails when a thread dies, also for what comes later', async () => {
    const tensor = piece(matrix(64, 64, 'float32'), 'q8_0');
    const bad = { ...tensor, importance: null as unknown as Float32Array }; // makes the kernel's thread throw
    const pool = createEncoderPool([tensor], kernels, 1);
    try {
      await expect(encodeAll(pool, bad)).rejects.toMatchObject({ code: 'convert/thread-died' });
      await expect(encodeAll(pool, tensor)).rejects.toMatchObject({ code: 'convert/thread-died' });
    } finally {
      await pool.close();
    }
  });
});

describe('the encoder that Node gets', () => {
  it('works in this thread for small models, and in others for large ones', async () => {
    const small = await createNodeEncoder([piece(matrix(4, 64, 'bfloat16'), 'q8_0')]);
    expect(small.beginHash).toBeUndefined();
    const shape = [1 << 15, 2048];
    const huge: Tensor = { name: 'm', dtype: 'bfloat16', shape, readRows: async () => new Uint8Array(0) };
    const large = await createNodeEncoder([piece(huge, 'q8_0')]);
    expect(large.beginHash).toBeDefined();
    await large.close();
    for (const [threads, slots] of [
      [1, 4],
      [2, 5],
      [3, 6],
    ] as const) {
      const encoder = await createNodeEncoder([piece(huge, 'q8_0')], 1e12, { threads });
      expect(encoder.slots).toBe(slots);
      await encoder.close();
    }
  });
});

describe('the thread', () => {
  it('runs jobs when it was started as an encoding worker, and only then', async () => {
    for (const [workerData, listeners] of [
      [null, 0],
      [{ kind: 'something else', kernels: module }, 0],
      [{ kind: ENCODE_WORKER, kernels: module }, 1],
    ]) {
      const on = vi.fn();
      vi.resetModules();
      vi.doMock('node:worker_threads', () => ({ parentPort: { on, postMessage: vi.fn() }, workerData }));
      await import('./encode-worker.js');
      vi.doUnmock('node:worker_threads');
      expect(on).toHaveBeenCalledTimes(Number(listeners));
    }
  });

  it('fills what it is given', async () => {
    const run = await createJobRunner(module);
    const out = new Uint8Array(34);
    const values = new Uint8Array(new Float32Array(32).fill(2).buffer);
    const job = { format: 8, source: 'float32' as const, values, rowLength: 32, importance: undefined };
    expect(await run({ job, out })).toEqual({ badValue: -1, badBlock: -1 });
    expect(out[2]).toBe(127);
  });
});
