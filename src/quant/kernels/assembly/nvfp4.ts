/**
 * NVFP4: `quant/blocks/nvfp4.ts`, the four groups of a block at a time.
 *
 * @module
 */
import { largestLanes } from './extremes';
import { nearestPattern } from './float4';
import { splatLane0, splatLane1, splatLane2, splatLane3 } from './levels';

/** Bytes of a block: four scales and four times 16 levels of 4 bits. */
const BLOCK: usize = 36;

/** Above this, differences from the values of a group may all be the same in float32. */
const HUGE: f32 = 1073741824;

/** Quantizes `length` values, whole blocks. */
export function quantizeNVFP4(src: usize, dst: usize, length: i32): void {
  for (const end = src + (<usize>length << 2); src < end; src += 256, dst += BLOCK) {
    const a = magnitudesOf16(src);
    const b = magnitudesOf16(src + 64);
    const c = magnitudesOf16(src + 128);
    const magnitudes = largestLanes(a, b, c, magnitudesOf16(src + 192));
    const scales = scalesFor(f32x4.div(magnitudes, f32x4.splat(6)));
    const halved = halvedScales(scales);
    const bytes = i16x8.narrow_i32x4_u(scales, scales);
    v128.store32_lane(dst, i8x16.narrow_i16x8_u(bytes, bytes), 0);
    if (v128.any_true(f32x4.gt(magnitudes, f32x4.splat(HUGE)))) {
      storeHuge(src, dst + 4, halved);
      continue;
    }
    quantizeGroup(src, dst + 4, splatLane0(halved));
    quantizeGroup(src + 64, dst + 12, splatLane1(halved));
    quantizeGroup(src + 128, dst + 20, splatLane2(halved));
    quantizeGroup(src + 192, dst + 28, splatLane3(halved));
  }
}

/** The largest magnitudes, by lane, of the 16 values at `at`. */
// @ts-ignore: decorator
@inline
function magnitudesOf16(at: usize): v128 {
  const low = f32x4.pmax(f32x4.abs(v128.load(at)), f32x4.abs(v128.load(at, 16)));
  return f32x4.pmax(low, f32x4.pmax(f32x4.abs(v128.load(at, 32)), f32x4.abs(v128.load(at, 48))));
}

/** The patterns of the scales, `quant/blocks/ue4m3.ts`. */
// @ts-ignore: decorator
@inline
function scalesFor(scales: v128): v128 {
  const moved = i32x4.shr_u(i32x4.add(scales, i32x4.splat(0x80000)), 20);
  const normal = i32x4.sub(moved, i32x4.splat(120 << 3));
  const limited = v128.bitselect(normal, i32x4.splat(0x7e), i32x4.lt_s(normal, i32x4.splat(15 << 3)));
  const units = f32x4.add(f32x4.mul(scales, f32x4.splat(512)), f32x4.splat(0.5));
  const subnormal = i32x4.min_s(i32x4.trunc_sat_f32x4_s(units), i32x4.splat(7));
  return v128.bitselect(subnormal, limited, f32x4.lt(scales, f32x4.splat(0.015625)));
}

/** Half of the numbers that patterns of scales stand for. */
// @ts-ignore: decorator
@inline
function halvedScales(patterns: v128): v128 {
  const normal = i32x4.shl(i32x4.add(patterns, i32x4.splat(119 << 3)), 20);
  const subnormal = f32x4.mul(f32x4.convert_i32x4_s(patterns), f32x4.splat(0.0009765625));
  return v128.bitselect(subnormal, normal, i32x4.lt_s(patterns, i32x4.splat(8)));
}

// @ts-ignore: decorator
@inline
function quantizeGroup(src: usize, dst: usize, scale: v128): void {
  const low = i16x8.narrow_i32x4_s(patternsOfFour(v128.load(src), scale), patternsOfFour(v128.load(src, 16), scale));
  const high = i16x8.narrow_i32x4_s(patternsOfFour(v128.load(src, 32), scale), patternsOfFour(v128.load(src, 48), scale)); // prettier-ignore
  const bytes = v128.or(low, i16x8.shl(high, 4));
  v128.store64_lane(dst, i8x16.narrow_i16x8_u(bytes, bytes), 0);
}

/** The patterns of four values: each point half way to the next value that a magnitude is above counts one. */
// @ts-ignore: decorator
@inline
function patternsOfFour(values: v128, scale: v128): v128 {
  const magnitude = f32x4.abs(values);
  let above = f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(0.5)));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(1.5))));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(2.5))));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(3.5))));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(5))));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(7))));
  above = i32x4.add(above, f32x4.gt(magnitude, f32x4.mul(scale, f32x4.splat(10))));
  // comparisons count downwards; zero has no sign, and a scale of zero has no other value
  const signed = v128.and(v128.and(i32x4.shr_s(values, 28), i32x4.splat(8)), i32x4.ne(above, i32x4.splat(0)));
  return v128.and(v128.or(i32x4.neg(above), signed), f32x4.gt(scale, f32x4.splat(0)));
}

function storeHuge(src: usize, dst: usize, scales: v128): void {
  storeHugeGroup(src, dst, f32x4.extract_lane(scales, 0));
  storeHugeGroup(src + 64, dst + 8, f32x4.extract_lane(scales, 1));
  storeHugeGroup(src + 128, dst + 16, f32x4.extract_lane(scales, 2));
  storeHugeGroup(src + 192, dst + 24, f32x4.extract_lane(scales, 3));
}

function storeHugeGroup(src: usize, dst: usize, scale: f32): void {
  for (let i: usize = 0; i < 8; i++) {
    const low = nearestPattern(load<f32>(src + 4 * i), scale);
    store<u8>(dst + i, <u8>(low | (nearestPattern(load<f32>(src + 4 * i, 32), scale) << 4)));
  }
}
