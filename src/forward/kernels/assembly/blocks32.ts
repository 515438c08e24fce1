/**
 * Q8_0 and Q4_0 as float32: `quant/blocks/q8-0.ts` and `quant/blocks/q4-0.ts`.
 *
 * @module
 */
import { splatHalf, storeScaled } from './store';

/** Bytes of 32 values in float32. */
const VALUES: usize = 128;

/** Unpacks `length` values, whole blocks of 32. */
export function unpackQ8_0(src: usize, dst: usize, length: i32): void {
  for (const end = dst + (<usize>length << 2); dst < end; src += 34, dst += VALUES) {
    const d = splatHalf(src);
    storeScaled(v128.load(src, 2), d, dst);
    storeScaled(v128.load(src, 18), d, dst + 64);
  }
}

/** Unpacks `length` values, whole blocks of 32. */
export function unpackQ4_0(src: usize, dst: usize, length: i32): void {
  for (const end = dst + (<usize>length << 2); dst < end; src += 18, dst += VALUES) {
    const d = splatHalf(src);
    const nibbles = v128.load(src, 2);
    const zero = i8x16.splat(8);
    storeScaled(i8x16.sub(v128.and(nibbles, i8x16.splat(0x0f)), zero), d, dst);
    storeScaled(i8x16.sub(i8x16.shr_u(nibbles, 4), zero), d, dst + 64);
  }
}
