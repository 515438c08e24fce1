/**
 * What every block format of ggml gives: values of blocks, and blocks of values.
 *
 * All arithmetic is float32 in ggml's order, so the bytes are those of its C code. JavaScript computes in
 * float64; rounding each single operation with `Math.fround` gives what single precision gives, because
 * float64 has more than twice the digits.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c
 * @module
 */

/**
 * Quantizes whole rows: fills `out` with the blocks of `values`.
 *
 * `importance` has one weight, not negative, for each column: the mean square of the activation that the
 * column is multiplied with. The rows are then as long as it. Without it rows do not matter, blocks stand alone.
 */
export type QuantizeRows = (values: Float32Array, out: Uint8Array, importance?: Float32Array) => void;

/** A format of ggml whose elements are stored in blocks. Lengths are checked by the caller. */
export interface BlockFormat {
  /** Fills `out` with the values of `blocks`. */
  readonly dequantize: (blocks: Uint8Array, out: Float32Array) => void;
  /** Absent for formats that are only read. */
  readonly quantize?: QuantizeRows;
}
