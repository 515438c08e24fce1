/**
 * Q4_1: 32 values in four bits with a scale and an offset, 5 bits a value.
 *
 * The offset is the smallest value of the block, so a block that lies on one side of zero uses all its levels; but
 * zero itself need not be among the values that a block can hold. With importances the offset is fitted, and never
 * above zero.
 *
 * ```text
 *   byte   0     2     4                              20
 *         +-----+-----+------------------------------+
 *         |  d  |  m  | 32 levels, see pack-levels   |   value = d * level + m
 *         +-----+-----+------------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_q4_1_ref, quantize_row_q4_1_impl)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf, writeHalf } from './half-field.js';
import { fitOffsetLevels } from './offset-levels.js';
import { packNibbles } from './pack-levels.js';
import { IMPORTANCE_SEARCH, fitScaleAndOffset } from './scale-min-search.js';
import { forEachWeightedBlock } from './weighted-blocks.js';

const BLOCK_ELEMENTS = 32;
const HALF_ELEMENTS = 16;
const BLOCK_BYTES = 20;
const LARGEST_LEVEL = 15;

const WEIGHTED_SEARCH = { ...IMPORTANCE_SEARCH, top: LARGEST_LEVEL };

/** The format Q4_1. */
export const Q4_1: BlockFormat = { dequantize, quantize };

const levels = new Uint8Array(BLOCK_ELEMENTS);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = readHalf(blocks, at);
    const m = readHalf(blocks, at + 2);
    for (let i = 0; i < HALF_ELEMENTS; i++) {
      const byte = blocks[at + 4 + i]!;
      out[first + i] = Math.fround((byte & 0x0f) * d) + m;
      out[first + HALF_ELEMENTS + i] = Math.fround((byte >>> 4) * d) + m;
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
  packNibbles(levels, out, at + 4);
}
