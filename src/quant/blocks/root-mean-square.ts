/**
 * How much each value of a group counts for Q4_K and Q5_K when there are no importances.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_K_ref)
 * @module
 */
import { sumOfSquares } from './group-weights.js';

/** Fills `out` with the root mean square of the group plus the magnitude of the value. */
export function weighByRootMeanSquare(group: Float32Array, out: Float32Array): void {
  const root = Math.fround(Math.sqrt(Math.fround(sumOfSquares(group) / group.length)));
  for (let i = 0; i < group.length; i++) out[i] = root + Math.abs(group[i]!);
}
