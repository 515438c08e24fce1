/**
 * Q4_0: `quant/blocks/q4-0.ts`, four blocks at a time.
 *
 * @module
 */
import { firstExtremes, inverses, offsets } from './extremes';
import { halfBitsOfFour } from './half';
import { levelsOfSixteen, splatLane0, splatLane1, splatLane2, splatLane3, storeNibbles } from './levels';

/** Bytes of a block: a scale and 32 levels of 4 bits. */
const BLOCK: usize = 18;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeQ4_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 512, dst += 4 * BLOCK) {
    const scales = f32x4.mul(firstExtremes(src), f32x4.splat(-0.125));
    const inverse = inverses(scales);
    const offset = offsets(scales, 8.5);
    const bits = halfBitsOfFour(scales);
    v128.store16_lane(dst, bits, 0);
    quantizeBlock(src, dst + 2, splatLane0(inverse), splatLane0(offset));
    v128.store16_lane(dst + BLOCK, bits, 2);
    quantizeBlock(src + 128, dst + BLOCK + 2, splatLane1(inverse), splatLane1(offset));
    v128.store16_lane(dst + 2 * BLOCK, bits, 4);
    quantizeBlock(src + 256, dst + 2 * BLOCK + 2, splatLane2(inverse), splatLane2(offset));
    v128.store16_lane(dst + 3 * BLOCK, bits, 6);
    quantizeBlock(src + 384, dst + 3 * BLOCK + 2, splatLane3(inverse), splatLane3(offset));
  }
}

// @ts-ignore: decorator
@inline
function quantizeBlock(src: usize, dst: usize, inverse: v128, offset: v128): void {
  const largest = i8x16.splat(15);
  const low = i8x16.min_u(levelsOfSixteen(src, inverse, offset), largest);
  storeNibbles(dst, low, i8x16.min_u(levelsOfSixteen(src + 64, inverse, offset), largest));
}
