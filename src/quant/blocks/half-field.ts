/**
 * A half precision number inside a block: how ggml stores the scales of almost every format.
 *
 * The quantizers go on computing with the float32 scale, not with the half that is stored, unless a format
 * says otherwise; so a block's levels fit a scale that its reader sees only rounded.
 *
 * ```text
 *   byte   at            at + 1
 *         +-------------+-------------+
 *         | low 8 bits  | high 8 bits |   little-endian, at any byte position
 *         +-------------+-------------+
 * ```
 *
 * @see ../float16.ts
 * @module
 */
import { float32BitsOfHalf, halfOfFloat32Bits } from '../float16.js';
import { bitsOf } from '../words.js';

const value = new Float32Array(1);
const bits = bitsOf(value);

/** The half precision number at byte `at`; exact. */
export function readHalf(bytes: Uint8Array, at: number): number {
  bits[0] = float32BitsOfHalf(bytes[at]! | (bytes[at + 1]! << 8));
  return value[0]!;
}

/** Writes a float32 number as half precision at byte `at`, rounded to nearest, ties to even. */
export function writeHalf(bytes: Uint8Array, at: number, float32: number): void {
  value[0] = float32;
  const half = halfOfFloat32Bits(bits[0]!);
  bytes[at] = half;
  bytes[at + 1] = half >>> 8;
}
