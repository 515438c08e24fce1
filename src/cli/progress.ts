/**
 * The progress bar: on standard error, only on a terminal, gone when the work is done.
 *
 * Short work shows nothing, because a bar that flashes up only distracts.
 *
 * @module
 */
import type { Options, Params, SingleBar } from 'cli-progress';

import type { OperationOptions, Progress } from '../options.js';
import { progressText } from '../report/progress.js';
import type { CliStream } from './streams.js';

/** Milliseconds of work before a bar appears. */
const DELAY = 300;

/** Runs an operation under a bar on a terminal. */
export async function watchOnTerminal<T>(
  operation: (options: OperationOptions) => Promise<T>,
  signal: AbortSignal,
  stream: CliStream,
): Promise<T> {
  const view = await progressView(stream);
  try {
    return await operation({ signal, onProgress: view.show });
  } finally {
    view.stop();
  }
}

interface ProgressView {
  readonly show: (progress: Progress) => void;
  readonly stop: () => void;
}

async function progressView(stream: CliStream): Promise<ProgressView> {
  const { default: library } = await import('cli-progress');
  let bar: SingleBar | undefined;
  let phase: { readonly name: string; readonly began: number } | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  const show = ({ phase: name, done, total }: Progress): void => {
    const now = performance.now();
    if (phase?.name !== name) {
      stop();
      phase = { name, began: now };
    }
    if (now - phase.began < DELAY) return;
    if (bar === undefined) {
      bar = new library.SingleBar(optionsFor(stream, name, phase.began));
      bar.start(total, done);
    } else bar.update(done);
  };
  return { show, stop };
}

function optionsFor(stream: CliStream, phase: string, began: number): Options {
  const format = (_: Options, { value, total }: Params): string =>
    progressText({ phase, done: value, total, seconds: (performance.now() - began) / 1000 });
  return { stream, format, clearOnComplete: true, hideCursor: true };
}
