/**
 * Q1_0: 128 values as their signs with one scale, 1.125 bits a value.
 *
 * There is no level for zero: every value becomes d or -d, where d is the mean magnitude of the block, and a zero
 * (of either sign) becomes d.
 *
 * ```text
 *   byte   0     2                    18
 *         +-----+--------------------+
 *         |  d  | 128 bits, low first|   value = bit ? d : -d
 *         +-----+--------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q1_0_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf, writeHalf } from './half-field.js';

const BLOCK_ELEMENTS = 128;
const BLOCK_BYTES = 18;

/** The format Q1_0; importances change nothing. */
export const Q1_0: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) out[first + i] = (blocks[at + 2 + (i >>> 3)]! >>> (i & 7)) & 1 ? d : -d;
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    writeHalf(out, at, meanMagnitude(values, first));
    for (let byte = 0; byte < BLOCK_ELEMENTS / 8; byte++) {
      let bits = 0;
      for (let bit = 0; bit < 8; bit++) if (values[first + 8 * byte + bit]! >= 0) bits |= 1 << bit;
      out[at + 2 + byte] = bits;
    }
  }
}

/** Added up in float32 from the first value to the last: another order would give another last digit. */
function meanMagnitude(values: Float32Array, first: number): number {
  let sum = 0;
  for (let i = first; i < first + BLOCK_ELEMENTS; i++) sum = Math.fround(sum + Math.abs(values[i]!));
  return sum / BLOCK_ELEMENTS; // exact but for subnormal numbers, which are zero in half precision anyway
}
