/**
 * Why a forward pass refuses to run, or to give its result.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** Causes for which a forward pass refuses. */
export type ForwardErrorCode =
  | 'forward/no-tokens'
  | 'forward/too-many-tokens'
  | 'forward/bad-token'
  | 'forward/bad-position'
  | 'forward/positions-mismatch'
  | 'forward/bad-row'
  | 'forward/too-large'
  | 'forward/wrong-shape'
  | 'forward/not-finite'
  | 'forward/bad-array'
  | 'forward/unsupported-model'
  | 'forward/thread-died';

/** A request that cannot be computed, or a model whose values run away. */
export class ForwardError extends CheckpointError {
  declare readonly code: ForwardErrorCode;

  constructor(code: ForwardErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
