/**
 * TQ1_0: `quant/blocks/tq1-0.ts`.
 *
 * @module
 */
import { inverses, largestLanes } from './extremes';
import { halfBitsOfFour } from './half';
import { magnitudesOf256, ternaryOfSixteen } from './ternary';

/** Bytes of a block: 240 levels, five to a byte, 16 levels, four to a byte, and a scale. */
const BLOCK: usize = 54;

/** Quantizes `length` values, whole blocks. */
export function quantizeTQ1_0(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 1024, dst += BLOCK) {
    const magnitudes = magnitudesOf256(src);
    const scale = largestLanes(magnitudes, magnitudes, magnitudes, magnitudes);
    const inverse = inverses(scale);
    v128.store(dst, packedFives(src, 128, inverse));
    v128.store(dst, packedFives(src + 64, 128, inverse), 16);
    v128.store(dst, packedFives(src + 640, 64, inverse), 32);
    v128.store32_lane(dst, packedFours(src + 960, inverse), 0, 48);
    v128.store16_lane(dst, halfBitsOfFour(scale), 0, 52);
  }
}

/** Sixteen bytes of five levels that are `apart` bytes of values apart. */
// @ts-ignore: decorator
@inline
function packedFives(src: usize, apart: usize, inverse: v128): v128 {
  let number = digits(src, inverse);
  number = withDigit(number, digits(src + apart, inverse));
  number = withDigit(number, digits(src + 2 * apart, inverse));
  number = withDigit(number, digits(src + 3 * apart, inverse));
  return fractions(withDigit(number, digits(src + 4 * apart, inverse)));
}

/** Four bytes of four levels, and a zero as the last digit; the other bytes mean nothing. */
// @ts-ignore: decorator
@inline
function packedFours(src: usize, inverse: v128): v128 {
  const all = digits(src, inverse);
  let number = withDigit(all, v128.shuffle<i32>(all, all, 1, 1, 1, 1));
  number = withDigit(number, v128.shuffle<i32>(all, all, 2, 2, 2, 2));
  number = withDigit(number, v128.shuffle<i32>(all, all, 3, 3, 3, 3));
  return fractions(withDigit(number, i8x16.splat(0)));
}

/** Levels as digits: 0, 1, 2. */
// @ts-ignore: decorator
@inline
function digits(src: usize, inverse: v128): v128 {
  return i8x16.add(ternaryOfSixteen(src, inverse), i8x16.splat(1));
}

/** One more digit to the base 3. */
// @ts-ignore: decorator
@inline
function withDigit(number: v128, digit: v128): v128 {
  return i8x16.add(i8x16.add(number, number), i8x16.add(number, digit));
}

/** Numbers below 243 as 243rds, in units of 1/256 and rounded up: number + 13 number / 243. */
// @ts-ignore: decorator
@inline
function fractions(number: v128): v128 {
  const parts = i8x16.narrow_i16x8_u(
    partsOfEight(i16x8.extend_low_i8x16_u(number)),
    partsOfEight(i16x8.extend_high_i8x16_u(number)),
  );
  return i8x16.add(number, parts);
}

/** 13 number / 243, rounded up: 4316 / 2^20 is just above 1 / 243, by less than matters below 3400. */
// @ts-ignore: decorator
@inline
function partsOfEight(number: v128): v128 {
  const dividend = i16x8.add(i16x8.mul(number, i16x8.splat(13)), i16x8.splat(242));
  const factor = i16x8.splat(4316);
  return i16x8.narrow_i32x4_u(
    i32x4.shr_u(i32x4.extmul_low_i16x8_u(dividend, factor), 20),
    i32x4.shr_u(i32x4.extmul_high_i16x8_u(dividend, factor), 20),
  );
}
