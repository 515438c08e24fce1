/**
 * Q5_1: 32 values in five bits with a scale and an offset, 6 bits a value.
 *
 * The offset is the smallest value of the block, or fitted and never above zero with importances, as in Q4_1; the
 * fifth bits stand together, as in Q5_0.
 *
 * ```text
 *   byte   0     2     4              8                              24
 *         +-----+-----+--------------+------------------------------+
 *         |  d  |  m  | fifth bits   | low four bits of 32 levels,  |   value = d * level + m
 *         |     |     |              | see pack-levels              |
 *         +-----+-----+--------------+------------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q5_1_ref, quantize_row_q5_1_impl)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf, writeHalf } from './half-field.js';
import { fitOffsetLevels } from './offset-levels.js';
import { packFifthBits, packNibbles, readFifthBits } from './pack-levels.js';
import { IMPORTANCE_SEARCH, fitScaleAndOffset } from './scale-min-search.js';
import { forEachWeightedBlock } from './weighted-blocks.js';

const BLOCK_ELEMENTS = 32;
const HALF_ELEMENTS = 16;
const BLOCK_BYTES = 24;
const LARGEST_LEVEL = 31;

const WEIGHTED_SEARCH = { ...IMPORTANCE_SEARCH, top: LARGEST_LEVEL };

/** The format Q5_1. */
export const Q5_1: BlockFormat = { dequantize, quantize };

const levels = new Uint8Array(BLOCK_ELEMENTS);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    const m = readHalf(blocks, at + 2);
    const fifths = readFifthBits(blocks, at + 4);
    for (let i = 0; i < HALF_ELEMENTS; i++) {
      const byte = blocks[at + 8 + i]!;
      const low = (byte & 0x0f) + (((fifths >>> i) & 1) << 4);
      const high = (byte >>> 4) + (((fifths >>> (HALF_ELEMENTS + i)) & 1) << 4);
      out[first + i] = Math.fround(low * d) + m;
      out[first + HALF_ELEMENTS + i] = Math.fround(high * d) + m;
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  if (importance === undefined) {
    for (let block = 0; block < values.length / BLOCK_ELEMENTS; block++) {
      const { d, m } = fitOffsetLevels(values, BLOCK_ELEMENTS * block, LARGEST_LEVEL, levels);
      writeBlock(d, m, out, BLOCK_BYTES * block);
    }
  } else {
    forEachWeightedBlock(values, importance, (members, weights, block) => {
      const { scale, offset } = fitScaleAndOffset(members, weights, WEIGHTED_SEARCH, levels);
      writeBlock(scale, -offset, out, BLOCK_BYTES * block);
    });
  }
}

function writeBlock(d: number, m: number, out: Uint8Array, at: number): void {
  writeHalf(out, at, d);
  writeHalf(out, at + 2, m);
  packFifthBits(levels, out, at + 4);
  packNibbles(levels, out, at + 8);
}
