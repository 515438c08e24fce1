/**
 * The error of the GGUF format.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../../errors.js';

/** Causes for which a GGUF file is refused, or cannot be made. */
export type GgufErrorCode =
  | 'gguf/not-gguf'
  | 'gguf/big-endian'
  | 'gguf/unsupported-version'
  | 'gguf/truncated'
  | 'gguf/too-large'
  | 'gguf/overflow'
  | 'gguf/not-utf8'
  | 'gguf/unknown-type'
  | 'gguf/nested-array'
  | 'gguf/bad-value'
  | 'gguf/wrong-type'
  | 'gguf/duplicate-key'
  | 'gguf/bad-alignment'
  | 'gguf/duplicate-tensor'
  | 'gguf/unsupported-dtype'
  | 'gguf/bad-shape'
  | 'gguf/bad-offset'
  | 'gguf/trailing-data'
  | 'gguf/missing-part'
  | 'gguf/foreign-part'
  | 'gguf/part-order';

/** A GGUF file that is damaged or malformed, or content that the format cannot hold. */
export class GgufError extends CheckpointError {
  declare readonly code: GgufErrorCode;

  /**
   * @param code - stable identifier
   * @param message - what was found and what was expected
   * @param context - where it was found, what to do about it, and the error underneath
   */
  constructor(code: GgufErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
