/**
 * Rows of a tensor quantized in TypeScript, with everything that can be wrong with them found.
 *
 * The same answer as the WebAssembly kernels give, for every format there is.
 *
 * @module
 */
import { type DType, byteLengthOf } from '../dtype.js';
import { decodeToFloat32, encodeFromFloat32 } from './codec.js';
import type { KernelOutcome } from './kernels/quant-kernels.js';
import { firstBadScale, firstNotFinite } from './not-finite.js';

/** Rows to quantize. */
export interface RowsJob {
  /** Type they have. */
  readonly source: DType;
  /** Type they are to have, one with blocks. */
  readonly dtype: DType;
  /** Whole rows of the source's type. */
  readonly values: Uint8Array;
  /** Elements in a row. */
  readonly rowLength: number;
  /** A weight for each column. */
  readonly importance: Float32Array | undefined;
}

/**
 * Fills `out` with the blocks of these rows. Where a value is not finite, `out` means nothing.
 * Peak memory: the rows in float32.
 */
export function quantizeRows(
  { source, dtype, values, rowLength, importance }: RowsJob,
  out: Uint8Array,
): KernelOutcome {
  const rows = values.byteLength / byteLengthOf(source, rowLength);
  const floats = new Float32Array(rows * rowLength);
  decodeToFloat32(source, values, floats);
  const badValue = firstNotFinite(floats);
  if (badValue >= 0) return { badValue, badBlock: -1 };
  encodeFromFloat32(dtype, floats, out, importance);
  return { badValue, badBlock: firstBadScale(dtype, out) };
}
