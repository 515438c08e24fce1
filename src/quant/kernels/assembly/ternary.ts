/**
 * Levels -1, 0 and 1, in units of the largest magnitude, which is the scale.
 *
 * Rounding to them needs no rounding: a level is what comparing with a half gives.
 *
 * @module
 */
import { magnitudesOf32 } from './extremes';

/** The levels of sixteen values at `src`, as signed bytes. A value that is no number has level 0. */
// @ts-ignore: decorator
@inline
export function ternaryOfSixteen(src: usize, inverse: v128): v128 {
  const ab = i16x8.narrow_i32x4_s(ternaryOfFour(src, inverse), ternaryOfFour(src + 16, inverse));
  const cd = i16x8.narrow_i32x4_s(ternaryOfFour(src + 32, inverse), ternaryOfFour(src + 48, inverse));
  return i8x16.narrow_i16x8_s(ab, cd);
}

// @ts-ignore: decorator
@inline
function ternaryOfFour(src: usize, inverse: v128): v128 {
  const scaled = f32x4.mul(v128.load(src), inverse);
  // what a comparison gives is -1 where it holds
  return i32x4.sub(f32x4.le(scaled, f32x4.splat(-0.5)), f32x4.ge(scaled, f32x4.splat(0.5)));
}

/** The largest magnitudes, by lane, of the 64 values at `at`. */
// @ts-ignore: decorator
@inline
export function magnitudesOf64(at: usize): v128 {
  return f32x4.pmax(magnitudesOf32(at), magnitudesOf32(at + 128));
}

/** The largest magnitudes, by lane, of the 256 values at `at`. */
// @ts-ignore: decorator
@inline
export function magnitudesOf256(at: usize): v128 {
  const low = f32x4.pmax(magnitudesOf64(at), magnitudesOf64(at + 256));
  return f32x4.pmax(low, f32x4.pmax(magnitudesOf64(at + 512), magnitudesOf64(at + 768)));
}
