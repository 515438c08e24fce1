/**
 * Q2_0: `quant/blocks/q2-0.ts`, four blocks at a time.
 *
 * @module
 */
import { inverses, largestLanes, offsets } from './extremes';
import { halfBitsOfFour } from './half';
import { splatLane0, splatLane1, splatLane2, splatLane3 } from './levels';
import { magnitudesOf64, ternaryOfSixteen } from './ternary';

/** Bytes of a block: a scale and 64 levels of two bits. */
const BLOCK: usize = 18;

/** Bytes of the values of a block. */
const VALUES: usize = 256;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeQ2_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 4 * VALUES, dst += 4 * BLOCK) {
    const a = magnitudesOf64(src);
    const b = magnitudesOf64(src + VALUES);
    const c = magnitudesOf64(src + 2 * VALUES);
    const scales = largestLanes(a, b, c, magnitudesOf64(src + 3 * VALUES));
    const inverse = inverses(scales);
    const bits = halfBitsOfFour(scales);
    // level 0 is stored as 1; of a scale without an inverse all levels are the lowest, 0
    const ups = i32x4.trunc_sat_f32x4_u(offsets(scales, 1));
    v128.store16_lane(dst, bits, 0);
    quantizeBlock(src, dst + 2, splatLane0(inverse), i32x4.extract_lane(ups, 0));
    v128.store16_lane(dst + BLOCK, bits, 2);
    quantizeBlock(src + VALUES, dst + BLOCK + 2, splatLane1(inverse), i32x4.extract_lane(ups, 1));
    v128.store16_lane(dst + 2 * BLOCK, bits, 4);
    quantizeBlock(src + 2 * VALUES, dst + 2 * BLOCK + 2, splatLane2(inverse), i32x4.extract_lane(ups, 2));
    v128.store16_lane(dst + 3 * BLOCK, bits, 6);
    quantizeBlock(src + 3 * VALUES, dst + 3 * BLOCK + 2, splatLane3(inverse), i32x4.extract_lane(ups, 3));
  }
}

// @ts-ignore: decorator
@inline
function quantizeBlock(src: usize, dst: usize, inverse: v128, up: i32): void {
  const ups = i8x16.splat(<i8>up);
  for (const end = src + VALUES; src < end; src += 64, dst += 4) {
    const levels = i8x16.add(ternaryOfSixteen(src, inverse), ups);
    // four neighbouring bytes of two bits each become one: first pairs of bytes, then pairs of pairs
    const pairs = v128.or(levels, i16x8.shr_u(levels, 6));
    const fours = v128.or(pairs, i32x4.shr_u(pairs, 12));
    store<u32>(dst, lowestBytesOfLanes(fours));
  }
}

/** The lowest byte of each of four lanes, side by side. */
// @ts-ignore: decorator
@inline
function lowestBytesOfLanes(lanes: v128): u32 {
  return i32x4.extract_lane(v128.swizzle(lanes, i8x16(0, 4, 8, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), 0);
}
