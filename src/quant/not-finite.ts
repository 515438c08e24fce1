/**
 * Numbers that quantized blocks cannot hold: values that are NaN or infinite, and scales that overflowed.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (ggml_validate_row_data)
 * @module
 */
import { type DType, blockLayout } from '../dtype.js';
import { blockScales } from './block-scales.js';

/** The exponent of a half float that is infinite or NaN. */
const HALF_EXPONENT = 0x7c00;

/** Index of the first value that is NaN or infinite; -1 where all are finite. */
export function firstNotFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return i; // a callback takes five times longer
  return -1;
}

/** Index of the first block with a scale that is NaN or infinite; -1 where all scales are numbers. */
export function firstBadScale(dtype: DType, blocks: Uint8Array): number {
  const { blockBytes } = blockLayout(dtype);
  const scales = blockScales(dtype);
  for (let at = 0; at < blocks.byteLength; at += blockBytes) {
    if (scales.some((read) => (read(blocks, at) & HALF_EXPONENT) === HALF_EXPONENT)) return at / blockBytes;
  }
  return -1;
}
