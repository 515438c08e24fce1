/**
 * Q2_K: 256 values in 84 bytes, 2.625 bits each.
 *
 * ```text
 *   byte   0                     16                        80   82     84
 *         +---------------------+-------------------------+----+------+
 *         | group g: scale in   | levels of 2 bits,       | d  | dmin |
 *         | the low nibble,     | see quarters.ts         | f16| f16  |
 *         | minimum in the high |                         |    |      |
 *         +---------------------+-------------------------+----+------+
 *
 *   value = d * scale[group] * level - dmin * minimum[group]        16 groups of 16
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (block_q2_K)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf } from './half-field.js';
import {
  type OffsetGroups,
  type OffsetLayout,
  SUPER_BLOCK,
  offsetGroups,
  quantizeOffsetGroups,
} from './offset-super-block.js';
import { packQuarters, quarterOf } from './quarters.js';

const BLOCK_BYTES = 84;
const LEVELS = 16;
const D = 80;
const DMIN = 82;
const GROUP = 16;

const LAYOUT: OffsetLayout = {
  ...{ groupLength: GROUP, scaleTop: 15, meanSquareFactor: 1, dAt: D, dminAt: DMIN },
  search: { top: 3, from: Math.fround(-0.5), step: Math.fround(0.1), steps: 15, absolute: true },
  ...{ cutScales: { plain: false, weighted: false }, packScales, scaleOf, minimumOf },
  weigh: (group, weights) => group.forEach((value, i) => (weights[i] = Math.abs(value))),
};

/** The format. */
export const Q2_K: BlockFormat = { dequantize, quantize };

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const groups = offsetGroups(LAYOUT);
  for (let first = 0, at = 0; first < values.length; first += SUPER_BLOCK, at += BLOCK_BYTES) {
    const column = importance === undefined ? 0 : first % importance.length;
    const weights = importance?.subarray(column, column + SUPER_BLOCK);
    quantizeOffsetGroups(LAYOUT, values.subarray(first, first + SUPER_BLOCK), weights, out, at, groups);
    packQuarters(groups.levels, out, at + LEVELS);
  }
}

function packScales({ scales, minima }: OffsetGroups, out: Uint8Array, at: number): void {
  for (let group = 0; group < scales.length; group++) out[at + group] = scales[group]! | (minima[group]! << 4);
}

function scaleOf(blocks: Uint8Array, at: number, group: number): number {
  return blocks[at + group]! & 0x0f;
}

function minimumOf(blocks: Uint8Array, at: number, group: number): number {
  return blocks[at + group]! >>> 4;
}

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; at < blocks.length; at += BLOCK_BYTES, first += SUPER_BLOCK) {
    const d = readHalf(blocks, at + D);
    const dmin = readHalf(blocks, at + DMIN);
    for (let group = 0; group < SUPER_BLOCK / GROUP; group++) {
      const scale = Math.fround(d * scaleOf(blocks, at, group));
      const offset = Math.fround(dmin * minimumOf(blocks, at, group));
      for (let i = GROUP * group; i < GROUP * (group + 1); i++) {
        out[first + i] = Math.fround(scale * quarterOf(blocks, at + LEVELS, i)) - offset;
      }
    }
  }
}
