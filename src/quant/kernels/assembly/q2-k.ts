/**
 * Q2_K: `quant/blocks/q2-k.ts`.
 *
 * @module
 */
import { dBits, dminBits, findOffsetLevels, quantizeGroups, weighSuperBlock } from './offset-blocks';
import { searchOffsets } from './offset-search';
import { storeQuarters } from './quarters';
import { SUPER_BLOCK, offsetLevels, scaleLevels, turnGroups, turnedValues, turnedWeights, weights } from './turned-groups';

/** Bytes of a group's values, and of the vectors of four groups. */
const GROUP: usize = 64;
const VECTORS: usize = 256;

/** Quantizes `length` values; returns the address behind the last block. */
export function quantizeQ2_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 84) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      weighSuperBlock(src, importance, 1, GROUP);
      turnGroups(weights, turnedWeights, GROUP);
      for (let eight: usize = 0; eight < 2; eight++) {
        searchOffsets(eight * 2 * VECTORS, eight * 8, VECTORS, 3, -0.9, 0.05, 36, false);
      }
      importance += SUPER_BLOCK;
    } else {
      for (let at: usize = 0; at < SUPER_BLOCK; at += 16) {
        v128.store(turnedWeights + at, f32x4.abs(v128.load(turnedValues + at)));
      }
      for (let eight: usize = 0; eight < 2; eight++) {
        searchOffsets(eight * 2 * VECTORS, eight * 8, VECTORS, 3, -0.5, 0.1, 15, true);
      }
    }
    quantizeGroups(16, 15, importance != 0, false);
    storeScales(dst);
    findOffsetLevels(src, GROUP, 3);
    storeQuarters(dst + 16);
    store<u16>(dst, <u16>dBits, 80);
    store<u16>(dst, <u16>dminBits, 82);
  }
  return dst;
}

/** Stores a byte for each group, and keeps of scales and offsets what a reader will see. */
function storeScales(dst: usize): void {
  const nibble = i8x16.splat(15);
  const offsets = v128.and(v128.load(offsetLevels), nibble);
  const packed = v128.or(v128.load(scaleLevels), i16x8.shl(offsets, 4));
  v128.store(dst, packed);
  v128.store(scaleLevels, v128.and(packed, nibble));
  v128.store(offsetLevels, i8x16.shr_u(packed, 4));
}
