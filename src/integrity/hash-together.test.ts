import { createHash, randomBytes } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { randomNumbers } from '../testing/synthetic-model.js';
import { type LaneJob, hashTogether } from './hash-together.js';
import { MD5_BLOCK_BYTES, compileMd5Kernels, createMd5Kernels } from './kernels/md5-kernels.js';

/** Short buffers, so that short contents have many borders. */
const BUFFER_BYTES = 4 * MD5_BLOCK_BYTES;
const kernels = await createMd5Kernels((await compileMd5Kernels())!, BUFFER_BYTES);

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** A file in memory and what is told of it. */
class TestFile implements LaneJob {
  readonly told: number[] = [];
  outcome: unknown;
  opened = 0;
  closed = 0;
  reading = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly fault: (offset: number) => Error | undefined = () => undefined,
  ) {}

  readonly open = async () => {
    await Promise.resolve();
    const fault = this.fault(-1);
    if (fault !== undefined) throw fault;
    this.opened++;
    return {
      size: this.bytes.length,
      readInto: async (offset: number, target: Uint8Array) => {
        this.reading++;
        await new Promise((resolve) => setImmediate(resolve));
        this.reading--;
        const error = this.fault(offset);
        if (error !== undefined) throw error;
        target.set(this.bytes.subarray(offset, offset + target.length));
      },
      close: async () => {
        expect(this.reading).toBe(0);
        this.closed++;
      },
    };
  };
  readonly onBytes = (byteLength: number): void => void this.told.push(byteLength);
  readonly onDigest = (digest: string): void => void (this.outcome = digest);
  readonly onError = (cause: unknown): void => void (this.outcome = cause);
}

async function hash(files: readonly TestFile[], signal?: AbortSignal): Promise<void> {
  const queue = [...files];
  try {
    await hashTogether(kernels, () => queue.shift(), signal);
  } finally {
    expect(files.map(({ opened, closed }) => opened - closed)).toEqual(files.map(() => 0));
  }
}

const filled = (...lengths: number[]): TestFile[] => lengths.map((length) => new TestFile(randomBytes(length)));

async function expectRight(files: readonly TestFile[]): Promise<void> {
  await hash(files);
  expect(files.map(({ outcome }) => outcome)).toEqual(files.map(({ bytes }) => md5(bytes)));
  expect(files.map(({ told }) => told.at(-1) ?? 0)).toEqual(files.map(({ bytes }) => bytes.length));
  for (const { told } of files) expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
}

describe('hashTogether', () => {
  it('has nothing to do for no files', () => expectRight([]));

  it('agrees with OpenSSL for every length to 200 bytes, in one run', async () => {
    await expectRight(filled(...Array.from({ length: 201 }, (_, length) => length)));
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9])('agrees with OpenSSL for %i files of the same length', async (count) => {
    for (const length of [BUFFER_BYTES, 2 * BUFFER_BYTES, 7 * BUFFER_BYTES + 64]) {
      for (const offset of [-1, 0, 1]) await expectRight(filled(...Array<number>(count).fill(length + offset)));
    }
  });

  it('agrees with OpenSSL for random numbers of files of random lengths', async () => {
    const random = randomNumbers(6);
    for (let round = 0; round < 60; round++) {
      const count = 1 + Math.floor(random() * 14);
      const longest = 10 ** (1 + 3 * random());
      await expectRight(filled(...Array.from({ length: count }, () => Math.floor(random() * longest))));
    }
  });

  it('takes a file that comes while others are hashed', async () => {
    const [long, late] = filled(5000, 300) as [TestFile, TestFile];
    const queue = [long];
    const onBytes = long.onBytes;
    const onBytesLate = (done: number): void => {
      if (done === 2048) queue.push(late);
      onBytes(done);
    };
    Object.assign(long, { onBytes: onBytesLate });
    await hashTogether(kernels, () => queue.shift());
    expect([long.outcome, late.outcome]).toEqual([md5(long.bytes), md5(late.bytes)]);
    expect(late.closed).toBe(1);
  });

  it('tells the faults of a file to that file alone, whichever read it is that fails', async () => {
    for (let at = -BUFFER_BYTES; at < 2000; at += BUFFER_BYTES) {
      const error = new Error(`at ${at}`);
      const bad = new TestFile(randomBytes(1950), (offset) => (offset >= at ? error : undefined));
      const files = filled(1000, 3000, 2000, 5, 4000, 1, 900, 800, 700, 600);
      await hash([...files.slice(0, 2), bad, ...files.slice(2)]);
      expect(bad.outcome).toBe(error);
      expect(files.map(({ outcome }) => outcome)).toEqual(files.map(({ bytes }) => md5(bytes)));
    }
  });

  it('rejects with the reason of an abort at any time, when all files are closed', async () => {
    const reason = new Error('enough');
    await expect(hash(filled(1, 2, 3), AbortSignal.abort(reason))).rejects.toBe(reason);
    for (let turns = 1; turns < 12; turns++) {
      const controller = new AbortController();
      const files = filled(3000, 3001, 3002, 3003);
      let left = turns;
      for (const file of files) Object.assign(file, { onBytes: () => --left === 0 && controller.abort(reason) });
      await expect(hash(files, controller.signal)).rejects.toBe(reason);
      expect(files.map(({ outcome }) => outcome)).toEqual(files.map(() => undefined));
    }
  });
});
