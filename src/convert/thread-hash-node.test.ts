import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as Threads from 'node:worker_threads';
import type { Worker } from 'node:worker_threads';

import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { createNodeHasher } from '../integrity/hash-node.js';
import { parseLock } from '../integrity/parse-lock.js';
import { compileQuantKernels, createQuantKernels } from '../quant/kernels/quant-kernels.js';
import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { modelFolder } from '../testing/fixtures.js';
import { type RunOptions, planConversion, runPlan } from './convert.js';
import { directoryOutput } from './directory-output.js';
import { createEncoderPool } from './encoder-pool-node.js';
import { planWithLock } from './lock-plan.js';
import type { ConvertOptions } from './options.js';
import { type Output, memoryOutput } from './output.js';
import type { ConversionPlan } from './plan.js';
import { hashingIn } from './thread-hash-node.js';
import { ConvertThreads } from './convert-threads-node.js';

/** Every thread that was started. */
const started = vi.hoisted((): Worker[] => []);

vi.mock('node:worker_threads', async (original) => {
  const threads = await original<typeof Threads>();
  class WatchedWorker extends threads.Worker {
    constructor(...given: ConstructorParameters<typeof Worker>) {
      super(...given);
      started.push(this);
    }
  }
  return { ...threads, Worker: WatchedWorker };
});

/** A thread that has ended has no number. */
const alive = (): Worker[] => started.filter(({ threadId }) => threadId !== -1);

/** 256 wide, so that every type has whole blocks; two shards fit. */
const model = await openModel(await openDirectory(modelFolder('llama3.2-tiny')));
afterAll(() => model.close());

const kernels = { kernels: (await createQuantKernels())!, module: (await compileQuantKernels())! };

beforeEach(() => {
  started.length = 0;
});

describe('hashing in threads', () => {
  const numbered = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i * 31 + (i >> 8));
  const shared = (bytes: Uint8Array): Uint8Array => {
    const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength));
    copy.set(bytes);
    return copy;
  };
  const expected = (algorithm: 'md5' | 'sha256', ...parts: Uint8Array[]): string => {
    const hasher = createNodeHasher(algorithm);
    for (const part of parts) hasher.update(part);
    return hasher.digestHex();
  };

  it.each([1, 2, 3])('gives the hashes of this thread, several at a time, in %i threads', async (count) => {
    const pool = new ConvertThreads(count, undefined);
    try {
      const begin = hashingIn(pool);
      const parts = [numbered(3), numbered((2 << 20) + 5), new Uint8Array(0), numbered(1 << 20)];
      const hashers = await Promise.all(['md5', 'sha256', 'sha256'].map((name) => begin(name as 'md5' | 'sha256')));
      for (const part of parts) {
        await Promise.all([
          ...[hashers[0]!.update(part), hashers[1]!.update(shared(part))],
          hashers[2]!.update(part.subarray(1)),
        ]);
      }
      expect(await hashers[0]!.digestHex()).toBe(expected('md5', ...parts));
      expect(await hashers[1]!.digestHex()).toBe(expected('sha256', ...parts));
      expect(await hashers[2]!.digestHex()).toBe(expected('sha256', ...parts.map((part) => part.subarray(1))));
      expect(await (await begin('sha256')).digestHex()).toBe(expected('sha256'));
    } finally {
      await pool.close();
    }
  });

  it('may have the bytes back when it has taken them', async () => {
    const pool = new ConvertThreads(1, undefined);
    const bytes = shared(numbered(1 << 16));
    const hasher = await hashingIn(pool)('sha256');
    await hasher.update(bytes);
    bytes.fill(0);
    expect(await hasher.digestHex()).toBe(expected('sha256', numbered(1 << 16)));
    await pool.close();
    expect(alive()).toEqual([]);
  });

  it('keeps bytes in the order in which they came, also when nobody waits', async () => {
    const pool = new ConvertThreads(2, undefined);
    const hasher = await hashingIn(pool)('sha256');
    const parts = Array.from({ length: 50 }, (_, i) => shared(numbered(1000 + i)));
    await Promise.all(parts.map((part) => hasher.update(part)));
    expect(await hasher.digestHex()).toBe(expected('sha256', ...parts));
    await pool.close();
  });

  it('fails for all when a thread dies', async () => {
    const pool = new ConvertThreads(2, undefined);
    const begin = hashingIn(pool);
    const [first, second] = [await begin('sha256'), await begin('none' as 'md5')];
    const outcomes = await Promise.allSettled([second.update(numbered(8)), first.update(numbered(8))]);
    expect(outcomes[0]).toMatchObject({ status: 'rejected', reason: { code: 'convert/thread-died' } });
    await expect(first.digestHex()).rejects.toMatchObject({ code: 'convert/thread-died' });
    await pool.close();
    expect(alive()).toEqual([]);
  });
});

describe('a conversion that hashes in threads', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'llama-inspect-threads-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const run = (plan: ConversionPlan, output: Output, threads: number, options: RunOptions = {}) =>
    runPlan(plan, output, {
      createEncoder: async (pieces) => createEncoderPool(pieces, kernels, threads),
      ...options,
    });
  const planned = async (options: ConvertOptions): Promise<ConversionPlan> => {
    const source = { name: 'x', layout: 'meta', files: [] } as const;
    const given = { toolVersion: '1', source, options, createHasher: createNodeHasher };
    return planWithLock(planConversion(model, options), model, given);
  };

  it.each<ConvertOptions>([
    { to: 'safetensors' },
    { to: 'safetensors', type: 'f32' },
    { to: 'gguf', type: 'q8_0' },
    { to: 'gguf', type: 'f16' },
    { to: 'meta' },
    { to: 'meta', shards: 2 },
  ])('writes the same bytes as one that does not: %o', async (options) => {
    const [here, inThreads] = [memoryOutput(), memoryOutput()];
    await runPlan(await planned(options), here, { createHasher: createNodeHasher });
    await run(await planned(options), inThreads, 2);
    expect([...inThreads.files.keys()]).toEqual([...here.files.keys()]);
    for (const [name, bytes] of here.files) expect(Buffer.compare(bytes, inThreads.files.get(name)!), name).toBe(0);
    const lock = [...here.files].find(([name]) => name.endsWith('lock.json'))!;
    expect(parseLock(lock[1], lock[0]).predicate.model!.tensors.length).toBeGreaterThan(10);
    expect(started.length).toBe(2);
    expect(alive()).toEqual([]);
  });

  it('leaves neither a file nor a thread when a thread dies', async () => {
    const plan = await planned({ to: 'safetensors' });
    const onProgress = (): void => void started[0]!.terminate();
    const running = run(plan, directoryOutput(join(folder, 'out')), 1, { onProgress });
    await expect(running).rejects.toMatchObject({ code: 'convert/thread-died' });
    expect(await readdir(folder)).toEqual([]);
    expect(alive()).toEqual([]);
  });

  it('leaves neither a file nor a thread when it is stopped, or a file cannot be written', async () => {
    const plan = await planned({ to: 'gguf', type: 'q8_0' });
    const stop = new AbortController();
    const onProgress = (): void => stop.abort(new Error('enough'));
    const output = directoryOutput(join(folder, 'out'));
    await expect(run(plan, output, 2, { signal: stop.signal, onProgress })).rejects.toThrow('enough');
    const full = memoryOutput();
    const broken = { write: () => Promise.reject(new Error('disk full')), position: 0 };
    await expect(run(plan, { ...full, create: async () => broken }, 2)).rejects.toThrow('disk full');
    expect(await readdir(folder)).toEqual([]);
    expect(started).toHaveLength(4);
    expect(alive()).toEqual([]);
  });
});
