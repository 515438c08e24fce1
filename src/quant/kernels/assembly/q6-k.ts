/**
 * Q6_K: `quant/blocks/q6-k.ts`.
 *
 * @module
 */
import { halfBits } from './half';
import {
  SUPER_BLOCK,
  floatOfHalf,
  groupScales,
  groupZeros,
  levels,
  nearestInt,
  storeDividedLevels,
  storeSearchedLevels,
  turnGroups,
  turnedValues,
  turnedWeights,
} from './turned-groups';
import { searchScales } from './symmetric-search';

const GROUP: usize = 64;

/** Added to values, it leaves each as it is, -0 too. */
const NOTHING = f32x4.splat(-0.0);
const TOP = 32;

/** Scales below this count as zero. */
const SMALLEST: f32 = 1e-15;

/** Quantizes `length` values; returns the address behind the last block. */
export function quantizeQ6_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 210) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      turnGroups(importance, turnedWeights, GROUP);
      importance += SUPER_BLOCK;
    } else {
      for (let at: usize = 0; at < SUPER_BLOCK; at += 16) {
        const value = v128.load(turnedValues + at);
        v128.store(turnedWeights + at, f32x4.mul(value, value));
      }
    }
    for (let eight: usize = 0; eight < 2; eight++) searchScales(eight * 512, eight * 8, <f32>TOP);
    storeBlock(src, dst);
  }
  return dst;
}

function storeBlock(src: usize, dst: usize): void {
  let extreme: f32 = 0;
  for (let group: usize = 0; group < 16; group++) {
    const scale = load<f32>(groupScales + (group << 2));
    if (abs(scale) > abs(extreme)) extreme = scale;
  }
  if (abs(extreme) < SMALLEST) {
    memory.fill(dst, 0, 210);
    return;
  }
  const inverse: f32 = <f32>-128 / extreme;
  const dBits = halfBits(<f32>1 / inverse);
  const d = floatOfHalf(dBits);
  const low = i32x4.splat(-TOP);
  const high = i32x4.splat(TOP - 1);
  for (let group: usize = 0; group < 16; group++) {
    const level = <i8>min(127, nearestInt(inverse * load<f32>(groupScales + (group << 2))));
    store<i8>(dst + 192 + group, level);
    const scale = d * <f32>level;
    const from = src + group * GROUP;
    const target = levels + (group << 4);
    if (scale != 0) storeDividedLevels(from, target, NOTHING, f32x4.splat(scale), low, high);
    else storeSearchedLevels(from, target, group, low, high);
  }
  storeLevels(dst);
  store<u16>(dst, <u16>dBits, 208);
}

function storeLevels(dst: usize): void {
  const nibble = i8x16.splat(15);
  const upper = i8x16.splat(0x30);
  for (let half: usize = 0; half < 2; half++) {
    for (let at: usize = 0; at < 32; at += 16) {
      const from = levels + (half << 7) + at;
      const a = v128.load(from);
      const b = v128.load(from + 32);
      const c = v128.load(from + 64);
      const d = v128.load(from + 96);
      const low = dst + (half << 6) + at;
      v128.store(low, v128.or(v128.and(a, nibble), i16x8.shl(v128.and(c, nibble), 4)));
      v128.store(low, v128.or(v128.and(b, nibble), i16x8.shl(v128.and(d, nibble), 4)), 32);
      const ab = v128.or(i16x8.shr_u(v128.and(a, upper), 4), i16x8.shr_u(v128.and(b, upper), 2));
      const cd = v128.or(v128.and(c, upper), i16x8.shl(v128.and(d, upper), 2));
      v128.store(dst + 128 + (half << 5) + at, v128.or(ab, cd));
    }
  }
}
