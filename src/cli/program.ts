/**
 * The commands and the options that all of them share.
 *
 * Only the command that was called is loaded, and only what it needs: loading code takes longer than most answers do.
 * Help shows all of them.
 *
 * @module
 */
import { Command } from 'commander';

import { toolVersion } from '../integrity/tool-version-node.js';
import type { CommandContext } from './context.js';

/** 0: fine; 1: it ran and the answer is no; 2: the question could not be answered. Other failures are thrown. */
export type ExitCode = 0 | 1 | 2;

/** What a command does with its arguments. */
export type CommandAction<A extends readonly unknown[]> = (context: CommandContext, ...args: A) => Promise<ExitCode>;

/** Turns a command into what commander calls. */
export type Bind = <A extends readonly unknown[]>(command: CommandAction<A>) => (...args: A) => Promise<void>;

/** Adds a command to the command line. */
type AddCommand = (program: Command, bind: Bind) => void;

/**
 * The command line, with the command that the arguments call, or with all of them where they ask for help.
 *
 * @param argv - arguments after the program's name
 * @param write - takes help and version
 * @param bind - gives commands their context
 */
export async function cliProgram(argv: readonly string[], write: (text: string) => void, bind: Bind): Promise<Command> {
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
  for (const name of namesToLoad(argv)) (await COMMANDS[name]())(program, bind);
  return program;
}

/** Options of the program itself; none takes a value. */
const FLAGS = new Set(['--json', '--quiet', '--verbose', '--no-color', '--version']);

/** A command is called by the first word after flags; without its name it is `inspect`. */
function namesToLoad(argv: readonly string[]): readonly CommandName[] {
  const word = argv.find((argument) => !FLAGS.has(argument));
  if (word !== undefined && Object.hasOwn(COMMANDS, word)) return [word as CommandName];
  const wantsHelp = argv.length === 0 || argv.includes('--help') || argv.includes('-h');
  return wantsHelp ? (Object.keys(COMMANDS) as CommandName[]) : ['inspect'];
}

type CommandName = keyof typeof COMMANDS;

/** The commands in the order in which help shows them. */
const COMMANDS = {
  inspect: async () => (await import('./inspect.js')).addInspect,
  tensors: async () => (await import('./tensors.js')).addTensors,
  verify: async () => (await import('./verify.js')).addVerify,
  scan: async () => (await import('./scan.js')).addScan,
  convert: async () => (await import('./convert.js')).addConvert,
  check: async () => (await import('./check.js')).addCheck,
  diff: async () => (await import('./diff.js')).addDiff,
  fingerprint: async () => (await import('./fingerprint.js')).addFingerprint,
  lock: async () => (await import('./lock.js')).addLock,
  logits: async () => (await import('./logits.js')).addLogits,
  tokenize: async () => (await import('./tokenize.js')).addTokenize,
  demo: async () => (await import('./demo.js')).addDemo,
} satisfies Record<string, () => Promise<AddCommand>>;

const AFTER_HELP = `
A PATH is a folder as Meta or Hugging Face ships it, or a GGUF file. A name
without a slash is also looked up under ~/.llama/checkpoints.

Examples:
  $ llama-inspect Llama3.2-1B-Instruct
  $ llama-inspect verify Llama3.2-1B-Instruct
  $ llama-inspect convert Llama3.2-1B-Instruct --to gguf --output 1b.gguf
  $ llama-inspect check Llama3.2-1B-Instruct 1b.gguf

Exit codes: 0 fine, 1 the answer is no, 2 could not run, 130 interrupted.`;
