/**
 * IQ4_NL: 32 values in 18 bytes, 4.5 bits a value, on sixteen uneven levels ("non-linear").
 *
 * ```text
 *   0       2                                    18
 *  +-------+------------------------------------+
 *  | scale | 16 bytes of two levels             |   value = scale * UNEVEN_LEVELS[level]
 *  | half  | byte j: value j low, j + 16 high   |
 *  +-------+------------------------------------+
 * ```
 *
 * No level is 0, so a zero among other values comes back as 1 * scale.
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5590
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_iq4_nl)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { sumOfSquares, weighByImportance, weighBySquare } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { UNEVEN_LEVELS, fitUnevenScale, nearestLevel } from './uneven-levels.js';

const BLOCK_ELEMENTS = 32;
const HALF_BLOCK = BLOCK_ELEMENTS / 2;
const BLOCK_BYTES = 18;
const LEVELS_AT = 2;

/** The block format of ggml type 20. */
export const IQ4_NL: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; first < out.length; at += BLOCK_BYTES, first += BLOCK_ELEMENTS) {
    const scale = readHalf(blocks, at);
    for (let j = 0; j < HALF_BLOCK; j++) {
      const pair = blocks[at + LEVELS_AT + j]!;
      out[first + j] = scale * UNEVEN_LEVELS[pair & 15]!;
      out[first + j + HALF_BLOCK] = scale * UNEVEN_LEVELS[pair >>> 4]!;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const weights = new Float32Array(BLOCK_ELEMENTS);
  for (let at = 0, first = 0; first < values.length; at += BLOCK_BYTES, first += BLOCK_ELEMENTS) {
    const block = values.subarray(first, first + BLOCK_ELEMENTS);
    if (importance === undefined) {
      weighBySquare(block, weights);
    } else {
      const column = first % importance.length;
      // twice the mean square: 2 / 32 is a power of two, so the product is exact
      const meanSquare = Math.fround(sumOfSquares(block) * (2 / BLOCK_ELEMENTS));
      weighByImportance(block, importance.subarray(column, column + BLOCK_ELEMENTS), meanSquare, weights);
    }
    const scale = fitUnevenScale(block, weights);
    writeHalf(out, at, scale);
    const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
    for (let j = 0; j < HALF_BLOCK; j++) {
      const low = nearestLevel(Math.fround(inverse * block[j]!));
      const high = nearestLevel(Math.fround(inverse * block[j + HALF_BLOCK]!));
      out[at + LEVELS_AT + j] = low | (high << 4);
    }
  }
}
