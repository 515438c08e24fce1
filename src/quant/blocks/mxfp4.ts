/**
 * MXFP4: 32 values of 4-bit floating point with a power of two as their scale, 4.25 bits a value.
 *
 * The scale has no fraction, so it is the largest power of two for which the largest magnitude is at least 4 of the
 * 6 that a value can be; what lies above 6 is cut off. Of magnitudes below 2^-125 the exponent wraps around: the
 * scale becomes enormous and all values zero.
 *
 * ```text
 *   byte   0   1                              17
 *         +---+------------------------------+
 *         | e | 32 values, see pack-levels   |   value = 2^(e - 128) * doubled value, see float4
 *         +---+------------------------------+
 * ```
 *
 * @see https://www.opencompute.org/documents/ocp-microscaling-formats-mx-v1-0-spec-final-pdf
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_mxfp4_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { extremeOf } from './extremes.js';
import { DOUBLED_FLOAT4, nearestFloat4 } from './float4.js';
import { packNibbles } from './pack-levels.js';

const BLOCK_ELEMENTS = 32;
const HALF_ELEMENTS = 16;
const BLOCK_BYTES = 17;

/** The format MXFP4; importances change nothing. */
export const MXFP4: BlockFormat = { dequantize, quantize };

/** Half of the scale that each exponent stands for; 255, which is NaN by the specification, is a number to ggml. */
const HALVED_SCALES = Float32Array.from({ length: 256 }, (_, exponent) => 2 ** (exponent - 128));

const levels = new Uint8Array(BLOCK_ELEMENTS);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const scale = HALVED_SCALES[blocks[at]!]!;
    for (let i = 0; i < HALF_ELEMENTS; i++) {
      const byte = blocks[at + 1 + i]!;
      out[first + i] = DOUBLED_FLOAT4[byte & 0x0f]! * scale;
      out[first + HALF_ELEMENTS + i] = DOUBLED_FLOAT4[byte >>> 4]! * scale;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const exponent = exponentFor(Math.abs(extremeOf(values, first, first + BLOCK_ELEMENTS)));
    nearestFloat4(values, first, HALVED_SCALES[exponent]!, levels);
    out[at] = exponent;
    packNibbles(levels, out, at + 1);
  }
}

/** The exponent for a block with this largest magnitude. */
function exponentFor(magnitude: number): number {
  if (magnitude === 0) return 0;
  // the logarithm is rounded to float32, which makes a whole number of one that is just below
  return (Math.floor(Math.fround(Math.log2(magnitude))) - 2 + 127) & 0xff;
}
