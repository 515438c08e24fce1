/**
 * Q4_0: 32 values in four bits with one scale, 4.5 bits a value.
 *
 * The scale carries the sign of the value of largest magnitude, which always becomes level -8: the range of levels
 * has one more on that side, and so none is lost.
 *
 * ```text
 *   byte   0     2                              18
 *         +-----+------------------------------+
 *         |  d  | 32 levels, see pack-levels   |   value = d * (level - 8)
 *         +-----+------------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_0_ref, quantize_row_q4_0_impl)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { extremeOf, inverseOf } from './extremes.js';
import { readHalf, writeHalf } from './half-field.js';
import { packNibbles } from './pack-levels.js';
import { fitScale } from './scale-search.js';
import { forEachWeightedBlock } from './weighted-blocks.js';

const BLOCK_ELEMENTS = 32;
const HALF_ELEMENTS = 16;
const BLOCK_BYTES = 18;

/** The level of zero, and how many levels lie below it. */
const ZERO_LEVEL = 8;

/** The format Q4_0. */
export const Q4_0: BlockFormat = { dequantize, quantize };

const levels = new Uint8Array(BLOCK_ELEMENTS);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    for (let i = 0; i < HALF_ELEMENTS; i++) {
      const byte = blocks[at + 2 + i]!;
      out[first + i] = ((byte & 0x0f) - ZERO_LEVEL) * d;
      out[first + HALF_ELEMENTS + i] = ((byte >>> 4) - ZERO_LEVEL) * d;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  if (importance === undefined) {
    for (let block = 0; block < values.length / BLOCK_ELEMENTS; block++) {
      writeBlock(fitPlainly(values, BLOCK_ELEMENTS * block), out, BLOCK_BYTES * block);
    }
  } else {
    forEachWeightedBlock(values, importance, (members, weights, block) => {
      writeBlock(fitScale(members, weights, ZERO_LEVEL, levels), out, BLOCK_BYTES * block);
    });
  }
}

/** Sets `levels` to those of the 32 values from `first` on, and returns their scale. */
function fitPlainly(values: Float32Array, first: number): number {
  const d = Math.fround(extremeOf(values, first, first + BLOCK_ELEMENTS) / -ZERO_LEVEL);
  const inverse = inverseOf(d);
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    const scaled = Math.fround(values[first + i]! * inverse);
    // cutting off behind the half is rounding; level 16 is the value opposite to the largest, just as large
    levels[i] = Math.min(15, Math.fround(scaled + 8.5) | 0);
  }
  return d;
}

function writeBlock(d: number, out: Uint8Array, at: number): void {
  writeHalf(out, at, d);
  packNibbles(levels, out, at + 2);
}
