/**
 * Q5_K: 256 values in 176 bytes, 5.5 bits each.
 *
 * ```text
 *   byte   0    2      4               16                48                                  176
 *         +----+------+---------------+-----------------+------------------------------------+
 *         | d  | dmin | 8 scales and  | fifth bits: bit | low 4 bits of the levels: 4 runs   |
 *         | f16| f16  | minima, 6 bits| g of byte i is  | of 32 bytes, run r: group 2r low   |
 *         |    |      |               | value i of g    | nibble, group 2r+1 high nibble     |
 *         +----+------+---------------+-----------------+------------------------------------+
 *
 *   value = d * scale[group] * level - dmin * minimum[group]        8 groups of 32
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (block_q5_K)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf } from './half-field.js';
import { type OffsetLayout, SUPER_BLOCK, offsetGroups, quantizeOffsetGroups } from './offset-super-block.js';
import { packNibbles } from './pack-levels.js';
import { weighByRootMeanSquare } from './root-mean-square.js';
import { packSixBitScales, sixBitMinimum, sixBitScale } from './six-bit-scales.js';

const BLOCK_BYTES = 176;
const SCALES = 4;
const FIFTH_BITS = 16;
const LEVELS = 48;

const LAYOUT: OffsetLayout = {
  ...{ groupLength: 32, scaleTop: 63, meanSquareFactor: 2, dAt: 0, dminAt: 2 },
  search: { top: 31, from: Math.fround(-0.5), step: Math.fround(0.1), steps: 15 },
  cutScales: { plain: true, weighted: true },
  packScales: ({ scales, minima }, out, at) => packSixBitScales(scales, minima, out, at + SCALES),
  scaleOf: (blocks, at, group) => sixBitScale(blocks, at + SCALES, group),
  minimumOf: (blocks, at, group) => sixBitMinimum(blocks, at + SCALES, group),
  weigh: weighByRootMeanSquare,
};

/** The format. */
export const Q5_K: BlockFormat = { dequantize, quantize };

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const groups = offsetGroups(LAYOUT);
  for (let first = 0, at = 0; first < values.length; first += SUPER_BLOCK, at += BLOCK_BYTES) {
    const column = importance === undefined ? 0 : first % importance.length;
    const weights = importance?.subarray(column, column + SUPER_BLOCK);
    quantizeOffsetGroups(LAYOUT, values.subarray(first, first + SUPER_BLOCK), weights, out, at, groups);
    packFifthBits(groups.levels, out, at + FIFTH_BITS);
    for (let run = 0; run < 4; run++) {
      packNibbles(groups.levels.subarray(64 * run, 64 * run + 64), out, at + LEVELS + 32 * run);
    }
  }
}

function packFifthBits(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < 32; i++) {
    let bits = 0;
    for (let group = 0; group < 8; group++) bits |= (levels[32 * group + i]! >>> 4) << group;
    out[at + i] = bits;
  }
}

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; at < blocks.length; at += BLOCK_BYTES, first += SUPER_BLOCK) {
    const d = readHalf(blocks, at);
    const dmin = readHalf(blocks, at + 2);
    for (let group = 0; group < 8; group++) {
      const scale = Math.fround(d * sixBitScale(blocks, at + SCALES, group));
      const offset = Math.fround(dmin * sixBitMinimum(blocks, at + SCALES, group));
      const levels = at + LEVELS + 32 * (group >>> 1);
      const shift = (group & 1) * 4;
      for (let i = 0; i < 32; i++) {
        const fifth = (blocks[at + FIFTH_BITS + i]! >>> group) & 1;
        const level = ((blocks[levels + i]! >>> shift) & 0x0f) | (fifth << 4);
        out[first + 32 * group + i] = Math.fround(scale * level) - offset;
      }
    }
  }
}
