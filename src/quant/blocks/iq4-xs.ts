/**
 * IQ4_XS: 256 values in 136 bytes, 4.25 bits a value: IQ4_NL whose eight scales share one half.
 *
 * ```text
 *   0       2          4            8                                     136
 *  +-------+----------+------------+-------------------------------------+
 *  | scale | high 2   | low 4 bits | 8 groups of 16 bytes of two levels  |
 *  | half  | bits of 8| of 8 group | byte j: value j low, j + 16 high    |
 *  |       | group    | scales, two|                                     |
 *  |       | scales   | a byte     |   value = scale * (group scale - 32) * UNEVEN_LEVELS[level]
 *  +-------+----------+------------+-------------------------------------+
 * ```
 *
 * Levels are chosen with the float32 scale, not with the half that is stored.
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5747
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_iq4_xs)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { sumOfSquares, weighByImportance, weighBySquare } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { nearestInt } from './nearest-int.js';
import { UNEVEN_LEVELS, fitUnevenScale, nearestLevel } from './uneven-levels.js';

const BLOCK_ELEMENTS = 256;
const GROUP_ELEMENTS = 32;
const HALF_GROUP = GROUP_ELEMENTS / 2;
const GROUPS = BLOCK_ELEMENTS / GROUP_ELEMENTS;
const BLOCK_BYTES = 136;
const HIGH_BITS_AT = 2;
const LOW_BITS_AT = 4;
const LEVELS_AT = 8;

/** The block format of ggml type 23. */
export const IQ4_XS: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; first < out.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let group = 0; group < GROUPS; group++, first += GROUP_ELEMENTS) {
      const low = (blocks[at + LOW_BITS_AT + (group >>> 1)]! >>> (4 * (group & 1))) & 15;
      const high = (blocks[at + HIGH_BITS_AT + (group >>> 2)]! >>> (2 * (group & 3))) & 3;
      const scale = Math.fround(blockScale * ((low | (high << 4)) - 32));
      for (let j = 0; j < HALF_GROUP; j++) {
        const pair = blocks[at + LEVELS_AT + group * HALF_GROUP + j]!;
        out[first + j] = scale * UNEVEN_LEVELS[pair & 15]!;
        out[first + j + HALF_GROUP] = scale * UNEVEN_LEVELS[pair >>> 4]!;
      }
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const scales = new Float32Array(GROUPS);
  for (let at = 0, first = 0; first < values.length; at += BLOCK_BYTES, first += BLOCK_ELEMENTS) {
    const block = values.subarray(first, first + BLOCK_ELEMENTS);
    const column = importance === undefined ? 0 : first % importance.length;
    fitGroups(block, importance?.subarray(column, column + BLOCK_ELEMENTS), scales);
    writeBlock(block, scales, out.subarray(at, at + BLOCK_BYTES));
  }
}

function fitGroups(block: Float32Array, importance: Float32Array | undefined, scales: Float32Array): void {
  const weights = new Float32Array(GROUP_ELEMENTS);
  // twice the mean square: 2 / 256 is a power of two, so the product is exact
  const meanSquare = Math.fround(sumOfSquares(block) * (2 / BLOCK_ELEMENTS));
  for (let group = 0; group < GROUPS; group++) {
    const first = group * GROUP_ELEMENTS;
    const members = block.subarray(first, first + GROUP_ELEMENTS);
    if (importance === undefined) weighBySquare(members, weights);
    else weighByImportance(members, importance.subarray(first, first + GROUP_ELEMENTS), meanSquare, weights);
    scales[group] = fitUnevenScale(members, weights);
  }
}

function writeBlock(block: Float32Array, scales: Float32Array, out: Uint8Array): void {
  let extreme = 0;
  for (const scale of scales) if (Math.abs(scale) > Math.abs(extreme)) extreme = scale;
  const blockScale = Math.fround(-extreme / 32);
  const inverse = blockScale === 0 ? 0 : Math.fround(1 / blockScale);
  writeHalf(out, 0, blockScale);
  out.fill(0, HIGH_BITS_AT, LEVELS_AT);
  for (let group = 0; group < GROUPS; group++) {
    const step = Math.max(-32, Math.min(31, nearestInt(Math.fround(inverse * scales[group]!))));
    const stored = step + 32;
    out[LOW_BITS_AT + (group >>> 1)]! |= (stored & 15) << (4 * (group & 1));
    out[HIGH_BITS_AT + (group >>> 2)]! |= (stored >>> 4) << (2 * (group & 3));
    const scale = Math.fround(blockScale * step);
    const inverseOfGroup = scale === 0 ? 0 : Math.fround(1 / scale);
    const first = group * GROUP_ELEMENTS;
    for (let j = 0; j < HALF_GROUP; j++) {
      const low = nearestLevel(Math.fround(inverseOfGroup * block[first + j]!));
      const high = nearestLevel(Math.fround(inverseOfGroup * block[first + j + HALF_GROUP]!));
      out[LEVELS_AT + group * HALF_GROUP + j] = low | (high << 4);
    }
  }
}
