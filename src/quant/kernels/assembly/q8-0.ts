/**
 * Q8_0: `quant/blocks/q8-0.ts`, four blocks at a time.
 *
 * @module
 */
import { inverses, largestLanes, magnitudesOf32 } from './extremes';
import { halfBitsOfFour } from './half';
import { lowestBytes, roundedAway, splatLane0, splatLane1, splatLane2, splatLane3 } from './levels';

/** Bytes of a block: a scale and 32 values. */
const BLOCK: usize = 34;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeQ8_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 512, dst += 4 * BLOCK) quantizeGroup(src, dst);
}

// @ts-ignore: decorator
@inline
function quantizeGroup(src: usize, dst: usize): void {
  const a = magnitudesOf32(src);
  const b = magnitudesOf32(src + 128);
  const c = magnitudesOf32(src + 256);
  const scales = f32x4.div(largestLanes(a, b, c, magnitudesOf32(src + 384)), f32x4.splat(127));
  const inverse = inverses(scales);
  const bits = halfBitsOfFour(scales);
  v128.store16_lane(dst, bits, 0);
  quantizeBlock(src, dst, splatLane0(inverse));
  v128.store16_lane(dst + BLOCK, bits, 2);
  quantizeBlock(src + 128, dst + BLOCK, splatLane1(inverse));
  v128.store16_lane(dst + 2 * BLOCK, bits, 4);
  quantizeBlock(src + 256, dst + 2 * BLOCK, splatLane2(inverse));
  v128.store16_lane(dst + 3 * BLOCK, bits, 6);
  quantizeBlock(src + 384, dst + 3 * BLOCK, splatLane3(inverse));
}

// @ts-ignore: decorator
@inline
function quantizeBlock(src: usize, dst: usize, inverse: v128): void {
  v128.store(dst, quantizeSixteen(src, inverse), 2);
  v128.store(dst, quantizeSixteen(src + 64, inverse), 18);
}

// @ts-ignore: decorator
@inline
function quantizeSixteen(src: usize, inverse: v128): v128 {
  const a = roundedAway(f32x4.mul(v128.load(src), inverse));
  const b = roundedAway(f32x4.mul(v128.load(src, 16), inverse));
  const c = roundedAway(f32x4.mul(v128.load(src, 32), inverse));
  const d = roundedAway(f32x4.mul(v128.load(src, 48), inverse));
  return lowestBytes(a, b, c, d);
}
