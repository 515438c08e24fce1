/**
 * Q4_K and Q5_K: `quant/blocks/q4-k.ts` and `q5-k.ts`.
 *
 * @module
 */
import { dBits, dminBits, findOffsetLevels, quantizeGroups, weighSuperBlock } from './offset-blocks';
import { searchOffsets } from './offset-search';
import {
  SUPER_BLOCK,
  levels,
  offsetLevels,
  scaleLevels,
  turnGroups,
  turnedValues,
  turnedWeights,
  weights,
} from './turned-groups';

/** Bytes of a group's values, and of the vectors of four groups. */
const GROUP: usize = 128;
const VECTORS: usize = 512;

/** Quantizes `length` values to Q4_K; returns the address behind the last block. */
export function quantizeQ4_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 144) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      weighImportant(src, importance);
      searchOffsets(0, 0, VECTORS, 15, -0.9, 0.05, 36, false);
      importance += SUPER_BLOCK;
    } else {
      weighPlainly();
      searchOffsets(0, 0, VECTORS, 15, -1, 0.1, 20, false);
    }
    quantizeGroups(8, 63, importance != 0, importance == 0);
    storeScales(dst);
    findOffsetLevels(src, GROUP, 15);
    storeLowBits(dst + 16);
  }
  return dst;
}

/** Quantizes `length` values to Q5_K; returns the address behind the last block. */
export function quantizeQ5_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 176) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      weighImportant(src, importance);
      searchOffsets(0, 0, VECTORS, 31, -0.9, 0.05, 36, false);
      importance += SUPER_BLOCK;
    } else {
      weighPlainly();
      searchOffsets(0, 0, VECTORS, 31, -0.5, 0.1, 15, false);
    }
    quantizeGroups(8, 63, importance != 0, true);
    storeScales(dst);
    findOffsetLevels(src, GROUP, 31);
    storeFifthBits(dst + 16);
    storeLowBits(dst + 48);
  }
  return dst;
}

function weighImportant(src: usize, importance: usize): void {
  weighSuperBlock(src, importance, 2, GROUP);
  turnGroups(weights, turnedWeights, GROUP);
}

/** Weights without importances: the root mean square of the group plus the magnitude of the value. */
function weighPlainly(): void {
  for (let four: usize = 0; four < 2 * VECTORS; four += VECTORS) {
    const values = turnedValues + four;
    let squares = f32x4.splat(0);
    for (let at: usize = 0; at < VECTORS; at += 16) {
      const value = v128.load(values + at);
      squares = f32x4.add(squares, f32x4.mul(value, value));
    }
    const root = f32x4.sqrt(f32x4.div(squares, f32x4.splat(32)));
    for (let at: usize = 0; at < VECTORS; at += 16) {
      v128.store(turnedWeights + four + at, f32x4.add(root, f32x4.abs(v128.load(values + at))));
    }
  }
}

/**
 * Stores the two half floats, and eight scales and offsets of six bits in twelve bytes; keeps of scales and offsets what a
 * reader will see.
 */
function storeScales(dst: usize): void {
  store<u16>(dst, <u16>dBits);
  store<u16>(dst, <u16>dminBits, 2);
  const scales = load<u64>(scaleLevels);
  const offsets = load<u64>(offsetLevels);
  const lowScales = <u32>scales;
  const highScales = <u32>(scales >> 32);
  const lowOffsets = <u32>offsets;
  const highOffsets = <u32>(offsets >> 32);
  const first = lowScales | ((highScales & 0x30303030) << 2);
  const second = lowOffsets | ((highOffsets & 0x30303030) << 2);
  const third = (highScales & 0x0f0f0f0f) | ((highOffsets & 0x0f0f0f0f) << 4);
  store<u32>(dst, first, 4);
  store<u32>(dst, second, 8);
  store<u32>(dst, third, 12);
  store<u32>(scaleLevels, first & 0x3f3f3f3f);
  store<u32>(scaleLevels, (third & 0x0f0f0f0f) | ((first & 0xc0c0c0c0) >> 2), 4);
  store<u32>(offsetLevels, second & 0x3f3f3f3f);
  store<u32>(offsetLevels, ((third >> 4) & 0x0f0f0f0f) | ((second & 0xc0c0c0c0) >> 2), 4);
}

/** Stores the low four bits of 256 levels: in 32 bytes those of a group, and of the next above them. */
function storeLowBits(dst: usize): void {
  const nibble = i8x16.splat(15);
  for (let at: usize = 0; at < 256; at += 64, dst += 32) {
    for (let half: usize = 0; half < 32; half += 16) {
      const low = v128.and(v128.load(levels + at + half), nibble);
      const high = v128.and(v128.load(levels + at + half + 32), nibble);
      v128.store(dst + half, v128.or(low, i16x8.shl(high, 4)));
    }
  }
}

/** Stores the fifth bits of 256 levels: byte i has those of value i of each group. */
function storeFifthBits(dst: usize): void {
  const sixteen = i8x16.splat(16);
  for (let half: usize = 0; half < 32; half += 16) {
    let bits = i8x16.splat(0);
    for (let group: i32 = 0; group < 8; group++) {
      const fifth = v128.and(v128.load(levels + (<usize>group << 5) + half), sixteen);
      // bytes have a single bit, so that what is shifted stays in its byte
      const moved = group < 4 ? i16x8.shr_u(fifth, 4 - group) : i16x8.shl(fifth, group - 4);
      bits = v128.or(bits, moved);
    }
    v128.store(dst + half, bits);
  }
}
