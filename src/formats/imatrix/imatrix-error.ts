/**
 * The error of importance matrices.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../../errors.js';

/** Causes for which an importance matrix is refused. */
export type ImatrixErrorCode =
  | 'imatrix/not-imatrix'
  | 'imatrix/truncated'
  | 'imatrix/trailing-data'
  | 'imatrix/too-large'
  | 'imatrix/no-entries'
  | 'imatrix/no-sums'
  | 'imatrix/missing-key'
  | 'imatrix/wrong-type'
  | 'imatrix/missing-part'
  | 'imatrix/bad-shape'
  | 'imatrix/bad-name'
  | 'imatrix/duplicate-name'
  | 'imatrix/bad-count'
  | 'imatrix/bad-value';

/** A file that is no importance matrix, or a damaged one. */
export class ImatrixError extends CheckpointError {
  declare readonly code: ImatrixErrorCode;

  /**
   * @param code - stable identifier
   * @param message - what was found and what was expected
   * @param context - where it was found, what to do about it, and the error underneath
   */
  constructor(code: ImatrixErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
