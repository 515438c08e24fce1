/**
 * TQ1_0: 256 ternary values, five to a byte, with one scale: 1.6875 bits a value.
 *
 * Five digits to the base 3 are a number below 243, and a byte could hold it as it is. ggml stores the fraction
 * n / 243 instead, in units of 1/256 and rounded up: multiplying by 3 then moves the first digit above the byte,
 * and no division is needed to read it.
 *
 * ```text
 *   byte   0                  32                 48              52     54
 *         +------------------+------------------+---------------+------+
 *         | values 0 to 159, | values 160 to    | values 240 to |  d   |   value = (digit - 1) * d
 *         | 32 apart         | 239, 16 apart    | 255, 4 apart  |      |
 *         +------------------+------------------+---------------+------+
 *   byte j of the first part: values j, j + 32, j + 64, j + 96 and j + 128, the first as the highest digit;
 *   a byte of the last part has four values, and zero as its lowest digit
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_tq1_0_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { inverseOf, largestMagnitude } from './extremes.js';
import { readHalf, writeHalf } from './half-field.js';
import { roundHalfAway } from './round-half-away.js';

const BLOCK_ELEMENTS = 256;
const BLOCK_BYTES = 54;
const SCALE_AT = 52;

/** Numbers of five digits to the base 3. */
const FIVE_DIGITS = 243;

/** A run of bytes whose first digits are neighbouring values, then their second digits, and so on. */
interface Part {
  /** First byte in the block. */
  readonly byte: number;
  /** First value in the block. */
  readonly element: number;
  /** Number of bytes, and how far the values in a byte are apart. */
  readonly width: number;
  /** Values in a byte. */
  readonly digits: number;
}

const PARTS: readonly Part[] = [
  { byte: 0, element: 0, width: 32, digits: 5 },
  { byte: 32, element: 160, width: 16, digits: 5 },
  { byte: 48, element: 240, width: 4, digits: 4 },
];

/** The format TQ1_0; importances change nothing. */
export const TQ1_0: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at + SCALE_AT);
    for (const part of PARTS) unpackPart(part, blocks, at + part.byte, d, out.subarray(first + part.element));
  }
}

function unpackPart({ width, digits }: Part, blocks: Uint8Array, at: number, d: number, out: Float32Array): void {
  let to = 0;
  for (let digit = 0, power = 1; digit < digits; digit++, power *= 3) {
    for (let byte = 0; byte < width; byte++) {
      const rest = (blocks[at + byte]! * power) & 0xff; // digits before this one have left the byte
      out[to++] = (((rest * 3) >>> 8) - 1) * d;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = largestMagnitude(values, first, first + BLOCK_ELEMENTS);
    writeHalf(out, at + SCALE_AT, d);
    for (const part of PARTS) {
      packPart(part, values.subarray(first + part.element), inverseOf(d), out, at + part.byte);
    }
  }
}

function packPart({ width, digits }: Part, values: Float32Array, inverse: number, out: Uint8Array, at: number): void {
  for (let byte = 0; byte < width; byte++) {
    let number = 0;
    for (let digit = 0; digit < digits; digit++) {
      const scaled = Math.fround(values[byte + width * digit]! * inverse);
      // `| 0` makes zero of what is not finite, as C's conversion from a 64-bit integer does
      // and only beside a NaN, which upsets the scale, can the number leave a byte
      number = (number * 3 + (roundHalfAway(scaled) | 0) + 1) & 0xff;
    }
    if (digits === 4) number = (number * 3) & 0xff;
    out[at + byte] = Math.ceil((number * 256) / FIVE_DIGITS);
  }
}
