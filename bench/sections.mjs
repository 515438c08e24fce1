// @ts-check
/**
 * The parts of the benchmark, in order: what each needs, and which share of the time it may take.
 *
 * @module
 */
import { convertRows, hashRows, headerRows, quantizedFileRows, sizeRows } from './checkpoint-cases.mjs';
import { forwardRows } from './forward.mjs';
import { kernelRows } from './quantize.mjs';
import { tokenizingRows } from './tokenize.mjs';
import { openingRows } from './zip.mjs';

/**
 * @typedef {object} Section
 * @property {string} id
 * @property {number} share - of the time: seconds that five rounds take on the machine of docs/performance.md
 * @property {readonly import('./materials.mjs').Material[]} needs
 * @property {number} [rounds] - where another number than that of the others is wanted
 * @property {boolean} [isBrief] - whether its rows take so little that only rounds are told
 * @property {(context: Context, atEnd: (close: () => void) => void) => Row[] | Promise<Row[]>} rows
 */

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./materials.mjs').Context} Context */

/** @type {readonly Section[]} */
export const SECTIONS = [
  { id: 'headers', share: 8, needs: ['checkpoint'], rounds: 10, rows: headerRows },
  { id: 'opening', share: 70, needs: ['archives'], rounds: 3, rows: openingRows },
  { id: 'hashing', share: 100, needs: ['checkpoint', 'sharded'], rows: hashRows },
  { id: 'converting', share: 110, needs: ['checkpoint'], rows: convertRows },
  { id: 'quantized-files', share: 50, needs: ['checkpoint'], rounds: 3, rows: quantizedFileRows },
  { id: 'kernels', share: 45, needs: [], isBrief: true, rows: kernelRows },
  { id: 'tokenizing', share: 15, needs: [], isBrief: true, rows: tokenizingRows },
  { id: 'forward', share: 150, needs: ['checkpoint', 'quantized'], rows: forwardRows },
];

/** The same work on 1B and 8B, which takes longer than all others together. */
export const SIZE_SECTION = /** @type {Section} */ ({
  ...{ id: 'size', share: 800, needs: ['checkpoint', 'large'], rounds: 3, rows: sizeRows },
});
