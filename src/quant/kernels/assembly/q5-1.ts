/**
 * Q5_1: `quant/blocks/q5-1.ts`, four blocks at a time.
 *
 * @module
 */
import { inverses, largestOfBlocks, smallestOfBlocks } from './extremes';
import { halfBitsOfFour } from './half';
import { levelsAboveOfSixteen, splatLane0, splatLane1, splatLane2, splatLane3, storeFiveBits } from './levels';

/** Bytes of a block: a scale, a minimum, 32 fifth bits and 32 times four bits. */
const BLOCK: usize = 24;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeQ5_1(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 512, dst += 4 * BLOCK) {
    const minimum = smallestOfBlocks(src);
    const scales = f32x4.div(f32x4.sub(largestOfBlocks(src), minimum), f32x4.splat(31));
    const inverse = inverses(scales);
    const bits = v128.or(halfBitsOfFour(scales), i32x4.shl(halfBitsOfFour(minimum), 16));
    v128.store32_lane(dst, bits, 0);
    quantizeBlock(src, dst + 4, splatLane0(inverse), splatLane0(minimum));
    v128.store32_lane(dst + BLOCK, bits, 1);
    quantizeBlock(src + 128, dst + BLOCK + 4, splatLane1(inverse), splatLane1(minimum));
    v128.store32_lane(dst + 2 * BLOCK, bits, 2);
    quantizeBlock(src + 256, dst + 2 * BLOCK + 4, splatLane2(inverse), splatLane2(minimum));
    v128.store32_lane(dst + 3 * BLOCK, bits, 3);
    quantizeBlock(src + 384, dst + 3 * BLOCK + 4, splatLane3(inverse), splatLane3(minimum));
  }
}

// @ts-ignore: decorator
@inline
function quantizeBlock(src: usize, dst: usize, inverse: v128, minimum: v128): void {
  const low = levelsAboveOfSixteen(src, inverse, minimum);
  storeFiveBits(dst, low, levelsAboveOfSixteen(src + 64, inverse, minimum));
}
