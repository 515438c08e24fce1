/**
 * What is allowed: numbers in float64 that the caller lays out.
 *
 * | index | rounding | quantizing |
 * | ----- | -------- | ---------- |
 * | 0     | 0        | 1          |
 * | 1     | whether the first side's type is one that is rounded to | elements of a block |
 * | 2-4   | its half unit, smallest half unit, overflow | square of a row's share, square of a block's, an element's share |
 * | 5     | whether the second side's type is | what is always allowed of an element |
 * | 6-8   | the same of it | 6: the square of that |
 * | 9     | whether both types are one | |
 *
 * @module
 */

/** Whether blocks, rows and elements are judged by shares, not elements by rounding. */
export function isAboutBlocks(fit: usize): bool {
  return load<f64>(fit) != 0;
}

/** Elements of a block. */
// @ts-ignore: decorator
@inline
export function blockElements(fit: usize): i32 {
  return <i32>load<f64>(fit, 8);
}

/** Square of a row's share. */
// @ts-ignore: decorator
@inline
export function rowShare(fit: usize): f64 {
  return load<f64>(fit, 16);
}

/** Square of a block's share. */
// @ts-ignore: decorator
@inline
export function blockShare(fit: usize): f64 {
  return load<f64>(fit, 24);
}

/** An element's share of the largest beside it. */
// @ts-ignore: decorator
@inline
export function elementShare(fit: usize): f64 {
  return load<f64>(fit, 32);
}

/** Largest error of an element beside elements of at most this magnitude. */
// @ts-ignore: decorator
@inline
export function allowedBeside(fit: usize, largest: f64): f64 {
  return largest * elementShare(fit) + load<f64>(fit, 40);
}

/** Whether errors are at most this squared share of the whole, beside what is always allowed. */
// @ts-ignore: decorator
@inline
export function isWithin(fit: usize, share: f64, squares: f64, errors: f64, count: i32): bool {
  return errors <= share * squares + load<f64>(fit, 48) * <f64>count;
}

/** Where the first side's type is described; that of the second follows. */
// @ts-ignore: decorator
@inline
export function typeA(fit: usize): usize {
  return fit + 8;
}

/** Where the second side's type is described. */
// @ts-ignore: decorator
@inline
export function typeB(fit: usize): usize {
  return fit + 40;
}

/** Whether anything is rounded to the type. */
// @ts-ignore: decorator
@inline
export function isRoundedTo(type: usize): bool {
  return load<f64>(type) != 0;
}

/** Half a unit in the last place, of a number whose power of two is 1. */
// @ts-ignore: decorator
@inline
export function halfUnit(type: usize): f64 {
  return load<f64>(type, 8);
}

/** The same for the smallest numbers. */
// @ts-ignore: decorator
@inline
export function smallestHalfUnit(type: usize): f64 {
  return load<f64>(type, 16);
}

/** Numbers from here on become infinite. */
// @ts-ignore: decorator
@inline
export function overflow(type: usize): f64 {
  return load<f64>(type, 24);
}

/** Whether both types are one. */
// @ts-ignore: decorator
@inline
export function isOneType(fit: usize): bool {
  return load<f64>(fit, 72) != 0;
}
