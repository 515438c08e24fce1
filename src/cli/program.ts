/**
 * The commands and the options that all of them share.
 *
 * Nothing here loads the library: each command does so when it is called, so that `--help` and short answers
 * come at once.
 *
 * @module
 */
import { Command } from 'commander';

import { toolVersion } from '../integrity/tool-version-node.js';
import { addCheck } from './check.js';
import { addConvert } from './convert.js';
import type { CommandContext } from './context.js';
import { addDemo } from './demo.js';
import { addDiff } from './diff.js';
import { addFingerprint } from './fingerprint.js';
import { addInspect } from './inspect.js';
import { addLock } from './lock.js';
import { addLogits } from './logits.js';
import { addScan } from './scan.js';
import { addTensors } from './tensors.js';
import { addTokenize } from './tokenize.js';
import { addVerify } from './verify.js';

/** 0: fine; 1: it ran and the answer is no; 2: the question could not be answered. Other failures are thrown. */
export type ExitCode = 0 | 1 | 2;

/** What a command does with its arguments. */
export type CommandAction<A extends readonly unknown[]> = (context: CommandContext, ...args: A) => Promise<ExitCode>;

/** Turns a command into what commander calls. */
export type Bind = <A extends readonly unknown[]>(command: CommandAction<A>) => (...args: A) => Promise<void>;

/**
 * The whole command line.
 *
 * @param write - takes help and version
 * @param bind - gives commands their context
 * @throws CommanderError, also for help and version, whose exit code is 0
 */
export function cliProgram(write: (text: string) => void, bind: Bind): Command {
  const program = new Command('llama-inspect')
    .description('Inspect, verify, convert and numerically prove Llama checkpoints.')
    .version(toolVersion(), '--version', 'print the version')
    .option('--json', 'print one JSON object instead of text, also on failure')
    .option('--quiet', 'no progress and no warnings')
    .option('--verbose', 'show stack traces of errors')
    .option('--no-color', 'no colour (so does the variable NO_COLOR)')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: 80 })
    .configureOutput({ writeOut: write, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', AFTER_HELP);
  for (const add of COMMANDS) add(program, bind);
  return program;
}

/** The commands in the order in which help shows them. */
const COMMANDS = [
  ...[addInspect, addTensors, addVerify, addScan, addConvert, addCheck, addDiff],
  ...[addFingerprint, addLock, addLogits, addTokenize, addDemo],
];

const AFTER_HELP = `
A PATH is a folder as Meta or Hugging Face ships it, or a GGUF file. A name
without a slash is also looked up under ~/.llama/checkpoints.

Examples:
  $ llama-inspect Llama3.2-1B-Instruct
  $ llama-inspect verify Llama3.2-1B-Instruct
  $ llama-inspect convert Llama3.2-1B-Instruct --to gguf --output 1b.gguf
  $ llama-inspect check Llama3.2-1B-Instruct 1b.gguf

Exit codes: 0 fine, 1 the answer is no, 2 could not run, 130 interrupted.`;
