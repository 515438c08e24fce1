/**
 * What every command is given: where to print, and whether the person wants it at all.
 *
 * @module
 */
import type { OperationOptions } from '../options.js';
import type { JsonReport } from '../report/json.js';
import { type Line, renderLines } from '../report/lines.js';
import type { Printer } from './streams.js';

/** Options that every command takes. */
export interface GlobalOptions {
  /** Print one JSON object instead of text. */
  readonly json?: boolean;
  /** No progress and no warnings. */
  readonly quiet?: boolean;
  /** Stack traces of errors. */
  readonly verbose?: boolean;
  /** False without colour. */
  readonly color?: boolean;
}

/** An answer in both its forms; only the one that is wanted is made, and only its code is loaded. */
export interface Answer {
  /** For a person. */
  readonly lines: () => Promise<readonly Line[]>;
  /** For a program. */
  readonly json: () => Promise<JsonReport>;
  /** Bytes that are themselves what was asked for, printed untouched in place of the lines where no terminal acts on them. */
  readonly exact?: Uint8Array | undefined;
}

/** What a command works with. */
export interface CommandContext {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Standard input to its end. @throws CliError `cli/usage` for more than `limit` bytes */
  readInput(limit: number): Promise<Uint8Array>;
  /** Prints the one answer of the command. */
  answer(answer: Answer): Promise<void>;
  /** Prints a document for another program, whatever it is, in place of the answer. */
  document(text: string): Promise<void>;
  /** Prints lines that come before the answer; nothing with `--json`. */
  announce(lines: readonly Line[]): Promise<void>;
  /** Prints warnings to standard error. */
  warn(warnings: readonly string[]): Promise<void>;
  /** Runs a long operation with Ctrl-C and, on a terminal, a progress bar. */
  watch<T>(operation: (options: OperationOptions) => Promise<T>): Promise<T>;
  /** Runs another command as if it had been typed, without a sound with `--json`, and gives its exit code. */
  rerun(argv: readonly string[]): Promise<number>;
}

/** Where a context prints. */
export interface Printers {
  /** Standard output. */
  readonly out: Printer;
  /** Standard error. */
  readonly err: Printer;
}

/** The parts of a context that are more than printing. */
export type Surroundings = Pick<CommandContext, 'signal' | 'watch' | 'rerun' | 'readInput'>;

/** The context of a command. */
export function commandContext(
  { out, err }: Printers,
  { json, quiet }: GlobalOptions,
  surroundings: Surroundings,
): CommandContext {
  return {
    ...surroundings,
    answer: async (answer) => {
      if (json === true) await printJson(out, await answer.json());
      else if (answer.exact !== undefined && !out.terminal) await out.print(answer.exact);
      else await out.print(renderLines(await answer.lines(), out.paint));
    },
    document: (text) => out.print(text),
    announce: async (lines) => {
      if (json !== true) await out.print(renderLines(lines, out.paint));
    },
    warn: async (warnings) => {
      if (quiet === true || warnings.length === 0) return;
      const { warningLines } = await import('../report/error.js');
      await err.print(renderLines(warningLines(warnings), err.paint));
    },
  };
}

/** Characters that are printed at once. */
const CHUNK = 1 << 16;

/** Prints the object on one line, piece by piece: the logits of a long text do not fit into one string. */
export async function printJson(out: Printer, report: JsonReport): Promise<void> {
  let chunk = '';
  for (const piece of jsonPieces(report)) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    await out.print(chunk);
    chunk = '';
  }
  await out.print(`${chunk}\n`);
}

function* jsonPieces(report: JsonReport): Generator<string> {
  let before = '{';
  for (const [key, value] of Object.entries(report)) {
    yield `${before}${JSON.stringify(key)}:`;
    if (isList(value)) yield* listPieces(value);
    else yield JSON.stringify(value);
    before = ',';
  }
  yield '}';
}

function* listPieces(items: Iterable<unknown>): Generator<string> {
  let before = '[';
  for (const item of items) {
    yield `${before}${JSON.stringify(item)}`;
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}
