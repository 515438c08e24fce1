/**
 * IQ4_NL and IQ4_XS: `quant/blocks/iq4-nl.ts` and `iq4-xs.ts`.
 *
 * @module
 */
import { halfBits } from './half';
import { storeNibbles } from './levels';
import { doubledMeanSquare, fitUnevenScale, unevenLevels, weighGroup } from './uneven-levels';

/** Bytes of a block of IQ4_NL: a scale and 32 levels of four bits. */
const NL_BLOCK: usize = 18;

/** Bytes of a block of IQ4_XS: a scale, the upper and lower bits of eight scales, 256 levels. */
const XS_BLOCK: usize = 136;

const scales = memory.data(32, 16);

/** Quantizes a row of whole blocks of 32; `importance` may be 0. Returns the address behind the last block. */
export function quantizeIQ4_NL(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += 128, dst += NL_BLOCK) {
    weighGroup(src, importance, importance == 0 ? 0 : doubledMeanSquare(src, 32));
    const scale = fitUnevenScale(src);
    store<u16>(dst, <u16>halfBits(scale));
    storeLevels(src, dst + 2, scale);
    if (importance != 0) importance += 128;
  }
  return dst;
}

/** Quantizes a row of whole blocks of 256; `importance` may be 0. Returns the address behind the last block. */
export function quantizeIQ4_XS(src: usize, dst: usize, length: i32, importance: usize): usize {
  for (const end = src + (<usize>length << 2); src < end; src += 1024, dst += XS_BLOCK) {
    fitGroups(src, importance);
    storeBlock(src, dst);
    if (importance != 0) importance += 1024;
  }
  return dst;
}

/** Finds the scale of each of eight groups. */
function fitGroups(src: usize, importance: usize): void {
  const meanSquare: f32 = importance == 0 ? 0 : doubledMeanSquare(src, 256);
  for (let group: usize = 0; group < 8; group++) {
    weighGroup(src + 128 * group, importance == 0 ? 0 : importance + 128 * group, meanSquare);
    store<f32>(scales + 4 * group, fitUnevenScale(src + 128 * group));
  }
}

function storeBlock(src: usize, dst: usize): void {
  const blockScale = largestScale() / <f32>-32;
  const inverse: f32 = blockScale != 0 ? 1 / blockScale : 0;
  let upper: u32 = 0;
  let lower: u32 = 0;
  for (let group: i32 = 0; group < 8; group++) {
    const step = max(-32, min(31, nearestInt(inverse * load<f32>(scales + 4 * group))));
    const stored = <u32>(step + 32);
    upper |= (stored >>> 4) << (2 * group);
    lower |= (stored & 15) << (4 * group);
    storeLevels(src + 128 * group, dst + 8 + 16 * group, blockScale * <f32>step);
  }
  store<u16>(dst, <u16>halfBits(blockScale));
  store<u16>(dst, <u16>upper, 2);
  store<u32>(dst, lower, 4);
}

/** The first scale with the largest magnitude. */
function largestScale(): f32 {
  let largest: f32 = 0;
  for (let at: usize = 0; at < 32; at += 4) {
    const scale = load<f32>(scales + at);
    if (abs(scale) > abs(largest)) largest = scale;
  }
  return largest;
}

/** ggml's rounding: the lower 23 bits of a sum, whatever they are when the number is too large for it. */
// @ts-ignore: decorator
@inline
function nearestInt(value: f32): i32 {
  return (reinterpret<i32>(value + 12582912) & 0x7fffff) - 0x400000;
}

// @ts-ignore: decorator
@inline
function storeLevels(src: usize, dst: usize, scale: f32): void {
  const inverse = f32x4.splat(scale != 0 ? 1 / scale : 0);
  storeNibbles(dst, unevenLevels(src, inverse), unevenLevels(src + 64, inverse));
}
