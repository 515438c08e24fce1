/**
 * Q3_K: 256 values in 110 bytes, 3.4375 bits each.
 *
 * ```text
 *   byte   0                     32                    96                        108  110
 *         +---------------------+---------------------+-------------------------+----+
 *         | third bits: bit b   | low 2 bits of the   | 16 scales of 6 bits,    | d  |
 *         | of byte i is value  | levels,             | less 32: low 4 bits in  | f16|
 *         | 32 b + i            | see quarters.ts     | 8 bytes, high 2 in 4    |    |
 *         +---------------------+---------------------+-------------------------+----+
 *
 *   value = d * (scale[group] - 32) * (level - 4)        16 groups of 16
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (block_q3_K)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { sumOfSquares, weighByImportance } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { nearestInt } from './nearest-int.js';
import { SUPER_BLOCK } from './offset-super-block.js';
import { packQuarters, quarterOf } from './quarters.js';
import { fitScale, fitScaleByMoving } from './scale-search.js';

const BLOCK_BYTES = 110;
const LEVELS = 32;
const SCALES = 96;
const D = 108;
const GROUP = 16;
const GROUPS = SUPER_BLOCK / GROUP;

/** Levels go from -4 to 3, scales from -32 to 31. */
const TOP = 4;
const SCALE_TOP = 32;

const f = Math.fround;

/** The format. */
export const Q3_K: BlockFormat = { dequantize, quantize };

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const levels = new Uint8Array(SUPER_BLOCK);
  const scales = new Uint8Array(GROUPS);
  for (let first = 0, at = 0; first < values.length; first += SUPER_BLOCK, at += BLOCK_BYTES) {
    const block = values.subarray(first, first + SUPER_BLOCK);
    const column = importance === undefined ? 0 : first % importance.length;
    const d =
      importance === undefined
        ? fitPlainly(block, levels, scales)
        : fitByImportance(block, importance.subarray(column, column + SUPER_BLOCK), levels, scales);
    writeHalf(out, at + D, d);
    packScales(scales, out, at + SCALES);
    findLevels(block, readHalf(out, at + D), scales, levels);
    packThirdBits(levels, out, at);
    packQuarters(levels, out, at + LEVELS);
  }
}

function fitPlainly(block: Float32Array, levels: Uint8Array, scales: Uint8Array): number {
  const fits = new Float32Array(GROUPS);
  let extreme = 0;
  for (let group = 0; group < GROUPS; group++) {
    const [first, end] = [GROUP * group, GROUP * (group + 1)];
    const scale = fitScaleByMoving(block.subarray(first, end), TOP, levels.subarray(first, end));
    fits[group] = scale;
    if (Math.abs(scale) > Math.abs(extreme)) extreme = scale;
  }
  if (extreme === 0) {
    scales.fill(0);
    return 0;
  }
  const inverse = f(-SCALE_TOP / extreme);
  fits.forEach((scale, group) => {
    const level = (nearestInt(f(inverse * scale)) << 24) >> 24; // an int8 in C
    scales[group] = SCALE_TOP + Math.max(-SCALE_TOP, Math.min(SCALE_TOP - 1, level));
  });
  return f(1 / inverse);
}

function fitByImportance(
  block: Float32Array,
  importance: Float32Array,
  levels: Uint8Array,
  scales: Uint8Array,
): number {
  const meanSquare = f(f(2 * sumOfSquares(block)) / SUPER_BLOCK);
  const weights = new Float32Array(GROUP);
  const sums = new Float32Array(GROUPS);
  const fits = new Float32Array(GROUPS);
  for (let group = 0; group < GROUPS; group++) {
    const [first, end] = [GROUP * group, GROUP * (group + 1)];
    const members = block.subarray(first, end);
    weighByImportance(members, importance.subarray(first, end), meanSquare, weights);
    for (const weight of weights) sums[group] = sums[group]! + weight;
    fits[group] = fitScale(members, weights, TOP, levels.subarray(first, end));
  }
  return fitScale(fits, sums, SCALE_TOP, scales);
}

/** The levels for the scales that a reader will see; those of a group whose scale became zero stay. */
function findLevels(block: Float32Array, d: number, scales: Uint8Array, levels: Uint8Array): void {
  for (let group = 0; group < GROUPS; group++) {
    const scale = f(d * (scales[group]! - SCALE_TOP));
    if (scale === 0) continue;
    for (let i = GROUP * group; i < GROUP * (group + 1); i++) {
      levels[i] = TOP + Math.max(-TOP, Math.min(TOP - 1, nearestInt(f(block[i]! / scale))));
    }
  }
}

function packScales(scales: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < 8; i++) out[at + i] = (scales[i]! & 0x0f) | ((scales[i + 8]! & 0x0f) << 4);
  for (let i = 0; i < 4; i++) {
    let high = 0;
    for (let run = 0; run < 4; run++) high |= (scales[4 * run + i]! >>> 4) << (2 * run);
    out[at + 8 + i] = high;
  }
}

function scaleOf(blocks: Uint8Array, at: number, group: number): number {
  const low = (blocks[at + (group & 7)]! >>> (group < 8 ? 0 : 4)) & 0x0f;
  const high = (blocks[at + 8 + (group & 3)]! >>> (2 * (group >>> 2))) & 3;
  return (low | (high << 4)) - SCALE_TOP;
}

function packThirdBits(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < 32; i++) {
    let bits = 0;
    for (let run = 0; run < 8; run++) bits |= (levels[32 * run + i]! >>> 2) << run;
    out[at + i] = bits;
  }
}

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; at < blocks.length; at += BLOCK_BYTES, first += SUPER_BLOCK) {
    const d = readHalf(blocks, at + D);
    for (let group = 0; group < GROUPS; group++) {
      const scale = f(d * scaleOf(blocks, at + SCALES, group));
      for (let i = GROUP * group; i < GROUP * (group + 1); i++) {
        const third = (blocks[at + (i & 31)]! >>> (i >>> 5)) & 1;
        out[first + i] = scale * (quarterOf(blocks, at + LEVELS, i) + 4 * third - TOP);
      }
    }
  }
}
