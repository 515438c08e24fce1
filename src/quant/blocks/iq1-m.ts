/**
 * IQ1_M: 256 values in 56 bytes, 1.75 bits a value: runs of eight from the grid of IQ1_S.
 *
 * The scale of the block has no place of its own: its four hexadecimal digits fill the top of four words.
 *
 * ```text
 *   0                32                   48                 56
 *  +----------------+--------------------+------------------+
 *  | low 8 bits of  | 32 halves of bytes | 4 words of 16    |   a word is for 64 values, a scale s for 16,
 *  | 32 points p    | low half first     | bits             |   a half of a byte for 8
 *  +----------------+--------------------+------------------+
 *   half:  3       2   0               word:  15     12 11   9 8    6 5    3 2    0
 *         +-------+-----+                    +---------+------+------+------+------+
 *         | minus | high|  3 bits of p       | digit   |  s3  |  s2  |  s1  |  s0  |
 *         +-------+-----+                    +---------+------+------+------+------+
 *
 *  value = d * (1 + 2 * s) * (grid[p] + 1/8, or - 1/8 where minus is set); the first word has d's lowest digit
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/6302
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq1_m)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { BLOCK_ELEMENTS, type Cursor } from './grid-points.js';
import { readHalf } from './half-field.js';
import { SHIFT, writeShiftedPoint } from './iq1-points.js';
import { readShort, writeShort } from './words-field.js';

const BLOCK_BYTES = 56;
const HALVES_AT = 32;
const WORDS_AT = 48;
const WORDS = 4;

/** The block format of ggml type 29. */
export const IQ1_M: BlockFormat = { dequantize };

const gathered = new Uint8Array(2);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readScatteredHalf(blocks, at);
    for (let run = 0; run < BLOCK_ELEMENTS / 8; run++) {
      const word = readShort(blocks, at + WORDS_AT + 2 * (run >>> 3));
      const scale = Math.fround(blockScale * (2 * ((word >>> (3 * ((run >>> 1) & 3))) & 7) + 1));
      const half = blocks[at + HALVES_AT + (run >>> 1)]! >>> (4 * (run & 1));
      const point = blocks[at + run]! | ((half & 7) << 8);
      writeShiftedPoint(cursor, point, scale, half & 8 ? -SHIFT : SHIFT);
    }
  }
}

function readScatteredHalf(blocks: Uint8Array, at: number): number {
  let half = 0;
  for (let word = 0; word < WORDS; word++) half |= (blocks[at + WORDS_AT + 2 * word + 1]! >>> 4) << (4 * word);
  writeShort(gathered, 0, half);
  return readHalf(gathered, 0);
}
