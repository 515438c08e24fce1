/**
 * IQ3_S: 256 values in 110 bytes, 3.4375 bits a value: runs of four from a grid of 512 points, with all signs.
 *
 * ```text
 *   0       2               66              74              106           110
 *  +-------+---------------+---------------+---------------+-------------+
 *  |   d   | low 8 bits of | ninth bits,   | 32 bytes of   | 8 scales s, |   a scale is for 32 values,
 *  |       | 64 points p   | eight a byte  | 8 signs       | two a byte  |   eight runs of 4
 *  +-------+---------------+---------------+---------------+-------------+
 *
 *  value = d * (1 + 2 * s) * grid[p] * sign
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5676
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq3_s)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { type GridBlocks, quantizeGridBlocks } from './grid-blocks.js';
import { BLOCK_ELEMENTS, type Cursor, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { weighBySquare } from './group-weights.js';
import { readHalf } from './half-field.js';

const BLOCK_BYTES = 110;
const POINTS_AT = 2;
const NINTH_BITS_AT = 66;
const SIGNS_AT = 74;
const SCALES_AT = 106;

/** The block format of ggml type 21. */
export const IQ3_S: BlockFormat = {
  dequantize,
  quantize: (values, out, importance) => quantizeGridBlocks(RULES, values, out, importance),
};

/**
 * ggml does not go on to the next place after a group of zeros, only with the ninth bits: points and signs of later
 * groups of the block stand where an earlier group's belong, and their values come back wrong. The bytes are ggml's,
 * so they do here too. IQ3_XXS, which differs little otherwise, is free of it.
 */
const RULES: GridBlocks = {
  grid: 'iq3_s',
  blockBytes: BLOCK_BYTES,
  groupElements: 32,
  evenSigns: false,
  smallestMagnitude: 2 ** -149, // only zero is below it
  tries: 9,
  step: Math.fround(0.2),
  placeAgain: 'all if one missed',
  meanSquareFactor: 2,
  scaleFactor: Math.fround(1.033),
  clearsZeros: false,
  weigh: weighBySquare,
  writeGroup(block, { points, signs }, group, place) {
    block.set(signs, SIGNS_AT + 4 * place);
    points.forEach((point, run) => {
      block[POINTS_AT + 8 * place + run] = point;
      block[NINTH_BITS_AT + group]! |= (point >>> 8) << run;
    });
  },
  writeSteps(block, steps) {
    steps.forEach((step, group) => (block[SCALES_AT + (group >>> 1)]! |= step << (4 * (group & 1))));
  },
};

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const grid = gridOf('iq3_s');
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let run = 0; run < BLOCK_ELEMENTS / 4; run++) {
      const group = run >>> 3;
      const step = (blocks[at + SCALES_AT + (group >>> 1)]! >>> (4 * (group & 1))) & 15;
      const scale = Math.fround(blockScale * (1 + 2 * step));
      const ninth = (blocks[at + NINTH_BITS_AT + group]! >>> (run & 7)) & 1;
      const signs = blocks[at + SIGNS_AT + (run >>> 1)]! >>> (4 * (run & 1));
      writePoint(cursor, grid, blocks[at + POINTS_AT + run]! | (ninth << 8), scale, signs);
    }
  }
}
