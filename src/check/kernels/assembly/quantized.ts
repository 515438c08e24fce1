/**
 * A row of which one side or both are quantized, one element at a time: `#addRow` and `#addBlock` of `quantized-fit.ts`.
 *
 * @module
 */
import { isFiniteBits } from './elements';
import { allowedBeside, blockElements, blockShare, isWithin, rowShare } from './fit';
import { OF_B, addMisfits, addTo } from './gathered';

/** Misfits of the row at hand: how many, and the place of the first in it. */
let found: i32 = 0;
let foundAt: i32 = 0;

/** Sums of the row at hand. */
let rowSquares: f64 = 0;
let rowErrors: f64 = 0;

/** Adds a row's sums and misfits. */
export function addQuantizedRow(x: usize, y: usize, length: i32, row: i32, fit: usize, out: usize): void {
  found = 0;
  foundAt = 0;
  rowSquares = 0;
  rowErrors = 0;
  const step = blockElements(fit);
  for (let from = 0; from < length; from += step) addBlock(x, y, from, min(from + step, length), fit);
  addTo(out, 9, rowSquares);
  addTo(out, 10, rowErrors);
  const isOther = !isWithin(fit, rowShare(fit), rowSquares, rowErrors, length);
  const count = isOther ? length : found;
  if (count == 0) return;
  const at = <usize>foundAt << 2; // 0 where nothing was found: then the first is the row's own
  addMisfits(out + OF_B, row * length + foundAt, load<f32>(x + at), load<f32>(y + at), row, count);
}

function addBlock(x: usize, y: usize, from: i32, end: i32, fit: usize): void {
  let squares: f64 = 0;
  let errors: f64 = 0;
  const before = found;
  const allowed = allowedBeside(fit, largestOf(x, y, from, end));
  for (let i = from; i < end; i++) {
    const at = <usize>i << 2;
    const a = <f64>load<f32>(x + at);
    const b = <f64>load<f32>(y + at);
    const error = abs(a - b);
    if (error <= allowed) {
      squares += a * a;
      errors += error * error;
    } else {
      squares += max(finiteSquare(x + at), finiteSquare(y + at));
      addFound(i, 1);
    }
  }
  const count = end - from;
  if (!isWithin(fit, blockShare(fit), squares, errors, count)) addFound(from, count - (found - before));
  rowSquares += squares;
  rowErrors += errors;
}

function addFound(at: i32, count: i32): void {
  if (found == 0) foundAt = at;
  found += count;
}

/** The largest finite magnitude of both sides. */
function largestOf(x: usize, y: usize, from: i32, end: i32): f64 {
  let largest: f32 = 0;
  for (let at = <usize>from << 2; at < <usize>end << 2; at += 4) {
    if (isFiniteBits(load<u32>(x + at))) largest = max(largest, abs(load<f32>(x + at)));
    if (isFiniteBits(load<u32>(y + at))) largest = max(largest, abs(load<f32>(y + at)));
  }
  return <f64>largest;
}

function finiteSquare(at: usize): f64 {
  const value = <f64>load<f32>(at);
  return isFiniteBits(load<u32>(at)) ? value * value : 0;
}
