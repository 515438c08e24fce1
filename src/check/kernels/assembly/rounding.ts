/**
 * Which elements are roundings of the other side's: `rounding.ts` and `rounding-fit.ts`.
 *
 * @module
 */
import { areSame, isNaNBits } from './elements';
import { halfUnit, isOneType, isRoundedTo, overflow, smallestHalfUnit, typeA, typeB } from './fit';
import { OF_A, OF_B, OF_BOTH, addMisfits } from './gathered';

/** Adds the misfits of a strip of 32 elements: in vectors, or one by one where a vector cannot tell. */
export function addRoundingStrip(x: usize, y: usize, place: i32, row: i32, fit: usize, out: usize): void {
  const a = typeA(fit);
  const b = typeB(fit);
  // a type that is not known has no half unit: nothing that differs is a rounding to it
  const unitA = f32x4.splat(isRoundedTo(a) ? <f32>halfUnit(a) : 0);
  const unitB = f32x4.splat(isRoundedTo(b) ? <f32>halfUnit(b) : 0);
  const smallestA = f32x4.splat(isRoundedTo(a) ? <f32>smallestHalfUnit(a) : 0);
  const smallestB = f32x4.splat(isRoundedTo(b) ? <f32>smallestHalfUnit(b) : 0);
  const overflowA = f32x4.splat(isRoundedTo(a) ? <f32>overflow(a) : Infinity);
  const overflowB = f32x4.splat(isRoundedTo(b) ? <f32>overflow(b) : Infinity);
  const mayBeBoth = !isOneType(fit) && isRoundedTo(a) && isRoundedTo(b);
  let misses: u64 = 0; // a bit for each element of the second side that is no rounding of the first's
  let missesA: u64 = 0;
  for (let i: usize = 0; i < 32; i += 4) {
    const x4 = v128.load(x + (i << 2));
    const y4 = v128.load(y + (i << 2));
    const apart = f32x4.abs(f32x4.sub(x4, y4));
    const differ = i32x4.ne(x4, y4);
    const unitOfX = f32x4.mul(powerLanes(x4), unitB);
    const unitOfY = f32x4.mul(powerLanes(y4), unitA);
    const allowedB = f32x4.pmax(unitOfX, smallestB);
    const allowedA = f32x4.pmax(unitOfY, smallestA);
    // a difference that is the half unit itself may have been rounded to it
    const isAtLimit = v128.or(f32x4.eq(apart, allowedB), f32x4.eq(apart, allowedA));
    const overflows = v128.or(f32x4.ge(f32x4.abs(x4), overflowB), f32x4.ge(f32x4.abs(y4), overflowA));
    const unsure = v128.or(v128.or(isAtLimit, overflows), v128.or(notFiniteLanes(x4), notFiniteLanes(y4)));
    const losesSign = i32x4.shr_s(v128.xor(x4, y4), 31);
    const missB = v128.andnot(differ, roundedLanes(x4, y4, f32x4.lt(apart, allowedB), f32x4.gt(unitOfX, smallestB), losesSign));
    const missA = v128.andnot(differ, roundedLanes(y4, x4, f32x4.lt(apart, allowedA), f32x4.gt(unitOfY, smallestA), losesSign));
    const both = v128.and(missA, missB);
    if (v128.any_true(v128.and(differ, unsure)) || (mayBeBoth && v128.any_true(both))) {
      addRoundings(x, y, 32, place, row, fit, out);
      return;
    }
    misses |= (<u64>i32x4.bitmask(missB)) << i;
    missesA |= (<u64>i32x4.bitmask(missA)) << i;
  }
  addMask(misses, x, y, place, row, out + OF_B);
  addMask(missesA, x, y, place, row, out + OF_A);
  addMask(misses & missesA, x, y, place, row, out + OF_BOTH);
}

/** Adds the elements whose bits are set. */
function addMask(mask: u64, x: usize, y: usize, place: i32, row: i32, misfits: usize): void {
  if (mask == 0) return;
  const first = <i32>ctz(mask);
  const at = <usize>first << 2;
  addMisfits(misfits, place + first, load<f32>(x + at), load<f32>(y + at), row, <i32>popcnt(mask));
}

/** Lanes in which `rounded` surely is what `value` becomes in the type, given that it is near and whether units shrink there. */
// @ts-ignore: decorator
@inline
function roundedLanes(value: v128, rounded: v128, isNear: v128, hasUnits: v128, losesSign: v128): v128 {
  const falls = v128.and(f32x4.lt(f32x4.abs(rounded), powerLanes(value)), hasUnits);
  return v128.andnot(isNear, v128.or(falls, v128.and(f32x4.eq(rounded, f32x4.splat(0)), losesSign)));
}

/** Lanes that are infinite or NaN. */
// @ts-ignore: decorator
@inline
function notFiniteLanes(values: v128): v128 {
  const exponent = i32x4.splat(0x7f800000);
  return i32x4.eq(v128.and(values, exponent), exponent);
}

/** The power of two of each lane; numbers below the normal range share the smallest. */
// @ts-ignore: decorator
@inline
function powerLanes(values: v128): v128 {
  return i32x4.max_s(v128.and(values, i32x4.splat(0x7f800000)), i32x4.splat(0x00800000));
}

/** Adds the misfits of `length` elements one by one, the first of which stands at `place`. */
export function addRoundings(
  x: usize,
  y: usize,
  length: i32,
  place: i32,
  row: i32,
  fit: usize,
  out: usize,
): void {
  for (let i = 0; i < length; i++, x += 4, y += 4) {
    const bitsA = load<u32>(x);
    const bitsB = load<u32>(y);
    if (areSame(bitsA, bitsB)) continue;
    const a = load<f32>(x);
    const b = load<f32>(y);
    const bIsRounded = roundsTo(a, bitsA, b, bitsB, typeB(fit));
    const aIsRounded = roundsTo(b, bitsB, a, bitsA, typeA(fit));
    if (!bIsRounded) addMisfits(out + OF_B, place + i, a, b, row, 1);
    if (!aIsRounded) addMisfits(out + OF_A, place + i, a, b, row, 1);
    if (!bIsRounded && !aIsRounded && !areRoundings(a, bitsA, b, bitsB, fit)) {
      addMisfits(out + OF_BOTH, place + i, a, b, row, 1);
    }
  }
}

function roundsTo(value: f32, bits: u32, rounded: f32, roundedBits: u32, type: usize): bool {
  if (!isRoundedTo(type)) return false;
  if (rounded == 0 && roundedBits >> 31 != bits >> 31) return false;
  const isInfinite = (roundedBits & 0x7fffffff) == 0x7f800000;
  if (abs(<f64>value) >= overflow(type)) return isInfinite && roundedBits >> 31 == bits >> 31;
  const unit = powerOf(bits) * halfUnit(type);
  const smallest = smallestHalfUnit(type);
  if (abs(<f64>value - <f64>rounded) <= max(unit, smallest)) {
    return !(abs(<f64>rounded) < powerOf(bits) && unit > smallest);
  }
  return isNaNBits(bits) && isNaNBits(roundedBits);
}

/** Whether some third value may have become `a` in one type and `b` in another. */
function areRoundings(a: f32, bitsA: u32, b: f32, bitsB: u32, fit: usize): bool {
  const first = typeA(fit);
  const second = typeB(fit);
  if (isOneType(fit) || !isRoundedTo(first) || !isRoundedTo(second)) return false;
  return abs(<f64>a - <f64>b) <= halfUnitOf(bitsA, first) + halfUnitOf(bitsB, second);
}

function halfUnitOf(bits: u32, type: usize): f64 {
  return max(powerOf(bits) * halfUnit(type), smallestHalfUnit(type));
}

function powerOf(bits: u32): f64 {
  const exponent = max(<i64>((bits >> 23) & 0xff), 1);
  return reinterpret<f64>((exponent + 896) << 52);
}
