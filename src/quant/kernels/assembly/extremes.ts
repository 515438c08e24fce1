/**
 * The largest and smallest values of blocks, and what follows for their scales; four blocks at a time.
 *
 * Four blocks, because a scale costs two divisions and a rounding to half precision: a vector of four scales costs no
 * more than one. Comparing is exact, so here, unlike in sums, the order of the values is free; only the sign of a
 * zero and the choice between `+m` and `-m` depend on it, and are made up for where that happens.
 *
 * @module
 */

/** The largest magnitudes, by lane, of the 32 values at `at`. */
// @ts-ignore: decorator
@inline
export function magnitudesOf32(at: usize): v128 {
  const a = f32x4.pmax(f32x4.abs(v128.load(at)), f32x4.abs(v128.load(at, 16)));
  const b = f32x4.pmax(f32x4.abs(v128.load(at, 32)), f32x4.abs(v128.load(at, 48)));
  const c = f32x4.pmax(f32x4.abs(v128.load(at, 64)), f32x4.abs(v128.load(at, 80)));
  const d = f32x4.pmax(f32x4.abs(v128.load(at, 96)), f32x4.abs(v128.load(at, 112)));
  return f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
}

/** The largest values, by lane, of the 32 values at `at`. */
// @ts-ignore: decorator
@inline
function largestOf32(at: usize): v128 {
  const a = f32x4.pmax(v128.load(at), v128.load(at, 16));
  const b = f32x4.pmax(v128.load(at, 32), v128.load(at, 48));
  const c = f32x4.pmax(v128.load(at, 64), v128.load(at, 80));
  const d = f32x4.pmax(v128.load(at, 96), v128.load(at, 112));
  return f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d));
}

/** The smallest values, by lane, of the 32 values at `at`. */
// @ts-ignore: decorator
@inline
function smallestOf32(at: usize): v128 {
  const a = f32x4.pmin(v128.load(at), v128.load(at, 16));
  const b = f32x4.pmin(v128.load(at, 32), v128.load(at, 48));
  const c = f32x4.pmin(v128.load(at, 64), v128.load(at, 80));
  const d = f32x4.pmin(v128.load(at, 96), v128.load(at, 112));
  return f32x4.pmin(f32x4.pmin(a, b), f32x4.pmin(c, d));
}

/** The largest lane of each of four vectors. */
// @ts-ignore: decorator
@inline
export function largestLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.pmax(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.pmax(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.pmax(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** The smallest lane of each of four vectors. */
// @ts-ignore: decorator
@inline
function smallestLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.pmin(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.pmin(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7));
  return f32x4.pmin(v128.shuffle<i32>(ab, cd, 0, 1, 4, 5), v128.shuffle<i32>(ab, cd, 2, 3, 6, 7));
}

/** Which lanes hold finite numbers. */
// @ts-ignore: decorator
@inline
export function finiteLanes(values: v128): v128 {
  return f32x4.lt(f32x4.abs(values), f32x4.splat(Infinity));
}

/**
 * The inverses of scales, and zero for those that have none: a scale of zero, and one so small that its inverse is
 * infinite. Of the second sort C's conversion of the infinite products to int8 makes zeros.
 */
// @ts-ignore: decorator
@inline
export function inverses(scales: v128): v128 {
  const inverse = f32x4.div(f32x4.splat(1), scales);
  return v128.and(inverse, finiteLanes(inverse));
}

/**
 * What is added to values in units of their scales: `offset`, or nothing where a scale, not being zero, is so small that
 * its inverse is infinite, and all levels are zero.
 */
// @ts-ignore: decorator
@inline
export function offsets(scales: v128, offset: f32): v128 {
  const tiny = f32x4.eq(f32x4.abs(f32x4.div(f32x4.splat(1), scales)), f32x4.splat(Infinity));
  const zero = f32x4.eq(scales, f32x4.splat(0));
  return v128.andnot(f32x4.splat(offset), v128.andnot(tiny, zero));
}

/** The largest of each of four blocks of 32 values at `at`; the sign of a zero is not certain. */
// @ts-ignore: decorator
@inline
export function largestOfBlocks(at: usize): v128 {
  return largestLanes(largestOf32(at), largestOf32(at + 128), largestOf32(at + 256), largestOf32(at + 384));
}

/** The smallest of each of four blocks of 32 values at `at`; of zeros the first. */
// @ts-ignore: decorator
@inline
export function smallestOfBlocks(at: usize): v128 {
  const smallest = smallestLanesOfBlocks(at);
  return v128.any_true(f32x4.eq(smallest, f32x4.splat(0))) ? withFirstZeros(smallest, at) : smallest;
}

// @ts-ignore: decorator
@inline
function smallestLanesOfBlocks(at: usize): v128 {
  return smallestLanes(smallestOf32(at), smallestOf32(at + 128), smallestOf32(at + 256), smallestOf32(at + 384));
}

/** Puts in place of each zero the first zero of its block, which may have another sign. */
function withFirstZeros(smallest: v128, at: usize): v128 {
  if (f32x4.extract_lane(smallest, 0) == 0) smallest = f32x4.replace_lane(smallest, 0, firstZero(at));
  if (f32x4.extract_lane(smallest, 1) == 0) smallest = f32x4.replace_lane(smallest, 1, firstZero(at + 128));
  if (f32x4.extract_lane(smallest, 2) == 0) smallest = f32x4.replace_lane(smallest, 2, firstZero(at + 256));
  if (f32x4.extract_lane(smallest, 3) == 0) smallest = f32x4.replace_lane(smallest, 3, firstZero(at + 384));
  return smallest;
}

/** For four blocks of 32 values at `at`: the first of those with the largest magnitude, with its sign. */
// @ts-ignore: decorator
@inline
export function firstExtremes(at: usize): v128 {
  const largest = largestOfBlocks(at);
  const smallest = smallestLanesOfBlocks(at);
  const opposite = f32x4.neg(smallest);
  if (v128.any_true(f32x4.eq(largest, opposite))) return firstExtremesOneByOne(at);
  return v128.bitselect(largest, smallest, f32x4.gt(largest, opposite));
}

/** {@link firstExtremes} where `+m` and `-m` both occur. */
function firstExtremesOneByOne(at: usize): v128 {
  let extremes = f32x4.splat(0);
  extremes = f32x4.replace_lane(extremes, 0, firstExtreme(at));
  extremes = f32x4.replace_lane(extremes, 1, firstExtreme(at + 128));
  extremes = f32x4.replace_lane(extremes, 2, firstExtreme(at + 256));
  return f32x4.replace_lane(extremes, 3, firstExtreme(at + 384));
}

/** The first of 32 values with the largest magnitude; a positive zero when there are only zeros. */
export function firstExtreme(at: usize): f32 {
  let magnitude: f32 = 0;
  let extreme: f32 = 0;
  for (const end = at + 128; at < end; at += 4) {
    const value = load<f32>(at);
    if (magnitude < abs(value)) {
      magnitude = abs(value);
      extreme = value;
    }
  }
  return extreme;
}

/** The first zero among 32 values, whose smallest is zero: it decides the sign. */
function firstZero(at: usize): f32 {
  while (load<f32>(at) != 0) at += 4;
  return load<f32>(at);
}
