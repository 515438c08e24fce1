/**
 * Why a comparison could not be made.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** Causes for which a comparison fails that are no difference of the models. */
export type CheckErrorCode = 'check/thread-died';

/** A comparison that could not be made. */
export class CheckError extends CheckpointError {
  declare readonly code: CheckErrorCode;

  constructor(code: CheckErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
