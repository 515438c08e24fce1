/**
 * IQ2_S: 256 values in 82 bytes, 2.5625 bits a value: runs of eight from a grid of 1,024 points, with all signs.
 *
 * ```text
 *   0       2               34              66             74             82
 *  +-------+---------------+---------------+--------------+--------------+
 *  |   d   | low 8 bits of | 32 bytes of   | high 2 bits, | 16 scales s, |   a scale is for 16 values,
 *  |       | 32 points p   | 8 signs       | four a byte  | two a byte   |   two runs of 8
 *  +-------+---------------+---------------+--------------+--------------+
 *
 *  value = d * (0.5 + s) / 4 * grid[p] * sign
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5721
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq2_s)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { type GridBlocks, quantizeGridBlocks } from './grid-blocks.js';
import { BLOCK_ELEMENTS, type Cursor, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { readHalf } from './half-field.js';

const BLOCK_BYTES = 82;
const POINTS_AT = 2;
const SIGNS_AT = 34;
const HIGH_BITS_AT = 66;
const SCALES_AT = 74;

/** The block format of ggml type 22. */
export const IQ2_S: BlockFormat = {
  dequantize,
  quantize: (values, out, importance) => quantizeGridBlocks(RULES, values, out, importance),
};

const RULES: GridBlocks = {
  grid: 'iq2_s',
  blockBytes: BLOCK_BYTES,
  groupElements: 16,
  evenSigns: false,
  smallestMagnitude: Math.fround(1e-8),
  tries: 9,
  step: Math.fround(0.1),
  placeAgain: 'missed',
  meanSquareFactor: 2,
  scaleFactor: Math.fround(0.9875),
  clearsZeros: false,
  weigh(group, weights, meanSquare) {
    const quarter = Math.fround(0.25 * meanSquare);
    group.forEach((value, i) => (weights[i] = quarter + Math.fround(value * value)));
  },
  writeGroup(block, { points, signs }, group) {
    block.set(signs, SIGNS_AT + 2 * group);
    points.forEach((point, i) => {
      const run = 2 * group + i;
      block[POINTS_AT + run] = point;
      block[HIGH_BITS_AT + (run >>> 2)]! |= (point >>> 8) << (2 * (run & 3));
    });
  },
  writeSteps(block, steps) {
    steps.forEach((step, group) => (block[SCALES_AT + (group >>> 1)]! |= step << (4 * (group & 1))));
  },
};

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const grid = gridOf('iq2_s');
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let run = 0; run < BLOCK_ELEMENTS / 8; run++) {
      const step = (blocks[at + SCALES_AT + (run >>> 2)]! >>> (run & 2 ? 4 : 0)) & 15;
      const scale = Math.fround(Math.fround(blockScale * (0.5 + step)) * 0.25);
      const high = (blocks[at + HIGH_BITS_AT + (run >>> 2)]! >>> (2 * (run & 3))) & 3;
      const point = blocks[at + POINTS_AT + run]! | (high << 8);
      writePoint(cursor, grid, point, scale, blocks[at + SIGNS_AT + run]!);
    }
  }
}
