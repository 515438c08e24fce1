import type { EventEmitter } from 'node:events';

import { beforeEach, describe, expect, it, vi } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import type { FileToHash } from './hash-files.js';
import { hashFilesInThreads } from './hash-pool-node.js';
import { ENDS_EARLY } from './hash-worker.js';

/** A thread that does as the test says, since a real one does not die on command. */
const script = vi.hoisted(() => ({ onJob: (_thread: EventEmitter): void => {}, ended: 0 }));

vi.mock('node:worker_threads', async (original) => {
  const { EventEmitter: Emitter } = await import('node:events');
  class FakeThread extends Emitter {
    postMessage(): void {
      queueMicrotask(() => script.onJob(this));
    }
    async terminate(): Promise<void> {
      script.ended++;
      this.emit('exit', 1);
    }
  }
  return { ...(await original<object>()), Worker: FakeThread };
});

const files: readonly FileToHash[] = [{ folder: memoryFolder({}, '/x'), name: 'a.pth', size: 1, algorithm: 'md5' }];

describe('hashFilesInThreads, when a thread fails', () => {
  beforeEach(() => {
    script.ended = 0;
  });

  it('rejects when it throws, and names the file', async () => {
    const cause = new Error('out of memory');
    script.onJob = (thread) => thread.emit('error', cause);
    await expect(hashFilesInThreads(files)).rejects.toMatchObject({
      name: 'SourceError',
      code: 'source/read-failed',
      message: 'the thread that hashes this file has died',
      path: '/x/a.pth',
      cause,
    });
    expect(script.ended).toBe(1);
  });

  it('rejects when it ends without an answer', async () => {
    script.onJob = (thread) => thread.emit('exit', 1);
    await expect(hashFilesInThreads(files)).rejects.toMatchObject({ code: 'source/read-failed', path: '/x/a.pth' });
    await expect(hashFilesInThreads(files, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'source/read-failed',
    });
  });

  it('gives the outcome that the file has become shorter', async () => {
    script.onJob = (thread) => thread.emit('message', { code: ENDS_EARLY, message: 'shorter' });
    expect(await hashFilesInThreads(files)).toMatchObject([
      { error: { code: 'source/short-read', message: 'shorter', path: '/x/a.pth' } },
    ]);
  });

  it('ends all threads at an abort, though none of them answers', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    script.onJob = () => controller.abort(reason);
    await expect(hashFilesInThreads(files, { signal: controller.signal })).rejects.toBe(reason);
  });
});
