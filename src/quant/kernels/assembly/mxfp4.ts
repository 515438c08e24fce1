/**
 * MXFP4: `quant/blocks/mxfp4.ts`.
 *
 * Dividing by a power of two is exact, so the values are brought into units of the scale first, where the points half way
 * between the values of 4 bits are whole numbers, doubled, and sixteen bytes at a time look their level up.
 *
 * @module
 */
import { largestLanes, magnitudesOf32 } from './extremes';
import { nearestPattern } from './float4';
import { lowestBytes, storeNibbles } from './levels';

/** Bytes of a block: an exponent and 32 levels of 4 bits. */
const BLOCK: usize = 17;

/** Quantizes `length` values, whole groups of four blocks. */
export function quantizeMXFP4(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 512, dst += 4 * BLOCK) {
    const a = magnitudesOf32(src);
    const b = magnitudesOf32(src + 128);
    const c = magnitudesOf32(src + 256);
    const magnitudes = largestLanes(a, b, c, magnitudesOf32(src + 384));
    quantizeBlock(src, dst, f32x4.extract_lane(magnitudes, 0));
    quantizeBlock(src + 128, dst + BLOCK, f32x4.extract_lane(magnitudes, 1));
    quantizeBlock(src + 256, dst + 2 * BLOCK, f32x4.extract_lane(magnitudes, 2));
    quantizeBlock(src + 384, dst + 3 * BLOCK, f32x4.extract_lane(magnitudes, 3));
  }
}

// @ts-ignore: decorator
@inline
function quantizeBlock(src: usize, dst: usize, magnitude: f32): void {
  const exponent = exponentFor(magnitude);
  store<u8>(dst, <u8>exponent);
  // the scale is 2^(exponent - 128), and twice its inverse 2^(129 - exponent); of the largest and the smallest
  // exponents that is no normal number. The wrapped exponents of tiny blocks make all levels zero
  if (exponent < 3 || exponent > 252) {
    storeUnusual(src, dst + 1, exponent);
    return;
  }
  const factor = f32x4.splat(reinterpret<f32>((256 - exponent) << 23));
  storeNibbles(dst + 1, levelsOfSixteen(src, factor), levelsOfSixteen(src + 64, factor));
}

/** The exponent for a block with this largest magnitude: of its logarithm in float32, rounded down, but for tiny ones. */
// @ts-ignore: decorator
@inline
function exponentFor(magnitude: f32): u32 {
  const bits = reinterpret<u32>(magnitude);
  // fractions that stay away from the next power of two by more than the logarithm can hide
  if (bits >= 0x00800000 && (bits & 0x7fffff) < 0x7fff00) return ((bits >>> 23) - 2) & 0xff;
  return bits == 0 ? 0 : exponentByLogarithm(bits);
}

/** {@link exponentFor} for subnormal numbers, and for those just below a power of two. */
function exponentByLogarithm(bits: u32): u32 {
  let exponent = <i32>(bits >>> 23) - 127;
  let fraction = bits & 0x7fffff;
  if (exponent == -127) {
    const shift = clz(fraction) - 8;
    fraction <<= shift;
    exponent = -126 - shift;
  } else {
    fraction |= 0x800000;
  }
  if (roundsUp(exponent + 1, 0x1000000 - fraction)) exponent++;
  return (exponent + 125) & 0xff;
}

/**
 * Whether the logarithm of 2^power * (1 - missing / 2^24), less than `power` by missing / (2^24 ln 2), is `power` in
 * float32: it must be nearer than half the distance to the next number below.
 */
function roundsUp(power: i32, missing: u32): bool {
  if (power == 0) return false;
  const size = <u32>abs(power);
  let binade = 31 - clz(size);
  // below a power of two numbers are twice as dense
  if (power > 0 && (size & (size - 1)) == 0) binade--;
  return <f64>missing < 0.6931471805599453 * (binade < 0 ? 0.5 : <f64>(1 << binade));
}

/** The patterns of sixteen values; `factor` is twice the inverse of the scale. */
// @ts-ignore: decorator
@inline
function levelsOfSixteen(src: usize, factor: v128): v128 {
  const a = v128.load(src);
  const b = v128.load(src, 16);
  const c = v128.load(src, 32);
  const d = v128.load(src, 48);
  const steps = lowestBytes(halvesAbove(a, factor), halvesAbove(b, factor), halvesAbove(c, factor), halvesAbove(d, factor));
  const signs = i8x16.narrow_i16x8_s(
    i16x8.narrow_i32x4_s(i32x4.shr_s(a, 31), i32x4.shr_s(b, 31)),
    i16x8.narrow_i32x4_s(i32x4.shr_s(c, 31), i32x4.shr_s(d, 31)),
  );
  return patternsOf(steps, signs);
}

/** Magnitudes in halves of the scale, rounded up; the lowest byte of the lanes counts. */
// @ts-ignore: decorator
@inline
function halvesAbove(values: v128, factor: v128): v128 {
  return f32x4.add(f32x4.ceil(f32x4.mul(f32x4.abs(values), factor)), f32x4.splat(8388608));
}

/**
 * Patterns from magnitudes in halves of the scale. Half way between the values 0 1 2 3 4 6 8 12 lie 1, 3, 5, 7, 10, 14
 * and 20 halves; a magnitude above that belongs to the higher one. Zero has no sign.
 */
// @ts-ignore: decorator
@inline
function patternsOf(steps: v128, signs: v128): v128 {
  const low = v128.swizzle(i8x16(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 6), i8x16.min_u(steps, i8x16.splat(15)));
  const patterns = i8x16.sub(low, i8x16.gt_u(steps, i8x16.splat(20)));
  const isNegative = v128.andnot(signs, i8x16.eq(patterns, i8x16.splat(0)));
  return v128.or(patterns, v128.and(isNegative, i8x16.splat(8)));
}

/** Levels for scales whose doubled inverse is no normal number; the scales themselves may overflow, too. */
function storeUnusual(src: usize, dst: usize, exponent: u32): void {
  const scale = reinterpret<f32>(exponent < 2 ? 0x00200000 << exponent : (exponent - 1) << 23);
  for (let i: usize = 0; i < 16; i++) {
    const low = nearestPattern(load<f32>(src + 4 * i), scale);
    store<u8>(dst + i, <u8>(low | (nearestPattern(load<f32>(src + 4 * i, 64), scale) << 4)));
  }
}
