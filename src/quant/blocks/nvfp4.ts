/**
 * NVFP4: 64 values of 4-bit floating point in four groups with a scale each, 4.5 bits a value.
 *
 * The scales are 8-bit floats from 2^-9 to 448, so a group without a magnitude above 0.006 becomes zero: weights are
 * expected to be brought into that range by a scale of the whole tensor, which stands outside the blocks.
 *
 * ```text
 *   byte   0             4           12          20          28          36
 *         +--+--+--+--+-----------+-----------+-----------+-----------+
 *         |s0|s1|s2|s3| 16 values | 16 values | 16 values | 16 values |   see ue4m3, pack-levels
 *         +--+--+--+--+-----------+-----------+-----------+-----------+
 *   value = halved scale of its group * doubled value, see float4
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (quantize_row_nvfp4_ref)
 * @module
 */
import type { BlockFormat } from '../block-format.js';
import { extremeOf } from './extremes.js';
import { DOUBLED_FLOAT4, nearestFloat4 } from './float4.js';
import { packNibbles } from './pack-levels.js';
import { halvedOfUe4m3, ue4m3Of } from './ue4m3.js';

const BLOCK_ELEMENTS = 64;
const BLOCK_BYTES = 36;
const GROUPS = 4;
const GROUP_ELEMENTS = 16;
const GROUP_BYTES = 8;

/** The format NVFP4; importances change nothing. */
export const NVFP4: BlockFormat = { dequantize, quantize };

const levels = new Uint8Array(GROUP_ELEMENTS);

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  let at = 0;
  let to = 0;
  for (; to < out.length; at += BLOCK_BYTES) {
    for (let group = 0; group < GROUPS; group++, to += GROUP_ELEMENTS) {
      const scale = halvedOfUe4m3(blocks[at + group]!);
      const bytesAt = at + GROUPS + GROUP_BYTES * group;
      for (let i = 0; i < GROUP_BYTES; i++) {
        const byte = blocks[bytesAt + i]!;
        out[to + i] = DOUBLED_FLOAT4[byte & 0x0f]! * scale;
        out[to + GROUP_BYTES + i] = DOUBLED_FLOAT4[byte >>> 4]! * scale;
      }
    }
  }
}

function quantize(values: Float32Array, out: Uint8Array): void {
  let at = 0;
  for (let first = 0; first < values.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    for (let group = 0; group < GROUPS; group++) {
      const from = first + GROUP_ELEMENTS * group;
      const magnitude = Math.abs(extremeOf(values, from, from + GROUP_ELEMENTS));
      const scale = ue4m3Of(Math.fround(magnitude / 6)); // 6 is the largest value of 4 bits
      out[at + group] = scale;
      nearestFloat4(values, from, halvedOfUe4m3(scale), levels);
      packNibbles(levels, out, at + GROUPS + GROUP_BYTES * group);
    }
  }
}
