/**
 * Casts between float32, float16 and bfloat16 that count what they lose: `quant/convert-row.ts`.
 *
 * What was written is read back and compared, so the counters need no knowledge of the formats. Most weights survive, and
 * eight that do cost one branch.
 *
 * @module
 */
import { brainBitsOfFour } from './floats';
import { halfBitsOfFour } from './half';
import { expandToFloat32, floatsOfHalves } from './rows';

/** Values that are cast together. */
const LANES: i32 = 8;

/** Room for the last values, where they are fewer, and for what they become. */
const LAST_VALUES = memory.data(32, 16);
const LAST_RESULTS = memory.data(16, 16);

/**
 * Casts `count` values at `src` to `dst`. Types are ggml's: 0 float32, 1 float16, 30 bfloat16, and differ. What is lost is
 * added to three u32 at `losses`: values that became infinite, that became zero, that became a neighbour.
 */
export function castFloats(format: i32, source: i32, src: usize, dst: usize, count: i32, losses: usize): void {
  if (format == 0) {
    expandToFloat32(source, src, dst, count);
    return;
  }
  const whole = count & ~(LANES - 1);
  narrow(format, source, src, dst, whole, losses);
  const bytes = <usize>(count - whole) << (source == 0 ? 2 : 1);
  if (bytes == 0) return;
  memory.fill(LAST_VALUES, 0, 32); // zeros lose nothing
  memory.copy(LAST_VALUES, src + (<usize>whole << (source == 0 ? 2 : 1)), bytes);
  narrow(format, source, LAST_VALUES, LAST_RESULTS, LANES, losses);
  memory.copy(dst + (<usize>whole << 1), LAST_RESULTS, <usize>(count - whole) << 1);
}

function narrow(format: i32, source: i32, src: usize, dst: usize, count: i32, losses: usize): void {
  if (format == 1) {
    if (source == 0) narrowFrom(1, 0, src, dst, count, losses);
    else narrowFrom(1, 30, src, dst, count, losses);
  } else {
    if (source == 0) narrowFrom(30, 0, src, dst, count, losses);
    else narrowFrom(30, 1, src, dst, count, losses);
  }
}

/** A loop for each pair of types, as both are constants where it is called. */
// @ts-ignore: decorator
@inline
function narrowFrom(format: i32, source: i32, src: usize, dst: usize, count: i32, losses: usize): void {
  const step: usize = source == 0 ? 16 : 8;
  const end = dst + (<usize>count << 1);
  for (; dst < end; src += 2 * step, dst += 16) {
    const low = loadFour(source, src);
    const high = loadFour(source, src + step);
    const lowBits = bitsOfFour(format, low);
    const highBits = bitsOfFour(format, high);
    v128.store(dst, i16x8.narrow_i32x4_u(lowBits, highBits));
    const lowAfter = floatsOfFour(format, lowBits);
    const highAfter = floatsOfFour(format, highBits);
    const lowChanged = changes(low, lowAfter);
    const highChanged = changes(high, highAfter);
    if (!v128.any_true(v128.or(lowChanged, highChanged))) continue;
    addLosses(lowChanged, lowAfter, losses);
    addLosses(highChanged, highAfter, losses);
  }
}

// @ts-ignore: decorator
@inline
function loadFour(source: i32, src: usize): v128 {
  if (source == 0) return v128.load(src);
  const words = v128.load16x4_u(src);
  return source == 30 ? i32x4.shl(words, 16) : floatsOfHalves(words);
}

// @ts-ignore: decorator
@inline
function bitsOfFour(format: i32, values: v128): v128 {
  return format == 1 ? halfBitsOfFour(values) : brainBitsOfFour(values);
}

// @ts-ignore: decorator
@inline
function floatsOfFour(format: i32, bits: v128): v128 {
  return format == 1 ? floatsOfHalves(bits) : i32x4.shl(bits, 16);
}

/** All ones in the lanes that changed; a NaN, which is unlike itself, stays one in every format. */
// @ts-ignore: decorator
@inline
function changes(before: v128, after: v128): v128 {
  return v128.and(f32x4.ne(before, after), f32x4.eq(before, before));
}

/** Adds the lanes that changed to the counters, by what they became. */
// @ts-ignore: decorator
@inline
function addLosses(changed: v128, after: v128, losses: usize): void {
  const magnitude = v128.and(after, i32x4.splat(0x7fffffff));
  const infinite = popcnt(i32x4.bitmask(v128.and(changed, i32x4.eq(magnitude, i32x4.splat(0x7f800000)))));
  const zero = popcnt(i32x4.bitmask(v128.and(changed, i32x4.eq(magnitude, i32x4.splat(0)))));
  store<i32>(losses, load<i32>(losses) + infinite);
  store<i32>(losses, load<i32>(losses, 4) + zero, 4);
  store<i32>(losses, load<i32>(losses, 8) + popcnt(i32x4.bitmask(changed)) - infinite - zero, 8);
}
