/**
 * Blocks with the weights of their values, for the formats that quantize blocks of 32 with importances.
 *
 * A block is not quantized alone here: the mean square that goes into its weights is that of the whole row.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_0_impl)
 * @module
 */
import { sumOfSquares, weighByImportance } from './group-weights.js';

const BLOCK_ELEMENTS = 32;

/** Takes block number `index` of all rows, 32 values, and as many weights; both are lent for the call only. */
export type VisitWeightedBlock = (block: Float32Array, weights: Float32Array, index: number) => void;

/** Calls `visit` with every block of rows that are as long as `importance`, which has one number for each column. */
export function forEachWeightedBlock(values: Float32Array, importance: Float32Array, visit: VisitWeightedBlock): void {
  const weights = new Float32Array(BLOCK_ELEMENTS);
  const rowLength = importance.length;
  for (let row = 0; row < values.length; row += rowLength) {
    const meanSquare = Math.fround(sumOfSquares(values.subarray(row, row + rowLength)) / rowLength);
    for (let column = 0; column < rowLength; column += BLOCK_ELEMENTS) {
      const block = values.subarray(row + column, row + column + BLOCK_ELEMENTS);
      weighByImportance(block, importance.subarray(column, column + BLOCK_ELEMENTS), meanSquare, weights);
      visit(block, weights, (row + column) / BLOCK_ELEMENTS);
    }
  }
}
