/**
 * IQ1_M: 256 values in 56 bytes, 1.75 bits a value: runs of eight from the grid of IQ1_S.
 *
 * The scale of the block has no place of its own: its four hexadecimal digits fill the top of four words.
 *
 * ```text
 *   0                32                   48                 56
 *  +----------------+--------------------+------------------+
 *  | low 8 bits of  | 32 halves of bytes | 4 words of 16    |   a word is for 64 values, a scale s for 16,
 *  | 32 points p    | low half first     | bits             |   a half of a byte for 8
 *  +----------------+--------------------+------------------+
 *   half:  3       2   0               word:  15     12 11   9 8    6 5    3 2    0
 *         +-------+-----+                    +---------+------+------+------+------+
 *         | minus | high|  3 bits of p       | digit   |  s3  |  s2  |  s1  |  s0  |
 *         +-------+-----+                    +---------+------+------+------+------+
 *
 *  value = d * (1 + 2 * s) * (grid[p] + 1/8, or - 1/8 where minus is set); the first word has d's lowest digit
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/6302
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq1_m)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { largestMagnitude } from './extremes.js';
import { BLOCK_ELEMENTS, type Cursor } from './grid-points.js';
import { sumOfSquares, weighByImportance, weighBySquare } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { gridOf } from './grids.js';
import { POINT_ELEMENTS, SHIFT, writeShiftedPoint } from './iq1-points.js';
import { bestSplitOfHalves } from './halves-split.js';
import { nearestInt } from './nearest-int.js';
import { LEVELS_DOWN, LEVELS_UP, fitPoints, sortGroup } from './ternary-fitter.js';
import { readShort, writeShort } from './words-field.js';

const BLOCK_BYTES = 56;
const HALVES_AT = 32;
const WORDS_AT = 48;
const WORDS = 4;
const GROUP_ELEMENTS = 16;
const GROUPS = BLOCK_ELEMENTS / GROUP_ELEMENTS;

/** A group whose largest magnitude is below this counts as zeros. */
const SMALLEST_MAGNITUDE = Math.fround(1e-7);

/** By how much the stored scale is larger than the one that was fitted; ggml found it to do well. */
const SCALE_FACTOR = Math.fround(1.1125);

/** The block format of ggml type 29. */
export const IQ1_M: BlockFormat = { dequantize, quantize };

const gathered = new Uint8Array(2);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readScatteredHalf(blocks, at);
    for (let run = 0; run < BLOCK_ELEMENTS / 8; run++) {
      const word = readShort(blocks, at + WORDS_AT + 2 * (run >>> 3));
      const scale = Math.fround(blockScale * (2 * ((word >>> (3 * ((run >>> 1) & 3))) & 7) + 1));
      const half = blocks[at + HALVES_AT + (run >>> 1)]! >>> (4 * (run & 1));
      const point = blocks[at + run]! | ((half & 7) << 8);
      writeShiftedPoint(cursor, point, scale, half & 8 ? -SHIFT : SHIFT);
    }
  }
}

function readScatteredHalf(blocks: Uint8Array, at: number): number {
  let half = 0;
  for (let word = 0; word < WORDS; word++) half |= (blocks[at + WORDS_AT + 2 * word + 1]! >>> 4) << (4 * word);
  writeShort(gathered, 0, half);
  return readHalf(gathered, 0);
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const weights = new Float32Array(BLOCK_ELEMENTS);
  for (let at = 0, first = 0; first < values.length; at += BLOCK_BYTES, first += BLOCK_ELEMENTS) {
    const block = values.subarray(first, first + BLOCK_ELEMENTS);
    if (importance === undefined) {
      weighBySquare(block, weights);
    } else {
      const column = first % importance.length;
      const meanSquare = Math.fround(Math.fround(2 * sumOfSquares(block)) / BLOCK_ELEMENTS);
      weighByImportance(block, importance.subarray(column, column + BLOCK_ELEMENTS), meanSquare, weights);
    }
    quantizeBlock(block, weights, out.subarray(at, at + BLOCK_BYTES));
  }
}

function quantizeBlock(values: Float32Array, weights: Float32Array, block: Uint8Array): void {
  const scales = new Float32Array(GROUPS);
  const shifts = new Uint8Array(GROUPS); // the bits of a pair of halves that say minus
  let largest = 0;
  block.fill(0);
  for (let group = 0; group < GROUPS; group++) {
    const first = group * GROUP_ELEMENTS;
    const members = values.subarray(first, first + GROUP_ELEMENTS);
    if (largestMagnitude(members, 0, GROUP_ELEMENTS) < SMALLEST_MAGNITUDE) continue;
    const sorted = sortGroup(members, weights.subarray(first, first + GROUP_ELEMENTS));
    const split = bestSplitOfHalves(sorted);
    if (split === undefined) continue;
    const { scale, points, minus } = fitPoints(sorted, split);
    block.set(points, 2 * group); // the low 8 bits of each
    block[HALVES_AT + group] = (points[0]! >>> 8) | ((points[1]! >>> 8) << 4);
    shifts[group] = (minus[0]! ? 0x08 : 0) | (minus[1]! ? 0x80 : 0);
    scales[group] = scale;
    largest = largest > scale ? largest : scale;
  }
  if (largest === 0) return;
  shifts.forEach((bits, group) => (block[HALVES_AT + group]! |= bits));
  const unit = Math.fround(largest / 15);
  const inverse = Math.fround(1 / unit);
  const steps = Uint8Array.from(scales, (scale) => {
    const step = nearestInt(Math.fround(0.5 * Math.fround(Math.fround(inverse * scale) - 1)));
    return Math.max(0, Math.min(7, step));
  });
  writeScales(block, steps, Math.fround(blockScaleOf(block, steps, values, weights, unit) * SCALE_FACTOR));
}

/** The scale that is best for the points, shifts and steps of a whole block; `otherwise` where no value counts. */
function blockScaleOf(
  block: Uint8Array,
  steps: Uint8Array,
  values: Float32Array,
  weights: Float32Array,
  otherwise: number,
): number {
  const { ranks } = gridOf('iq1_s');
  let valueLevel = 0;
  let levelLevel = 0;
  for (let i = 0; i < BLOCK_ELEMENTS; i++) {
    const run = Math.floor(i / POINT_ELEMENTS);
    const half = block[HALVES_AT + (run >>> 1)]! >>> (4 * (run & 1));
    const rank = ranks[(block[run]! | ((half & 7) << 8)) * POINT_ELEMENTS + (i % POINT_ELEMENTS)]!;
    const level = (half & 8 ? LEVELS_DOWN : LEVELS_UP)[rank]! * (2 * steps[run >>> 1]! + 1); // exact
    const weighted = Math.fround(weights[i]! * level);
    valueLevel = Math.fround(valueLevel + Math.fround(weighted * values[i]!));
    levelLevel = Math.fround(levelLevel + Math.fround(weighted * level));
  }
  return levelLevel > 0 ? Math.fround(valueLevel / levelLevel) : otherwise;
}

function writeScales(block: Uint8Array, steps: Uint8Array, blockScale: number): void {
  writeHalf(gathered, 0, blockScale);
  const half = readShort(gathered, 0);
  for (let word = 0; word < WORDS; word++) {
    let bits = ((half >>> (4 * word)) & 15) << 12;
    for (let i = 0; i < 4; i++) bits |= steps[4 * word + i]! << (3 * i);
    writeShort(block, WORDS_AT + 2 * word, bits);
  }
}
