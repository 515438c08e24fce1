/**
 * TQ2_0: 256 ternary values in two bits with one scale, 2.0625 bits a value.
 *
 * The scale stands behind the values, and a byte holds four values that are 32 places apart.
 *
 * ```text
 *   byte   0                    32                     64     66
 *         +--------------------+----------------------+------+
 *         | values 0 to 127    | values 128 to 255    |  d   |   value = (pattern - 1) * d
 *         +--------------------+----------------------+------+
 *   byte j of the first half: values j, j + 32, j + 64 and j + 96, two bits each, low first
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_tq2_0_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { inverseOf, largestMagnitude } from './extremes.js';
import { readHalf, writeHalf } from './half-field.js';
import { roundHalfAway } from './round-half-away.js';

const BLOCK_ELEMENTS = 256;
const BLOCK_BYTES = 66;
const SCALE_AT = 64;

/** Values in half a block, which take 32 bytes. */
const HALF_ELEMENTS = 128;

/** The format TQ2_0; importances change nothing. */
export const TQ2_0: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at + SCALE_AT);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) {
      // bits of i: half of the block, which pair of bits, and five for the byte
      const byte = blocks[at + ((i >>> 7) << 5) + (i & 31)]!;
      out[first + i] = (((byte >>> (2 * ((i >>> 5) & 3))) & 3) - 1) * d;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = largestMagnitude(values, first, first + BLOCK_ELEMENTS);
    writeHalf(out, at + SCALE_AT, d);
    packHalfBlock(values, first, inverseOf(d), out, at);
    packHalfBlock(values, first + HALF_ELEMENTS, inverseOf(d), out, at + 32);
  }
}

function packHalfBlock(values: Float32Array, first: number, inverse: number, out: Uint8Array, at: number): void {
  for (let byte = 0; byte < 32; byte++) {
    let bits = 0;
    for (let pair = 0; pair < 4; pair++) {
      const scaled = Math.fround(values[first + byte + 32 * pair]! * inverse);
      // `| 0` makes zero of what is not finite, as C's conversion from a 64-bit integer does
      bits |= (((roundHalfAway(scaled) | 0) + 1) & 3) << (2 * pair);
    }
    out[at + byte] = bits;
  }
}
