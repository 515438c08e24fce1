/**
 * Q3_K: `quant/blocks/q3-k.ts`.
 *
 * @module
 */
import { halfBits } from './half';
import { moveLevels, storeMovedLevels } from './moving-search';
import { weighSuperBlock } from './offset-blocks';
import { storeQuarters } from './quarters';
import {
  SUPER_BLOCK,
  floatOfHalf,
  groupScales,
  groupWeights,
  levels,
  nearestInt,
  scaleLevels,
  storeDividedLevels,
  storeSearchedLevels,
  turnGroups,
  turnedValues,
  turnedWeights,
  weights,
} from './turned-groups';
import { searchScales } from './symmetric-search';
import { fitSixteenScales } from './symmetric-scale';

const GROUP: usize = 64;

/** Added to values, it leaves each as it is, -0 too. */
const NOTHING = f32x4.splat(-0.0);
const TOP = 4;
const SCALE_TOP = 32;

let dBits: u32 = 0;

/** Quantizes `length` values; returns the address behind the last block. */
export function quantizeQ3_K(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += SUPER_BLOCK, dst += 110) {
    turnGroups(src, turnedValues, GROUP);
    if (importance != 0) {
      weighSuperBlock(src, importance, 2, GROUP);
      turnGroups(weights, turnedWeights, GROUP);
      for (let eight: usize = 0; eight < 2; eight++) searchScales(eight * 512, eight * 8, <f32>TOP);
      dBits = halfBits(fitSixteenScales(groupScales, groupWeights, SCALE_TOP, scaleLevels));
      importance += SUPER_BLOCK;
    } else {
      for (let four: usize = 0; four < 4; four++) moveLevels(four);
      quantizeScales();
    }
    storeScales(dst + 96);
    findLevels(src, importance != 0);
    storeThirdBits(dst);
    storeQuarters(dst + 32);
    store<u16>(dst, <u16>dBits, 108);
  }
  return dst;
}

/** Quantizes the scales of the groups so that the one of largest magnitude is -32. */
function quantizeScales(): void {
  let extreme: f32 = 0;
  for (let group: usize = 0; group < 16; group++) {
    const scale = load<f32>(groupScales + (group << 2));
    if (abs(scale) > abs(extreme)) extreme = scale;
  }
  if (extreme == 0) {
    v128.store(scaleLevels, i8x16.splat(0));
    dBits = 0;
    return;
  }
  const inverse: f32 = <f32>-SCALE_TOP / extreme;
  for (let group: usize = 0; group < 16; group++) {
    const level = <i32>(<i8>nearestInt(inverse * load<f32>(groupScales + (group << 2))));
    store<u8>(scaleLevels + group, <u8>(SCALE_TOP + max(-SCALE_TOP, min(SCALE_TOP - 1, level))));
  }
  dBits = halfBits(<f32>1 / inverse);
}

/** The levels for the scales that a reader will see; those of the search for groups whose scale became zero. */
function findLevels(src: usize, weighted: bool): void {
  const d = floatOfHalf(dBits);
  const low = i32x4.splat(-TOP);
  const high = i32x4.splat(TOP - 1);
  for (let group: usize = 0; group < 16; group++) {
    const scale = d * <f32>(<i32>load<u8>(scaleLevels + group) - SCALE_TOP);
    const from = src + group * GROUP;
    const target = levels + (group << 4);
    if (scale != 0) {
      storeDividedLevels(from, target, NOTHING, f32x4.splat(scale), low, high);
    } else if (weighted) {
      storeSearchedLevels(from, target, group, low, high);
    } else {
      storeMovedLevels(group, target);
    }
  }
}

function storeScales(dst: usize): void {
  const scales = load<u64>(scaleLevels);
  const later = load<u64>(scaleLevels, 8);
  store<u64>(dst, (scales & 0x0f0f0f0f0f0f0f0f) | ((later & 0x0f0f0f0f0f0f0f0f) << 4));
  const high = (<u32>scales & 0x30303030) >> 4;
  const second = <u32>(scales >> 32) & 0x30303030;
  const third = <u32>later & 0x30303030;
  const fourth = <u32>(later >> 32) & 0x30303030;
  store<u32>(dst, high | (second >> 2) | third | (fourth << 2), 8);
}

/** Stores the third bits of 256 levels: bit b of byte i is that of value 32 b + i. */
function storeThirdBits(dst: usize): void {
  const four = i8x16.splat(4);
  for (let half: usize = 0; half < 32; half += 16) {
    let bits = i8x16.splat(0);
    for (let run: i32 = 0; run < 8; run++) {
      const third = v128.and(v128.load(levels + (<usize>run << 5) + half), four);
      const moved = run < 2 ? i16x8.shr_u(third, 2 - run) : i16x8.shl(third, run - 2);
      bits = v128.or(bits, moved);
    }
    v128.store(dst + half, bits);
  }
}
