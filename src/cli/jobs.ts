/**
 * The option `--jobs`: how many threads a command may use.
 *
 * @module
 */
import type { Command } from 'commander';

import { parseCount } from './parse-options.js';

/** The number of threads that was asked for. */
export interface JobsOption {
  /** Most threads that compute; one for each processor, at most 16, when absent. */
  readonly jobs?: number;
}

/** Adds the option to a command. */
export function addJobsOption(command: Command): Command {
  return command.option(
    '--jobs <count>',
    'most threads; one for each processor, at most 16, if not given; 1 starts none',
    parseCount,
  );
}
