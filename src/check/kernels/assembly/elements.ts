/**
 * Differences one element at a time, in the steps of `tensor-statistics.ts`: for what is too large, too small or not finite.
 *
 * @module
 */
import { addTo, isLargest, largestSquare, setLargest } from './gathered';

const MAGNITUDE: u32 = 0x7fffffff;

const INFINITE: u32 = 0x7f800000;

/** Whether a float32 with these bits is NaN. */
// @ts-ignore: decorator
@inline
export function isNaNBits(bits: u32): bool {
  return (bits & MAGNITUDE) > INFINITE;
}

/** Whether a float32 with these bits is finite. */
// @ts-ignore: decorator
@inline
export function isFiniteBits(bits: u32): bool {
  return (bits & MAGNITUDE) < INFINITE;
}

/** Whether two elements are equal to the bit, or both NaN. */
// @ts-ignore: decorator
@inline
export function areSame(a: u32, b: u32): bool {
  return a == b || (isNaNBits(a) && isNaNBits(b));
}

/** Distance of two elements that are not the same; infinite where one is not a number. */
// @ts-ignore: decorator
@inline
function distance(x: f32, y: f32): f64 {
  const apart = abs(<f64>x - <f64>y);
  return apart == apart ? apart : Infinity;
}

/** Adds the sums of `length` elements, the first of which stands at `place`. */
export function addElements(x: usize, y: usize, length: i32, place: i32, out: usize): void {
  for (let i = 0; i < length; i++, x += 4, y += 4) {
    const bitsA = load<u32>(x);
    const bitsB = load<u32>(y);
    const a = <f64>load<f32>(x);
    const b = <f64>load<f32>(y);
    if (isFiniteBits(bitsA) && isFiniteBits(bitsB)) {
      addTo(out, 5, a * a);
      addTo(out, 6, b * b);
      addTo(out, 7, a * b);
    } else {
      if (!isFiniteBits(bitsA)) addTo(out, 3, 1);
      if (!isFiniteBits(bitsB)) addTo(out, 4, 1);
    }
    if (areSame(bitsA, bitsB)) continue;
    const difference = distance(load<f32>(x), load<f32>(y));
    addTo(out, 8, difference * difference);
    if (isLargest(out, difference)) setLargest(out, difference, place + i);
    addTo(out, 0, 1);
  }
}

/** Remembers the largest difference of `length` elements where it {@link isLargest}; returns what {@link largestSquare} is then. */
export function findLargest(x: usize, y: usize, length: i32, place: i32, out: usize): f32 {
  for (let i = 0; i < length; i++, x += 4, y += 4) {
    if (areSame(load<u32>(x), load<u32>(y))) continue;
    const difference = distance(load<f32>(x), load<f32>(y));
    if (isLargest(out, difference)) setLargest(out, difference, place + i);
  }
  return largestSquare(out);
}
