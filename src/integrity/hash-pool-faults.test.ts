import type { EventEmitter } from 'node:events';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import type { FileToHash } from './hash-files.js';
import { hashFilesSideBySide } from './hash-pool-node.js';
import { ENDS_EARLY } from './hash-worker.js';

/** A thread that does as the test says, since a real one does not die on command. */
const script = vi.hoisted(() => ({ onJob: (_thread: EventEmitter, _id: number): void => {}, ended: 0 }));

vi.mock('node:worker_threads', async (original) => {
  const { EventEmitter: Emitter } = await import('node:events');
  class FakeThread extends Emitter {
    postMessage({ id }: { id: number }): void {
      queueMicrotask(() => script.onJob(this, id));
    }
    async terminate(): Promise<void> {
      script.ended++;
      this.emit('exit', 1);
    }
  }
  return { ...(await original<object>()), Worker: FakeThread };
});

const folder = memoryFolder({}, '/x');
const files = ['a.pth', 'b.pth'].map((name): FileToHash => ({ folder, name, size: 1, algorithm: 'md5' }));
const inThreads = (signal?: AbortSignal) => hashFilesSideBySide(files, { threads: 2, signal });

describe('hashFilesSideBySide, when a thread fails', () => {
  beforeEach(() => {
    script.ended = 0;
  });

  it('rejects when it throws, and names the file', async () => {
    const cause = new Error('out of memory');
    script.onJob = (thread) => thread.emit('error', cause);
    await expect(inThreads()).rejects.toMatchObject({
      name: 'SourceError',
      code: 'source/read-failed',
      message: 'the thread that hashes this file has died',
      path: '/x/a.pth',
      cause,
    });
    expect(script.ended).toBe(2);
  });

  it('rejects when it ends without an answer', async () => {
    script.onJob = (thread) => thread.emit('exit', 1);
    await expect(inThreads()).rejects.toMatchObject({ code: 'source/read-failed', path: '/x/a.pth' });
    await expect(inThreads(new AbortController().signal)).rejects.toMatchObject({
      code: 'source/read-failed',
    });
  });

  it('gives the outcome that the file has become shorter', async () => {
    script.onJob = (thread, id) => thread.emit('message', { id, reply: { code: ENDS_EARLY, message: 'shorter' } });
    expect(await inThreads()).toMatchObject([
      { error: { code: 'source/short-read', message: 'shorter', path: '/x/a.pth' } },
      { error: { code: 'source/short-read', message: 'shorter', path: '/x/b.pth' } },
    ]);
  });

  it('rejects when it has died between two files', async () => {
    script.onJob = (thread, id) => {
      thread.emit('message', { id, reply: { digest: 'aa' } });
      thread.emit('exit', 1);
    };
    const three = [...files, { folder, name: 'c.pth', size: 0, algorithm: 'md5' as const }];
    await expect(hashFilesSideBySide(three, { threads: 2 })).rejects.toMatchObject({
      code: 'source/read-failed',
      path: '/x/c.pth',
    });
  });

  it('ends all threads at an abort, though none of them answers', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    script.onJob = () => controller.abort(reason);
    await expect(inThreads(controller.signal)).rejects.toBe(reason);
  });
});
