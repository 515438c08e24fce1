/**
 * Printing: to standard output and standard error, in colour where there is any.
 *
 * When the reader of a pipe goes away (`| head`), what is left to print is dropped without a word and the
 * command runs on to its exit code. Anything else that keeps an answer from being printed is an error.
 *
 * @module
 */
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

import type { Paint, Style } from '../report/lines.js';
import { CliError } from './errors.js';

/** What this command prints to; a terminal knows that it is one. */
export type CliStream = Writable & { readonly isTTY?: boolean };

/** Text on its way to a stream. */
export interface Printer {
  /** Prints a text, or bytes as they are; waits until the stream has taken it. @throws CliError `cli/output-failed` */
  print(text: string | Uint8Array): Promise<void>;
  /** Whether the stream is a terminal. */
  readonly terminal: boolean;
  /** Colours for this stream. */
  readonly paint: Paint;
  /** Stops watching the stream for errors. */
  release(): void;
}

/** A printer for a stream. */
export function printerFor(stream: CliStream, colour: boolean): Printer {
  let gone = false;
  // an error is thrown where it is met, in `print`; without a listener Node would end the process
  const listener = (): void => {};
  stream.on('error', listener);
  const print = async (text: string | Uint8Array): Promise<void> => {
    if (gone || text.length === 0) return;
    const error = await written(stream, text);
    if (error === undefined) return;
    gone = true;
    if ('code' in error && error.code === 'EPIPE') return;
    throw new CliError('cli/output-failed', `the answer cannot be printed: ${error.message}`, { cause: error });
  };
  return {
    print,
    terminal: stream.isTTY === true,
    paint: (style, text) => (colour ? styleText(COLOURS[style], text, { stream }) : text),
    release: () => void stream.off('error', listener),
  };
}

function written(stream: Writable, text: string | Uint8Array): Promise<Error | undefined> {
  return new Promise((resolve) => {
    stream.write(text, (error) => resolve(error ?? undefined));
  });
}

const COLOURS: Readonly<Record<Style, 'green' | 'red' | 'yellow' | 'bold' | 'dim'>> = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  strong: 'bold',
  faint: 'dim',
};
