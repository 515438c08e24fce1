/**
 * IQ1_S: 256 values in 50 bytes, 1.5625 bits a value: runs of eight from a grid of 2,048 points.
 *
 * ```text
 *   0       2                  34                  50
 *  +-------+------------------+-------------------+
 *  |   d   | low 8 bits of    | 8 words of 16     |   a word is for 32 values, four runs of 8
 *  |       | 32 points p      | bits              |
 *  +-------+------------------+-------------------+
 *  word:   15      14   12 11    9 8     6 5     3 2     0
 *         +-------+-------+-------+-------+-------+-------+
 *         | minus |   s   | high 3 bits of p3, p2, p1, p0 |
 *         +-------+-------+-------+-------+-------+-------+
 *
 *  value = d * (1 + 2 * s) * (grid[p] + 1/8, or - 1/8 where minus is set)
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5453
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq1_s)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { BLOCK_ELEMENTS, type Cursor } from './grid-points.js';
import { readHalf } from './half-field.js';
import { SHIFT, writeShiftedPoint } from './iq1-points.js';
import { readShort } from './words-field.js';

const BLOCK_BYTES = 50;
const POINTS_AT = 2;
const WORDS_AT = 34;

/** The block format of ggml type 19. */
export const IQ1_S: BlockFormat = { dequantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let group = 0; group < BLOCK_ELEMENTS / 32; group++) {
      const word = readShort(blocks, at + WORDS_AT + 2 * group);
      const scale = Math.fround(blockScale * (2 * ((word >>> 12) & 7) + 1));
      const shift = word & 0x8000 ? -SHIFT : SHIFT;
      for (let run = 0; run < 4; run++) {
        const point = blocks[at + POINTS_AT + 4 * group + run]! | (((word >>> (3 * run)) & 7) << 8);
        writeShiftedPoint(cursor, point, scale, shift);
      }
    }
  }
}
