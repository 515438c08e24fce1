/**
 * Q8_K: 256 values as signed bytes, with the sums of every 16 levels, 9.125 bits a value.
 *
 * Nothing is stored in files this way: ggml makes such blocks of the activations that meet the K formats. It is the
 * only block format whose scale is single precision, and it is only read.
 *
 * ```text
 *   byte   0       4                            260                      292
 *         +-------+----------------------------+------------------------+
 *         |   d   | 256 levels, signed bytes   | 16 sums, signed 16-bit |   value = d * level
 *         +-------+----------------------------+------------------------+
 * ```
 *
 * @see https://github.com/ggml-org/ggml/blob/master/src/ggml-quants.c (dequantize_row_q8_K)
 * @module
 */
import type { BlockFormat } from '../block-format.js';

const BLOCK_ELEMENTS = 256;
const BLOCK_BYTES = 292;

/** The format Q8_K, read only. */
export const Q8_K: BlockFormat = { dequantize };

function dequantize(blocks: Uint8Array, out: Float32Array): void {
  const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  let at = 0;
  for (let first = 0; first < out.length; first += BLOCK_ELEMENTS, at += BLOCK_BYTES) {
    const d = view.getFloat32(at, true);
    for (let i = 0; i < BLOCK_ELEMENTS; i++) out[first + i] = ((blocks[at + 4 + i]! << 24) >> 24) * d;
  }
}
