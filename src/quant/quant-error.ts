/**
 * The error of the number formats.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** Causes for which a conversion of numbers is refused. */
export type QuantErrorCode = 'quant/no-decoder' | 'quant/no-encoder' | 'quant/wrong-length';

/** Numbers that cannot be converted: an unsupported type, or buffers whose sizes do not fit together. */
export class QuantError extends CheckpointError {
  declare readonly code: QuantErrorCode;

  /**
   * @param code - stable identifier
   * @param message - what was found and what was expected
   * @param context - what to do about it, and the error underneath
   */
  constructor(code: QuantErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
