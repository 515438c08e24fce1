/**
 * IQ3_XXS: 256 values in 98 bytes, 3.0625 bits a value: runs of four from a grid of 256 points.
 *
 * ```text
 *   0       2                 66                   98
 *  +-------+-----------------+--------------------+
 *  |   d   | 64 points p,    | 8 words of 32 bits |   a word is for 32 values, eight runs of 4
 *  |       | one a byte      |                    |
 *  +-------+-----------------+--------------------+
 *  word:   from its lowest bit: four times 7 signs of 8 values, then 4 bits s
 *
 *  value = d * (0.5 + s) / 2 * grid[p] * sign
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5196
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq3_xxs)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { type GridBlocks, quantizeGridBlocks } from './grid-blocks.js';
import { BLOCK_ELEMENTS, type Cursor, evenSigns, packSigns, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { weighBySquare } from './group-weights.js';
import { readHalf } from './half-field.js';
import { readWord, writeWord } from './words-field.js';

const BLOCK_BYTES = 98;
const POINTS_AT = 2;
const WORDS_AT = 66;

/** The block format of ggml type 18. */
export const IQ3_XXS: BlockFormat = {
  dequantize,
  quantize: (values, out, importance) => quantizeGridBlocks(RULES, values, out, importance),
};

const RULES: GridBlocks = {
  grid: 'iq3_xxs',
  blockBytes: BLOCK_BYTES,
  groupElements: 32,
  evenSigns: true,
  smallestMagnitude: Math.fround(1e-8),
  tries: 15,
  step: Math.fround(0.2),
  placeAgain: 'missed',
  meanSquareFactor: 2,
  scaleFactor: Math.fround(1.0125),
  clearsZeros: true,
  weigh: weighBySquare,
  writeGroup(block, { points, signs }, group) {
    block.set(points, POINTS_AT + 8 * group);
    writeWord(block, WORDS_AT + 4 * group, packSigns(signs));
  },
  writeSteps(block, steps) {
    steps.forEach((step, group) => (block[WORDS_AT + 4 * group + 3]! |= step << 4));
  },
};

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const grid = gridOf('iq3_xxs');
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let group = 0; group < BLOCK_ELEMENTS / 32; group++) {
      const word = readWord(blocks, at + WORDS_AT + 4 * group);
      const scale = Math.fround(Math.fround(blockScale * (0.5 + (word >>> 28))) * 0.5);
      for (let run = 0; run < 8; run++) {
        const signs = evenSigns(word >>> (7 * (run >>> 1))) >>> (4 * (run & 1));
        writePoint(cursor, grid, blocks[at + POINTS_AT + 8 * group + run]!, scale, signs);
      }
    }
  }
}
