#!/usr/bin/env node
/**
 * The command `llama-inspect`.
 *
 * Only here does the program touch its process: arguments, streams, signals, exit code. The first Ctrl-C
 * lets the work in hand clean up, a second one ends it at once.
 *
 * @module
 */
import { runCli } from './run.js';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());

void runCli(process.argv.slice(2), {
  stdin: () => process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interruption.signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
