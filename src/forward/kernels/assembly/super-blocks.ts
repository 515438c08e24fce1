/**
 * Q4_K, Q5_K and Q6_K as float32: the files of these names in `quant/blocks`.
 *
 * @module
 */
import { splatHalf, storeOffset, storeScaled } from './store';

/** Bytes of 256 values in float32. */
const VALUES: usize = 1024;

/** Bytes of a group of 32 values in float32. */
const GROUP: usize = 128;

/** Unpacks `length` values, whole blocks of 256. */
export function unpackQ4_K(src: usize, dst: usize, length: i32): void {
  for (const end = dst + (<usize>length << 2); dst < end; src += 144, dst += VALUES) {
    for (let group: i32 = 0; group < 8; group++) {
      const levels = src + 16 + 32 * <usize>(group >> 1);
      const shift = (group & 1) << 2;
      storeGroup(src, group, nibbles(levels, shift), nibbles(levels + 16, shift), dst);
    }
  }
}

/** Unpacks `length` values, whole blocks of 256. */
export function unpackQ5_K(src: usize, dst: usize, length: i32): void {
  for (const end = dst + (<usize>length << 2); dst < end; src += 176, dst += VALUES) {
    for (let group: i32 = 0; group < 8; group++) {
      const levels = src + 48 + 32 * <usize>(group >> 1);
      const shift = (group & 1) << 2;
      const low = v128.or(nibbles(levels, shift), fifthBit(src + 16, group));
      const high = v128.or(nibbles(levels + 16, shift), fifthBit(src + 32, group));
      storeGroup(src, group, low, high, dst);
    }
  }
}

// @ts-ignore: decorator
@inline
function nibbles(src: usize, shift: i32): v128 {
  return v128.and(i8x16.shr_u(v128.load(src), shift), i8x16.splat(0x0f));
}

// @ts-ignore: decorator
@inline
function fifthBit(src: usize, bit: i32): v128 {
  return i8x16.shl(v128.and(i8x16.shr_u(v128.load(src), bit), i8x16.splat(1)), 4);
}

// @ts-ignore: decorator
@inline
function storeGroup(block: usize, group: i32, low: v128, high: v128, dst: usize): void {
  const scale = f32x4.mul(splatHalf(block), f32x4.splat(<f32>sixBitScale(block + 4, group)));
  const offset = f32x4.mul(splatHalf(block + 2), f32x4.splat(<f32>sixBitMinimum(block + 4, group)));
  storeOffset(low, scale, offset, dst + GROUP * group);
  storeOffset(high, scale, offset, dst + GROUP * group + 64);
}

/** `quant/blocks/six-bit-scales.ts` */
// @ts-ignore: decorator
@inline
function sixBitScale(scales: usize, group: i32): i32 {
  if (group < 4) return load<u8>(scales + group) & 63;
  return (load<u8>(scales + 4 + group) & 0x0f) | ((load<u8>(scales + group - 4) >>> 6) << 4);
}

// @ts-ignore: decorator
@inline
function sixBitMinimum(scales: usize, group: i32): i32 {
  if (group < 4) return load<u8>(scales + 4 + group) & 63;
  return (load<u8>(scales + 4 + group) >>> 4) | ((load<u8>(scales + group) >>> 6) << 4);
}

/** Unpacks `length` values, whole blocks of 256. */
export function unpackQ6_K(src: usize, dst: usize, length: i32): void {
  for (const end = dst + (<usize>length << 2); dst < end; src += 210, dst += VALUES) {
    const d = splatHalf(src + 208);
    for (let group: i32 = 0; group < 16; group++) {
      const half = group >> 3;
      const run = (group >> 1) & 3;
      const second = <usize>((group & 1) << 4);
      const low = nibbles(src + 64 * half + 32 * (run & 1) + second, run < 2 ? 0 : 4);
      const high = v128.and(i8x16.shr_u(v128.load(src + 128 + 32 * half + second), 2 * run), i8x16.splat(3));
      const levels = i8x16.sub(v128.or(low, i8x16.shl(high, 4)), i8x16.splat(32));
      const scale = f32x4.mul(d, f32x4.splat(<f32>load<i8>(src + 192 + group)));
      storeScaled(levels, scale, dst + 64 * group);
    }
  }
}
