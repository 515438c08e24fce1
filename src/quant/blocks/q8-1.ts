/**
 * Q8_1: Q8_0 with the sum of the block beside the scale, 9 bits a value.
 *
 * Nothing is stored in files this way. ggml makes such blocks of the activations that meet weights with an offset
 * (Q4_1, Q5_1), and the sum saves it adding up the levels again. The format is therefore only read.
 *
 * ```text
 *   byte   0     2     4                          36
 *         +-----+-----+--------------------------+
 *         |  d  |  s  | 32 levels, signed bytes  |   value = d * level, s = d * (sum of all levels)
 *         +-----+-----+--------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (block_q8_1)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf } from './half-field.js';

const BLOCK_ELEMENTS = 32;
const BLOCK_BYTES = 36;

/** The format Q8_1, read only. */
export const Q8_1: BlockFormat = { dequantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) out[first + i] = ((blocks[at + 4 + i]! << 24) >> 24) * d;
  }
}
