import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { OperationOptions } from '../options.js';
import { type CaughtStream, caughtStream, llamaInspect } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { watchOnTerminal } from './progress.js';
import { runCli } from './run.js';

const NEVER = new AbortController().signal;

function terminal(): CaughtStream {
  return Object.assign(caughtStream(), {
    isTTY: true,
    columns: 80,
    // what cli-progress calls through readline
    cursorTo: () => true,
    clearLine: () => true,
  });
}

/** An operation that reports its progress at these times, in milliseconds. */
function operation(phases: readonly (readonly [at: number, phase: string, done: number])[]) {
  return async ({ onProgress }: OperationOptions): Promise<string> => {
    for (const [at, phase, done] of phases) {
      vi.setSystemTime(at);
      vi.advanceTimersByTime(at - performance.now());
      onProgress?.({ phase, item: 'x', done, total: 1_000_000_000 });
    }
    return 'done';
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout'], now: 0 });
});

afterEach(() => {
  vi.useRealTimers();
});

describe('the progress bar', () => {
  it('appears after a moment, with bytes, rate and time left, and is gone at the end', async () => {
    const stderr = terminal();
    const work = operation([
      [0, 'write', 0],
      [1000, 'write', 250_000_000],
      [2000, 'write', 500_000_000],
    ]);
    expect(await watchOnTerminal(work, NEVER, stderr)).toBe('done');
    expect(stderr.text()).toContain('25 %   250 MB of 1 GB   250 MB/s   0:03 left');
    expect(stderr.text()).toContain('50 %   500 MB of 1 GB   250 MB/s   0:02 left');
    expect(stderr.text().endsWith('\n')).toBe(false);
  });

  it('does not appear for short work', async () => {
    const stderr = terminal();
    await watchOnTerminal(
      operation([
        [0, 'hash', 0],
        [200, 'hash', 1e9],
      ]),
      NEVER,
      stderr,
    );
    expect(stderr.text()).toBe('');
  });

  it('begins anew for each phase', async () => {
    const stderr = terminal();
    const work = operation([
      [0, 'compare', 0],
      [1000, 'compare', 900_000_000],
      [1100, 'forward', 1],
      [2100, 'forward', 3],
    ]);
    await watchOnTerminal(work, NEVER, stderr);
    expect(stderr.text()).toContain('900 MB of 1 GB');
    expect(stderr.text()).toContain('step 3 of 1000000000');
  });

  it('is gone when the work fails', async () => {
    const stderr = terminal();
    const failing = async (options: OperationOptions): Promise<never> => {
      await operation([
        [0, 'hash', 0],
        [1000, 'hash', 5e8],
      ])(options);
      throw new Error('broken');
    };
    await expect(watchOnTerminal(failing, NEVER, stderr)).rejects.toThrow('broken');
    const shown = stderr.text();
    vi.advanceTimersByTime(10_000);
    expect(stderr.text()).toBe(shown);
  });
});

describe('progress of commands', () => {
  it('is never printed to a pipe', async () => {
    vi.useRealTimers();
    expect((await llamaInspect('verify', modelFolder('llama3.2-tiny'))).stderr).toBe('');
  });

  it('is left out with --quiet, and costs nothing on a terminal when the work is short', async () => {
    vi.useRealTimers();
    for (const argv of [
      ['verify', modelFolder('llama3.2-tiny'), '--quiet'],
      ['verify', modelFolder('llama3.2-tiny')],
    ]) {
      const stderr = terminal();
      expect(await runCli(argv, { stdout: caughtStream(), stderr, signal: NEVER })).toBe(0);
      expect(stderr.text()).toBe('');
    }
  });
});
