/**
 * Quantizes rows into blocks of the IQ2 and IQ3 formats: groups first, then the scale that they share.
 *
 * The scales of the groups become 4 bits each, as odd multiples of a 31st of the largest. The half that is stored
 * is not that 31st but a little more or less, by a factor that ggml found to do well.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_iq3_s_impl and its siblings)
 * @module
 */
import { QuantError } from '../quant-error.js';
import { type FitRules, GridFitter } from './grid-fitter.js';
import { BLOCK_ELEMENTS } from './grid-points.js';
import { sumOfSquares, weighByImportance } from './group-weights.js';
import { writeHalf } from './half-field.js';
import { nearestInt } from './nearest-int.js';

/** How a format of blocks is written. The scale of a block is its first two bytes. */
export interface GridBlocks extends FitRules {
  readonly blockBytes: number;
  /** What the mean square of a block is multiplied with before it goes into the weights. */
  readonly meanSquareFactor: 1 | 2;
  /** The factor by which the stored scale differs. */
  readonly scaleFactor: number;
  /** Whether a block whose scales are all zero loses its points and signs too. */
  readonly clearsZeros: boolean;
  /** Fills the weights where there are no importances; absent where ggml demands them. */
  readonly weigh?: (group: Float32Array, weights: Float32Array, meanSquare: number) => void;
  /** Writes points and signs of a group into a block of zeros; `place` counts only the groups that are not zeros. */
  readonly writeGroup: (block: Uint8Array, fitter: GridFitter, group: number, place: number) => void;
  /** Writes the 4 bits of every group's scale. */
  readonly writeSteps: (block: Uint8Array, steps: Uint8Array) => void;
}

/**
 * Quantizes whole rows.
 *
 * @throws QuantError `quant/no-encoder` for a format that needs importances and gets none
 */
export function quantizeGridBlocks(
  format: GridBlocks,
  values: Float32Array,
  out: Uint8Array,
  importance?: Float32Array,
): void {
  const { blockBytes } = format;
  if (importance === undefined && format.weigh === undefined) {
    throw new QuantError('quant/no-encoder', `${format.grid} is quantized only with importances, and there are none`);
  }
  const fitter = new GridFitter(format);
  for (let at = 0, first = 0; first < values.length; at += blockBytes, first += BLOCK_ELEMENTS) {
    const column = importance === undefined ? 0 : first % importance.length;
    const own = importance?.subarray(column, column + BLOCK_ELEMENTS);
    quantizeBlock(
      format,
      fitter,
      values.subarray(first, first + BLOCK_ELEMENTS),
      out.subarray(at, at + blockBytes),
      own,
    );
  }
}

function quantizeBlock(
  format: GridBlocks,
  fitter: GridFitter,
  values: Float32Array,
  block: Uint8Array,
  importance: Float32Array | undefined,
): void {
  const { groupElements, meanSquareFactor } = format;
  const meanSquare = Math.fround(Math.fround(meanSquareFactor * sumOfSquares(values)) / BLOCK_ELEMENTS);
  const scales = new Float32Array(BLOCK_ELEMENTS / groupElements);
  let largest = 0;
  let place = 0;
  block.fill(0);
  for (let index = 0; index < scales.length; index++) {
    const first = index * groupElements;
    const group = values.subarray(first, first + groupElements);
    if (importance === undefined) format.weigh?.(group, fitter.weights, meanSquare);
    else weighByImportance(group, importance.subarray(first, first + groupElements), meanSquare, fitter.weights);
    const scale = fitter.fit(group);
    if (scale === undefined) continue;
    scales[index] = scale;
    largest = largest > scale ? largest : scale;
    format.writeGroup(block, fitter, index, place++);
  }
  if (largest !== 0) writeScales(format, block, scales, Math.fround(largest / 31));
  else if (format.clearsZeros) block.fill(0);
}

function writeScales(format: GridBlocks, block: Uint8Array, scales: Float32Array, unit: number): void {
  writeHalf(block, 0, Math.fround(unit * format.scaleFactor));
  const inverse = Math.fround(1 / unit);
  const steps = Uint8Array.from(scales, (scale) => {
    const step = nearestInt(Math.fround(0.5 * Math.fround(Math.fround(inverse * scale) - 1)));
    return Math.max(0, Math.min(15, step));
  });
  format.writeSteps(block, steps);
}
