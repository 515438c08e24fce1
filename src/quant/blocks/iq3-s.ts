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
import { BLOCK_ELEMENTS, type Cursor, writePoint } from './grid-points.js';
import { gridOf } from './grids.js';
import { readHalf } from './half-field.js';

const BLOCK_BYTES = 110;
const POINTS_AT = 2;
const NINTH_BITS_AT = 66;
const SIGNS_AT = 74;
const SCALES_AT = 106;

/** The block format of ggml type 21. */
export const IQ3_S: BlockFormat = { dequantize };

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
