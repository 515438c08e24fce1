/**
 * IQ2_XXS: 256 values in 66 bytes, 2.0625 bits a value: runs of eight from a grid of 256 points.
 *
 * ```text
 *   0       2                            66
 *  +-------+----------------------------+
 *  |   d   | 8 groups of 8 bytes        |   a group is 32 values, four runs of 8
 *  +-------+----------------------------+
 *  group:  | p0 | p1 | p2 | p3 | word |   word, from its lowest bit: four times 7 signs, then 4 bits s
 *
 *  value = d * (0.5 + s) / 4 * grid[p] * sign
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/4773
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq2_xxs)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { type GridBlocks, quantizeGridBlocks } from './grid-blocks.js';
import { BLOCK_ELEMENTS, type Cursor, evenSigns, packSigns, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { readHalf } from './half-field.js';
import { fitPositiveScale } from './positive-scale.js';
import { readWord, writeWord } from './words-field.js';

const BLOCK_BYTES = 66;
const GROUPS_AT = 2;
const GROUP_BYTES = 8;

/** The block format of ggml type 16. */
export const IQ2_XXS: BlockFormat = {
  dequantize,
  quantize: (values, out, importance) => quantizeGridBlocks(RULES, values, out, importance),
};

const RULES: GridBlocks = {
  grid: 'iq2_xxs',
  blockBytes: BLOCK_BYTES,
  groupElements: 32,
  evenSigns: true,
  smallestMagnitude: Math.fround(1e-15),
  tries: 6,
  step: Math.fround(0.1),
  placeAgain: 'all',
  guess: (magnitudes, weights) => fitPositiveScale(magnitudes, weights, 4),
  meanSquareFactor: 1,
  scaleFactor: 1,
  clearsZeros: true,
  writeGroup(block, { points, signs }, group) {
    const at = GROUPS_AT + group * GROUP_BYTES;
    block.set(points, at);
    writeWord(block, at + 4, packSigns(signs));
  },
  writeSteps(block, steps) {
    steps.forEach((step, group) => (block[GROUPS_AT + group * GROUP_BYTES + 7]! |= step << 4));
  },
};

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const grid = gridOf('iq2_xxs');
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let group = 0; group < BLOCK_ELEMENTS / 32; group++) {
      const points = at + GROUPS_AT + group * GROUP_BYTES;
      const word = readWord(blocks, points + 4);
      const scale = Math.fround(Math.fround(blockScale * (0.5 + (word >>> 28))) * 0.25);
      for (let run = 0; run < 4; run++) {
        writePoint(cursor, grid, blocks[points + run]!, scale, evenSigns(word >>> (7 * run)));
      }
    }
  }
}
