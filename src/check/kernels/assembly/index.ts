/**
 * Comparing tensors in WebAssembly: the entry point, in AssemblyScript.
 *
 * Compiled by `scripts/kernels.mjs` into `kernels.generated.js`. What is gathered is what `tensor-statistics.ts`,
 * `rounding-fit.ts` and `quantized-fit.ts` gather, which are the ones to read first. Strips of 32 elements go by in
 * vectors; where a vector cannot tell for sure, the same strip or row goes through the TypeScript's own steps.
 * So counts, places and values are to the bit those of the TypeScript; sums differ in the last bits of a float32.
 *
 * @module
 */
import { canUnpack, unpack } from '../../../forward/kernels/assembly/unpack';
import { isAboutBlocks } from './fit';
import { gatherRow } from './row';

/** First byte that is free for the caller. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether {@link gather} knows a type, given by ggml's number. */
export function canCompare(format: i32): bool {
  return canUnpack(format);
}

/**
 * Adds to what is gathered at `out` the difference of `rows` rows of `rowLength` elements at `a` and `b`, the first of which
 * has the number `first`: places and rows are counted from number 0. `fit` says what is allowed, see `fit.ts`; `scratch` is room for two rows in float32.
 */
export function gather(
  formatA: i32,
  a: usize,
  rowBytesA: usize,
  formatB: i32,
  b: usize,
  rowBytesB: usize,
  first: i32,
  rows: i32,
  rowLength: i32,
  fit: usize,
  out: usize,
  scratch: usize,
): void {
  const other = scratch + (<usize>rowLength << 2);
  const isQuantized = isAboutBlocks(fit);
  for (let row = 0; row < rows; row++, a += rowBytesA, b += rowBytesB) {
    let x = a;
    let y = b;
    if (formatA != 0) unpack(formatA, a, (x = scratch), rowLength);
    if (formatB != 0) unpack(formatB, b, (y = other), rowLength);
    gatherRow(x, y, rowLength, first + row, isQuantized, fit, out);
  }
}
