import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { ENDS_EARLY, HASH_WORKER, type HashReply, fillFrom, hashJob } from './hash-worker.js';
import { BLOCK_BYTES } from './read-ahead.js';

const bytes = randomBytes(3 * BLOCK_BYTES + 11);
const digest = createHash('md5').update(bytes).digest('hex');
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llama-inspect-worker-'));
  path = join(folder, 'x.pth');
  await writeFile(path, bytes);
});
afterAll(() => rm(folder, { recursive: true }));

async function repliesTo(job: string): Promise<HashReply[]> {
  const replies: HashReply[] = [];
  await hashJob({ path: job, algorithm: 'md5' }, (reply) => replies.push(reply));
  return replies;
}

describe('hashJob', () => {
  it('replies after each block and at the end', async () => {
    const ends = [BLOCK_BYTES, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES, bytes.byteLength];
    expect(await repliesTo(path)).toEqual([...ends.map((end) => ({ bytes: end })), { digest }]);
  });

  it("replies with the code of the system's error", async () => {
    expect(await repliesTo(join(folder, 'gone'))).toMatchObject([{ code: 'ENOENT' }]);
    expect(await repliesTo(folder)).toMatchObject([{ code: 'EISDIR' }]);
  });
});

describe('fillFrom', () => {
  it('notices that a file has become shorter', async () => {
    const handle = await open(path);
    try {
      const fill = fillFrom(handle);
      const target = new Uint8Array(11);
      await fill(3 * BLOCK_BYTES, target);
      expect(Buffer.from(target)).toEqual(bytes.subarray(3 * BLOCK_BYTES));
      await expect(fill(3 * BLOCK_BYTES, new Uint8Array(12))).rejects.toMatchObject({ code: ENDS_EARLY });
    } finally {
      await handle.close();
    }
  });

  it('goes on after a read that gave less than was asked for', async () => {
    const handle = await open(path);
    try {
      const slow = Object.assign(Object.create(handle) as typeof handle, {
        read: (target: Uint8Array, at: number, length: number, position: number) =>
          handle.read(target, at, Math.min(length, 3), position),
      });
      const target = new Uint8Array(10);
      await fillFrom(slow)(5, target);
      expect(Buffer.from(target)).toEqual(bytes.subarray(5, 15));
    } finally {
      await handle.close();
    }
  });
});

describe('the thread', () => {
  it('answers jobs when it was started as a hashing worker, and only then', async () => {
    for (const [workerData, listeners] of [
      ['something else', 0],
      [{ kind: HASH_WORKER, kernels: undefined }, 1],
    ] as const) {
      const answers = new EventEmitter();
      const port = Object.assign(new EventEmitter(), {
        postMessage: ({ id, reply }: { id: number; reply: HashReply }) =>
          'digest' in reply && answers.emit('digest', id, reply.digest),
      });
      vi.resetModules();
      vi.doMock('node:worker_threads', () => ({ parentPort: port, workerData }));
      await import('./hash-worker.js');
      vi.doUnmock('node:worker_threads');
      expect(port.listenerCount('message')).toBe(listeners);
      if (listeners === 0) continue;
      const answer = once(answers, 'digest');
      port.emit('message', { id: 7, job: { path, algorithm: 'md5', together: false } });
      expect(await answer).toEqual([7, digest]);
    }
  });
});
