/**
 * Q2_0: 64 values in two bits with one scale, 2.25 bits a value.
 *
 * Made for ternary weights: the scale is the largest magnitude, so quantizing gives only the levels -1, 0 and 1.
 * The fourth pattern of bits, 2 * d, is read but never written.
 *
 * ```text
 *   byte   0     2                               18
 *         +-----+-------------------------------+
 *         |  d  | 64 patterns of 2 bits, low    |   value = (pattern - 1) * d
 *         |     | first: 4 neighbours in a byte |
 *         +-----+-------------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q2_0_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { extremeOf, inverseOf } from './extremes.js';
import { readHalf, writeHalf } from './half-field.js';
import { roundHalfAway } from './round-half-away.js';

const BLOCK_ELEMENTS = 64;
const BLOCK_BYTES = 18;

/** The format Q2_0; importances change nothing. */
export const Q2_0: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) {
      out[first + i] = (((blocks[at + 2 + (i >>> 2)]! >>> (2 * (i & 3))) & 3) - 1) * d;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = Math.abs(extremeOf(values, first, first + BLOCK_ELEMENTS));
    const inverse = inverseOf(d);
    writeHalf(out, at, d);
    for (let byte = 0; byte < BLOCK_ELEMENTS / 4; byte++) {
      let bits = 0;
      for (let i = 0; i < 4; i++) {
        bits |= patternOf(Math.fround(values[first + 4 * byte + i]! * inverse)) << (2 * i);
      }
      out[at + 2 + byte] = bits;
    }
  }
}

/** The pattern of a value in units of the scale. */
function patternOf(scaled: number): number {
  const level = roundHalfAway(scaled);
  // what is not finite (the inverse of a tiny scale is not) is the smallest integer to C, and so the lowest level
  return Number.isFinite(level) ? level + 1 : 0;
}
