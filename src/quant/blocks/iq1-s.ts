/**
 * IQ1_S: 256 values in 50 bytes, 1.5625 bits a value: runs of eight from a grid of 2,048 points.
 *
 * ```text
 *   0       2                  34                  50
 *  +-------+------------------+-------------------+
 *  |   d   | low 8 bits of    | 8 words of 16     |   a word is for 32 values, four runs of 8
 *  |       | 32 points p      | bits              |
 *  +-------+------------------+-------------------+
 *  word:   15      14   12 11    9 8     6 5     3 2     0
 *         +-------+-------+-------+-------+-------+-------+
 *         | minus |   s   | high 3 bits of p3, p2, p1, p0 |
 *         +-------+-------+-------+-------+-------+-------+
 *
 *  value = d * (1 + 2 * s) * (grid[p] + 1/8, or - 1/8 where minus is set)
 * ```
 *
 * @see https://github.com/ggml-org/llama.cpp/pull/5453
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_iq1_s)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { QuantError } from '../quant-error.js';
import { largestMagnitude } from './extremes.js';
import { BLOCK_ELEMENTS, type Cursor } from './grid-points.js';
import { sumOfSquares, weighByImportance } from './group-weights.js';
import { readHalf, writeHalf } from './half-field.js';
import { SHIFT, writeShiftedPoint } from './iq1-points.js';
import { nearestInt } from './nearest-int.js';
import {
  LARGEST_FLOAT32,
  LEVELS_DOWN,
  LEVELS_UP,
  type Split,
  type TernaryGroup,
  fitPoints,
  sortGroup,
} from './ternary-fitter.js';
import { readShort, writeShort } from './words-field.js';

const BLOCK_BYTES = 50;
const POINTS_AT = 2;
const WORDS_AT = 34;
const GROUP_ELEMENTS = 32;
const GROUPS = BLOCK_ELEMENTS / GROUP_ELEMENTS;
const RUNS = 4;

/** A group whose largest magnitude is below this counts as zeros. */
const SMALLEST_MAGNITUDE = Math.fround(1e-12);

/** By how much the stored scale is larger than the one that was fitted; ggml found it to do well. */
const SCALE_FACTOR = 1.125;

/** The block format of ggml type 19. */
export const IQ1_S: BlockFormat = { dequantize, quantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const cursor: Cursor = { out, at: 0 };
  for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
    const blockScale = readHalf(blocks, at);
    for (let group = 0; group < GROUPS; group++) {
      const word = readShort(blocks, at + WORDS_AT + 2 * group);
      const scale = Math.fround(blockScale * (2 * ((word >>> 12) & 7) + 1));
      const shift = word & 0x8000 ? -SHIFT : SHIFT;
      for (let run = 0; run < RUNS; run++) {
        const point = blocks[at + POINTS_AT + RUNS * group + run]! | (((word >>> (3 * run)) & 7) << 8);
        writeShiftedPoint(cursor, point, scale, shift);
      }
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  if (importance === undefined) {
    throw new QuantError('quant/no-encoder', 'iq1_s is quantized only with importances, and there are none');
  }
  for (let at = 0, first = 0; first < values.length; at += BLOCK_BYTES, first += BLOCK_ELEMENTS) {
    const column = first % importance.length;
    const own = importance.subarray(column, column + BLOCK_ELEMENTS);
    quantizeBlock(values.subarray(first, first + BLOCK_ELEMENTS), own, out.subarray(at, at + BLOCK_BYTES));
  }
}

function quantizeBlock(values: Float32Array, importance: Float32Array, block: Uint8Array): void {
  const meanSquare = Math.fround(Math.fround(2 * sumOfSquares(values)) / BLOCK_ELEMENTS);
  const scales = new Float32Array(GROUPS);
  const words = new Uint16Array(GROUPS);
  let largest = 0;
  block.fill(0);
  for (let group = 0; group < GROUPS; group++) {
    const first = group * GROUP_ELEMENTS;
    const members = values.subarray(first, first + GROUP_ELEMENTS);
    if (largestMagnitude(members, 0, GROUP_ELEMENTS) < SMALLEST_MAGNITUDE) continue;
    const weights = new Float32Array(GROUP_ELEMENTS);
    weighByImportance(members, importance.subarray(first, first + GROUP_ELEMENTS), meanSquare, weights);
    const sorted = sortGroup(members, weights);
    const split = bestSplit(sorted);
    if (split === undefined) continue;
    const { scale, points, minus } = fitPoints(sorted, split);
    points.forEach((point, run) => {
      block[POINTS_AT + RUNS * group + run] = point;
      words[group]! |= (point >>> 8) << (3 * run);
    });
    if (minus[0]!) words[group]! |= 0x8000;
    scales[group] = scale;
    largest = largest > scale ? largest : scale;
  }
  writeScales(block, scales, words, Math.fround(largest / 15));
}

function writeScales(block: Uint8Array, scales: Float32Array, words: Uint16Array, unit: number): void {
  const empty = scales.every((scale) => scale === 0);
  writeHalf(block, 0, Math.fround(unit * SCALE_FACTOR));
  const inverse = Math.fround(1 / unit);
  words.forEach((word, group) => {
    const step = nearestInt(Math.fround(0.5 * Math.fround(Math.fround(inverse * scales[group]!) - 1)));
    // a block without scales keeps its points, but no shifts
    const top = empty ? word & 0xfff : word | (Math.max(0, Math.min(7, step)) << 12);
    writeShort(block, WORDS_AT + 2 * group, top);
  });
}

/** The split with the least weighted square error; undefined where no value counts. */
function bestSplit({ values, weights, order }: TernaryGroup): Split | undefined {
  const valueSums = new Float32Array(GROUP_ELEMENTS + 1); // up to each place of the order
  const weightSums = new Float32Array(GROUP_ELEMENTS + 1);
  order.forEach((index, place) => {
    valueSums[place + 1] = valueSums[place]! + Math.fround(weights[index]! * values[index]!);
    weightSums[place + 1] = weightSums[place]! + weights[index]!;
  });
  let best: Split | undefined;
  let score = -LARGEST_FLOAT32;
  for (let lower = 0; lower <= GROUP_ELEMENTS; lower++) {
    for (let upper = lower; upper <= GROUP_ELEMENTS; upper++) {
      for (const levels of [LEVELS_UP, LEVELS_DOWN]) {
        const valueLevel = inThree(valueSums, lower, upper, levels, false);
        const levelLevel = inThree(weightSums, lower, upper, levels, true);
        if (!(levelLevel > 0 && Math.fround(valueLevel * valueLevel) > Math.fround(score * levelLevel))) continue;
        const scale = Math.fround(valueLevel / levelLevel);
        score = Math.fround(scale * valueLevel);
        best = { scale, lower, upper, minus: [levels === LEVELS_DOWN] };
      }
    }
  }
  return best;
}

/** The sums of three parts, each times its level, or times the level's square. */
function inThree(
  sums: Float32Array,
  lower: number,
  upper: number,
  levels: readonly number[],
  squared: boolean,
): number {
  const low = timesLevel(sums[lower]!, levels[0]!, squared);
  const middle = timesLevel(Math.fround(sums[upper]! - sums[lower]!), levels[1]!, squared);
  const high = timesLevel(Math.fround(sums[GROUP_ELEMENTS]! - sums[upper]!), levels[2]!, squared);
  return Math.fround(Math.fround(low + middle) + high);
}

function timesLevel(sum: number, level: number, squared: boolean): number {
  const once = Math.fround(sum * level);
  return squared ? Math.fround(once * level) : once;
}
