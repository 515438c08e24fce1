/**
 * IQ2_XS: 256 values in 74 bytes, 2.3125 bits a value: runs of eight from a grid of 512 points.
 *
 * ```text
 *   0       2                      66                 74
 *  +-------+----------------------+------------------+
 *  |   d   | 32 words of 16 bits  | 16 scales s      |   a scale is for 16 values, two runs of 8
 *  +-------+----------------------+------------------+
 *  word:   | 7 signs | 9 bits p   |                      scales: two a byte, low half first
 *
 *  value = d * (0.5 + s) / 4 * grid[p] * sign
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/4856
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq2_xs)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { type GridBlocks, quantizeGridBlocks } from './grid-blocks.js';
import { BLOCK_ELEMENTS, type Cursor, evenSigns, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { readHalf } from './half-field.js';
import { readShort, writeShort } from './words-field.js';

const BLOCK_BYTES = 74;
const WORDS_AT = 2;
const SCALES_AT = 66;

/** The block format of ggml type 17. */
export const IQ2_XS: BlockFormat = {
  dequantize,
  quantize: (values, out, importance) => quantizeGridBlocks(RULES, values, out, importance),
};

const RULES: GridBlocks = {
  grid: 'iq2_xs',
  blockBytes: BLOCK_BYTES,
  groupElements: 16,
  evenSigns: true,
  smallestMagnitude: Math.fround(1e-15),
  tries: 9,
  step: Math.fround(0.1),
  placeAgain: 'missed',
  meanSquareFactor: 1,
  scaleFactor: 1,
  clearsZeros: true,
  writeGroup(block, { points, signs }, group) {
    points.forEach((point, run) => writeShort(block, WORDS_AT + 4 * group + 2 * run, point | (signs[run]! << 9)));
  },
  writeSteps(block, steps) {
    steps.forEach((step, group) => (block[SCALES_AT + (group >>> 1)]! |= step << (4 * (group & 1))));
  },
};

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const grid = gridOf('iq2_xs');
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let run = 0; run < BLOCK_ELEMENTS / 8; run++) {
      const step = (blocks[at + SCALES_AT + (run >>> 2)]! >>> (run & 2 ? 4 : 0)) & 15;
      const scale = Math.fround(Math.fround(blockScale * (0.5 + step)) * 0.25);
      const word = readShort(blocks, at + WORDS_AT + 2 * run);
      writePoint(cursor, grid, word & 511, scale, evenSigns(word >>> 9));
    }
  }
}
