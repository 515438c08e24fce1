/**
 * Q8_0: 32 values as signed bytes with one scale, 8.5 bits a value.
 *
 * The level -128 is never written: the largest magnitude becomes 127 on either side, so that zero stays zero.
 *
 * ```text
 *   byte   0     2                          34
 *         +-----+--------------------------+
 *         |  d  | 32 levels, signed bytes  |   value = d * level
 *         +-----+--------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q8_0_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { inverseOf, largestMagnitude } from './extremes.js';
import { readHalf, writeHalf } from './half-field.js';
import { roundHalfAway } from './round-half-away.js';

const BLOCK_ELEMENTS = 32;
const BLOCK_BYTES = 34;

/** The format Q8_0; ggml does not weigh values here, so importances change nothing. */
export const Q8_0: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) out[first + i] = ((blocks[at + 2 + i]! << 24) >> 24) * d;
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = Math.fround(largestMagnitude(values, first, first + BLOCK_ELEMENTS) / 127);
    const inverse = inverseOf(d);
    writeHalf(out, at, d);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) {
      // of a scale so small that its inverse is infinite, C's conversion to a byte makes zeros, and so does this one
      out[at + 2 + i] = roundHalfAway(Math.fround(values[first + i]! * inverse));
    }
  }
}
