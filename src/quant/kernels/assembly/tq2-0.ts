/**
 * TQ2_0: `quant/blocks/tq2-0.ts`.
 *
 * @module
 */
import { inverses, largestLanes } from './extremes';
import { halfBitsOfFour } from './half';
import { magnitudesOf256, ternaryOfSixteen } from './ternary';

/** Bytes of a block: 256 levels of two bits and a scale. */
const BLOCK: usize = 66;

/** Quantizes `length` values, whole blocks. */
export function quantizeTQ2_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 1024, dst += BLOCK) {
    const magnitudes = magnitudesOf256(src);
    const scale = largestLanes(magnitudes, magnitudes, magnitudes, magnitudes);
    const inverse = inverses(scale);
    v128.store16_lane(dst, halfBitsOfFour(scale), 0, 64);
    v128.store(dst, packedLevels(src, inverse));
    v128.store(dst, packedLevels(src + 64, inverse), 16);
    v128.store(dst, packedLevels(src + 512, inverse), 32);
    v128.store(dst, packedLevels(src + 576, inverse), 48);
  }
}

/** Four levels to a byte, of values that are 32 apart; level -1 is stored as 0. */
// @ts-ignore: decorator
@inline
function packedLevels(src: usize, inverse: v128): v128 {
  const one = i8x16.splat(1);
  const a = i8x16.add(ternaryOfSixteen(src, inverse), one);
  const b = i8x16.add(ternaryOfSixteen(src + 128, inverse), one);
  const c = i8x16.add(ternaryOfSixteen(src + 256, inverse), one);
  const d = i8x16.add(ternaryOfSixteen(src + 384, inverse), one);
  const low = v128.or(a, i16x8.shl(b, 2));
  return v128.or(low, v128.or(i16x8.shl(c, 4), i16x8.shl(d, 6)));
}
