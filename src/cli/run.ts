/**
 * One run of the command line: arguments in, text on two streams, an exit code out.
 *
 * Whatever goes wrong ends here as one line with a code; a stack trace is shown only with `--verbose`.
 *
 * @module
 */
import { Readable, Writable, addAbortSignal } from 'node:stream';
import { inspect } from 'node:util';

import { CommanderError } from 'commander';

import { CheckpointError } from '../errors.js';
import { renderLines } from '../report/lines.js';
import { type GlobalOptions, type Printers, type Surroundings, commandContext, printJson } from './context.js';
import { CliError, usageError } from './errors.js';
import { type ExitCode, cliProgram } from './program.js';
import { type CliStream, printerFor } from './streams.js';

/** What surrounds a run. */
export interface CliEnvironment {
  /** Takes results. */
  readonly stdout: CliStream;
  /** Takes progress, warnings and errors. */
  readonly stderr: CliStream;
  /** Gives the stream of input, empty where absent; called only by commands that read it. */
  readonly stdin?: () => Readable;
  /** Aborting it interrupts the command, which cleans up and gives 130. */
  readonly signal: AbortSignal;
}

/** Exit codes that are no answer of a command: it could not run, or was interrupted. */
const EXIT = { failed: 2, interrupted: 130 } as const;

/**
 * Runs one command and gives its exit code; never throws.
 *
 * @param argv - arguments after the program's name
 */
export async function runCli(argv: readonly string[], environment: CliEnvironment): Promise<number> {
  const colour = !argv.includes('--no-color');
  const printers = { out: printerFor(environment.stdout, colour), err: printerFor(environment.stderr, colour) };
  // known before the arguments are parsed, because a usage error must come as JSON too
  const early: GlobalOptions = { json: argv.includes('--json'), verbose: argv.includes('--verbose') };
  try {
    return await runProgram(argv, printers, environment);
  } catch (error) {
    return await reportFailure(describe(error, argv, environment.signal), printers, early);
  } finally {
    printers.out.release();
    printers.err.release();
  }
}

async function runProgram(argv: readonly string[], printers: Printers, environment: CliEnvironment): Promise<number> {
  let exitCode: ExitCode = 0;
  const texts: string[] = [];
  const program = await cliProgram(
    argv,
    (text) => texts.push(text),
    (command) =>
      async (...args) => {
        const options = program.opts<GlobalOptions>();
        exitCode = await command(commandContext(printers, options, surroundings(options, environment)), ...args);
      },
  );
  try {
    await program.parseAsync(argv.length === 0 ? ['--help'] : argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError) || error.exitCode !== 0) throw error;
  }
  const printer = argv.length === 0 ? printers.err : printers.out;
  for (const text of texts) await printer.print(text);
  return argv.length === 0 ? EXIT.failed : exitCode;
}

function surroundings({ json, quiet, color }: GlobalOptions, environment: CliEnvironment): Surroundings {
  const { stdin, stderr, signal } = environment;
  const inherited = color === false ? ['--no-color'] : [];
  const silent = { stdout: nowhere(), stderr: nowhere(), signal };
  return {
    signal,
    readInput: (limit) => readAll(stdin?.() ?? Readable.from([]), limit, signal),
    watch: async (operation) => {
      if (stderr.isTTY !== true || quiet === true) return operation({ signal });
      const { watchOnTerminal } = await import('./progress.js');
      return watchOnTerminal(operation, signal, stderr);
    },
    rerun: (argv) => runCli([...argv, ...inherited], json === true ? silent : environment),
  };
}

async function readAll(stream: Readable, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of addAbortSignal(signal, stream) as AsyncIterable<Uint8Array>) {
      length += chunk.byteLength;
      if (length > limit) break;
      chunks.push(chunk);
    }
  } catch (cause) {
    throw usageError(`standard input cannot be read: ${(cause as Error).message}`);
  }
  if (length > limit) throw usageError(`standard input has more than ${limit} bytes, the most that this command reads`);
  return Buffer.concat(chunks, length);
}

/** A stream that forgets everything. */
function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

async function reportFailure(
  error: CheckpointError,
  { out, err }: Printers,
  { json, verbose }: GlobalOptions,
): Promise<number> {
  try {
    if (json === true) await printJson(out, (await import('../report/json.js')).errorJson(error));
    else await err.print(renderLines((await import('../report/error.js')).errorLines(error), err.paint));
    if (verbose === true) await err.print(renderLines(inspect(error).split('\n')));
  } catch {
    // neither the answer nor the reason can be printed: the exit code is all that is left to say
  }
  return error.code === 'cli/interrupted' ? EXIT.interrupted : EXIT.failed;
}

function describe(thrown: unknown, argv: readonly string[], signal: AbortSignal): CheckpointError {
  if (signal.aborted) {
    return new CliError('cli/interrupted', 'interrupted; nothing half written is left behind', { cause: thrown });
  }
  if (thrown instanceof CheckpointError) return thrown;
  if (thrown instanceof CommanderError) return describeUsage(thrown, argv);
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  return new CliError('cli/internal', message.replace(/\s*\n[\s\S]*/, ''), {
    hint: 'this is a fault of llama-inspect: run it again with --verbose and report what it prints',
    cause: thrown,
  });
}

function describeUsage({ code, message }: CommanderError, argv: readonly string[]): CliError {
  const word = argv.find((argument) => !argument.startsWith('-'));
  // a word that is no command is taken for a path, and what follows it is then too much
  if (code === 'commander.excessArguments' && message.includes("'inspect'") && word !== 'inspect') {
    return usageError(`there is no command ${JSON.stringify(word)}`);
  }
  return usageError(message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' '));
}
