/**
 * What is gathered: numbers in float64.
 *
 * | index | what |
 * | ----- | ---- |
 * | 0     | elements that differ |
 * | 1, 2  | largest difference, and its place; -1 where none is known yet |
 * | 3, 4  | elements of each side that are not finite |
 * | 5-8   | squares of each side, products, squared differences |
 * | 9, 10 | squares and errors of what fits, where blocks are judged |
 * | 11-   | three times misfits: count, place of the first, its two values, how many rows are remembered, three rows |
 *
 * @module
 */

/** Where the largest difference stands. */
export const LARGEST: usize = 8;

/** Where its place stands. */
export const PLACE: usize = 16;

/** Where the misfits of the second side stand, or of blocks. */
export const OF_B: i32 = 88;

/** Those of the first side. */
export const OF_A: i32 = 152;

/** Those of both sides as roundings of a third. */
export const OF_BOTH: i32 = 216;

/** Rows that are remembered, as `misfits.ts` says. */
const MOST_ROWS: f64 = 3;

/** Adds to the number of that index. */
// @ts-ignore: decorator
@inline
export function addTo(out: usize, index: i32, addend: f64): void {
  const at = out + (<usize>index << 3);
  store<f64>(at, load<f64>(at) + addend);
}

/** Whether a difference is larger than all before, or the first. */
// @ts-ignore: decorator
@inline
export function isLargest(out: usize, difference: f64): bool {
  return hasNoLargest(out) || difference > load<f64>(out, LARGEST);
}

/** Remembers a difference that {@link isLargest}. */
// @ts-ignore: decorator
@inline
export function setLargest(out: usize, difference: f64, place: i32): void {
  store<f64>(out, difference, LARGEST);
  store<f64>(out, <f64>place, PLACE);
}

/** Smallest float32 above zero. */
const TINY: f32 = 1.401298464324817e-45;

/**
 * The square of the largest difference in float32, as vectors square it: no element with a smaller one is further off.
 * Above zero, so that elements that are equal never reach it.
 */
export function largestSquare(out: usize): f32 {
  const largest = <f32>load<f64>(out, LARGEST);
  return max(largest * largest, TINY);
}

/** Whether no difference is known yet. */
export function hasNoLargest(out: usize): bool {
  return load<f64>(out, PLACE) < 0;
}

/** Adds `count` misfits of a row to those at `misfits`; the first of them stands at `place` and has these values. */
export function addMisfits(misfits: usize, place: i32, x: f32, y: f32, row: i32, count: i32): void {
  const before = load<f64>(misfits);
  if (before == 0) {
    store<f64>(misfits, <f64>place, 8);
    store<f64>(misfits, <f64>x, 16);
    store<f64>(misfits, <f64>y, 24);
  }
  store<f64>(misfits, before + <f64>count);
  const rows = load<f64>(misfits, 32);
  const next = misfits + 40 + (<usize>rows << 3);
  if (rows == MOST_ROWS || (rows > 0 && load<f64>(next - 8) == <f64>row)) return;
  store<f64>(next, <f64>row);
  store<f64>(misfits, rows + 1, 32);
}
