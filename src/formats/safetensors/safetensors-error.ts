/**
 * The error of the safetensors format.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../../errors.js';

/** Causes for which a safetensors file is refused. */
export type SafetensorsErrorCode =
  | 'safetensors/truncated'
  | 'safetensors/header-too-large'
  | 'safetensors/bad-header'
  | 'safetensors/duplicate-name'
  | 'safetensors/unsupported-dtype'
  | 'safetensors/bad-offsets'
  | 'safetensors/size-mismatch'
  | 'safetensors/trailing-data'
  | 'safetensors/overflow'
  | 'safetensors/reserved-name';

/** A safetensors file that is damaged or malformed, or tensors that the format cannot hold. */
export class SafetensorsError extends CheckpointError {
  declare readonly code: SafetensorsErrorCode;

  /**
   * @param code - stable identifier
   * @param message - what was found and what was expected
   * @param context - where it was found, what to do about it, and the error underneath
   */
  constructor(code: SafetensorsErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
