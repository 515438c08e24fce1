/**
 * Q6_K: 256 values in 210 bytes, 6.5625 bits each.
 *
 * ```text
 *   byte   0                          128                     192              208  210
 *         +--------------------------+-----------------------+----------------+----+
 *         | low 4 bits of the levels:| high 2 bits: 2 halves | 16 scales,     | d  |
 *         | 2 halves of 64 bytes     | of 32 bytes           | int8           | f16|
 *         +--------------------------+-----------------------+----------------+----+
 *
 *   value = d * scale[group] * (level - 32)        16 groups of 16
 * ```
 *
 * In a half, value 32 r + i (r from 0 to 3) has its low bits in byte i or 32 + i (odd r), nibble low for r < 2, and its
 * high bits in byte i, bits 2 r.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h (block_q6_K)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { readHalf, writeHalf } from './half-field.js';
import { nearestInt } from './nearest-int.js';
import { SUPER_BLOCK } from './offset-super-block.js';
import { fitScale } from './scale-search.js';

const BLOCK_BYTES = 210;
const HIGH_BITS = 128;
const SCALES = 192;
const D = 208;
const GROUP = 16;
const GROUPS = SUPER_BLOCK / GROUP;

/** Levels go from -32 to 31. */
const TOP = 32;

/** Scales below this count as zero. */
const SMALLEST = Math.fround(1e-15);

const f = Math.fround;

/** The format. */
export const Q6_K: BlockFormat = { dequantize, quantize };

function quantize(values: Float32Array, out: Uint8Array, importance?: Float32Array): void {
  const levels = new Uint8Array(SUPER_BLOCK);
  const fits = new Float32Array(GROUPS);
  for (let first = 0, at = 0; first < values.length; first += SUPER_BLOCK, at += BLOCK_BYTES) {
    const block = values.subarray(first, first + SUPER_BLOCK);
    const column = importance === undefined ? 0 : first % importance.length;
    let extreme = 0;
    for (let group = 0; group < GROUPS; group++) {
      const [start, end] = [GROUP * group, GROUP * (group + 1)];
      const weights = importance?.subarray(column + start, column + end);
      fits[group] = fitScale(block.subarray(start, end), weights, TOP, levels.subarray(start, end));
      if (Math.abs(fits[group]!) > Math.abs(extreme)) extreme = fits[group]!;
    }
    if (Math.abs(extreme) < SMALLEST) {
      out.fill(0, at, at + BLOCK_BYTES);
      continue;
    }
    const inverse = f(-128 / extreme);
    writeHalf(out, at + D, f(1 / inverse));
    fits.forEach((scale, group) => (out[at + SCALES + group] = Math.min(127, nearestInt(f(inverse * scale)))));
    findLevels(block, out, at, levels);
    packLevels(levels, out, at);
  }
}

/** The levels for the scales that a reader will see; those of a group whose scale became zero stay. */
function findLevels(block: Float32Array, out: Uint8Array, at: number, levels: Uint8Array): void {
  const d = readHalf(out, at + D);
  for (let group = 0; group < GROUPS; group++) {
    const scale = f(d * signed(out[at + SCALES + group]!));
    if (scale === 0) continue;
    for (let i = GROUP * group; i < GROUP * (group + 1); i++) {
      levels[i] = TOP + Math.max(-TOP, Math.min(TOP - 1, nearestInt(f(block[i]! / scale))));
    }
  }
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function packLevels(levels: Uint8Array, out: Uint8Array, at: number): void {
  for (let half = 0; half < 2; half++) {
    for (let i = 0; i < 32; i++) {
      const level = (run: number): number => levels[128 * half + 32 * run + i]!;
      out[at + 64 * half + i] = (level(0) & 0x0f) | ((level(2) & 0x0f) << 4);
      out[at + 64 * half + 32 + i] = (level(1) & 0x0f) | ((level(3) & 0x0f) << 4);
      let high = 0;
      for (let run = 0; run < 4; run++) high |= (level(run) >>> 4) << (2 * run);
      out[at + HIGH_BITS + 32 * half + i] = high;
    }
  }
}

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  for (let at = 0, first = 0; at < blocks.length; at += BLOCK_BYTES, first += SUPER_BLOCK) {
    const d = readHalf(blocks, at + D);
    for (let group = 0; group < GROUPS; group++) {
      const scale = f(d * signed(blocks[at + SCALES + group]!));
      for (let i = GROUP * group; i < GROUP * (group + 1); i++) {
        const half = i >>> 7;
        const run = (i >>> 5) & 3;
        const low = blocks[at + 64 * half + 32 * (run & 1) + (i & 31)]! >>> (run < 2 ? 0 : 4);
        const high = blocks[at + HIGH_BITS + 32 * half + (i & 31)]! >>> (2 * run);
        out[first + i] = scale * (((low & 0x0f) | ((high & 3) << 4)) - TOP);
      }
    }
  }
}
