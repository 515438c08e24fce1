/**
 * Sixteen levels of a block as float32 values, in the order of operations of `quant/blocks`.
 *
 * @module
 */
import { floatsOfHalves } from '../../../quant/kernels/assembly/rows';

/** The half precision number at `at` in every lane, as float32. */
// @ts-ignore: decorator
@inline
export function splatHalf(at: usize): v128 {
  return floatsOfHalves(i32x4.splat(<i32>load<u16>(at)));
}

/** Stores `level * scale` for sixteen signed levels. */
// @ts-ignore: decorator
@inline
export function storeScaled(levels: v128, scale: v128, dst: usize): void {
  const low = i16x8.extend_low_i8x16_s(levels);
  const high = i16x8.extend_high_i8x16_s(levels);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(low)), scale), 0);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(low)), scale), 16);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(high)), scale), 32);
  v128.store(dst, f32x4.mul(f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(high)), scale), 48);
}

/** Stores `level * scale - offset` for sixteen levels from 0 to 127; the product is rounded first. */
// @ts-ignore: decorator
@inline
export function storeOffset(levels: v128, scale: v128, offset: v128, dst: usize): void {
  storeScaled(levels, scale, dst);
  v128.store(dst, f32x4.sub(v128.load(dst, 0), offset), 0);
  v128.store(dst, f32x4.sub(v128.load(dst, 16), offset), 16);
  v128.store(dst, f32x4.sub(v128.load(dst, 32), offset), 32);
  v128.store(dst, f32x4.sub(v128.load(dst, 48), offset), 48);
}
