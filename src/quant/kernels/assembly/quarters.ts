/**
 * Levels of two bits: `quant/blocks/quarters.ts`.
 *
 * @module
 */
import { levels } from './turned-groups';

/** Stores the low two bits of the 256 levels in 64 bytes. */
export function storeQuarters(dst: usize): void {
  const three = i8x16.splat(3);
  for (let half: usize = 0; half < 256; half += 128, dst += 32) {
    for (let at: usize = 0; at < 32; at += 16) {
      const from = levels + half + at;
      const a = v128.and(v128.load(from), three);
      const b = v128.and(v128.load(from + 32), three);
      const c = v128.and(v128.load(from + 64), three);
      const d = v128.and(v128.load(from + 96), three);
      const low = v128.or(a, i16x8.shl(b, 2));
      v128.store(dst + at, v128.or(low, v128.or(i16x8.shl(c, 4), i16x8.shl(d, 6))));
    }
  }
}
