/**
 * Why the command itself refuses, whatever the checkpoint is like.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** Causes that lie in the command line, the terminal or this program. */
export type CliErrorCode = 'cli/usage' | 'cli/interrupted' | 'cli/output-failed' | 'cli/internal';

/** A command that was not understood, was interrupted, or could not print its answer. */
export class CliError extends CheckpointError {
  declare readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}

/** A command line that was not understood, with what to do about it. */
export function usageError(message: string): CliError {
  return new CliError('cli/usage', message, { hint: 'llama-inspect --help shows what there is' });
}
