/**
 * Matrix products in WebAssembly: the entry point, in AssemblyScript.
 *
 * Compiled by `scripts/kernels.mjs` into `kernels.generated.js`. Weights come in their own type and become float32 a few
 * at a time, to the bit as in `quant/`; everything after that is the same for all types. So equal weights give equal
 * products, whatever type they are stored in.
 *
 * @module
 */
import { COLUMNS, STRIDE, tile4x4, tile4x8 } from './tile';
import { canUnpack, unpack } from './unpack';

/** First byte that is free for the caller. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether {@link multiply} knows a type of weights, given by ggml's number. */
export function canMultiply(format: i32): bool {
  return canUnpack(format);
}

/**
 * Products of `rows` rows of `rowLength` weights at `weights`, `rowBytes` from one to the next, and the activations of up
 * to `8 * panels` tokens.
 *
 * `x` has the activations as (rowLength / 256, panels, 256, 8 tokens); `sums` is filled with (panels, rows rounded up to
 * four, 8 tokens). With `isNarrow` the last panel has four tokens at most, and only their sums are made. `scratch` is room
 * for {@link COLUMNS} values of four rows.
 */
export function multiply(
  format: i32,
  weights: usize,
  rowBytes: usize,
  rows: i32,
  rowLength: i32,
  x: usize,
  panels: i32,
  isNarrow: bool,
  sums: usize,
  scratch: usize,
): void {
  const panelBytes = (<usize>(rows + 3) & ~3) << 5;
  memory.fill(sums, 0, panelBytes * panels);
  const wide = panels - <i32>isNarrow;
  for (let column = 0; column < rowLength; column += COLUMNS) {
    const length = min(COLUMNS, rowLength - column);
    const src = weights + byteOffset(format, column);
    for (let row = 0; row < rows; row += 4) {
      for (let r = 0; r < min(4, rows - row); r++) {
        unpack(format, src + rowBytes * (row + r), scratch + STRIDE * r, length);
      }
      let panel = x;
      let sum = sums + (<usize>row << 5);
      for (let i = 0; i < wide; i++, panel += PANEL_BYTES, sum += panelBytes) tile4x8(scratch, panel, length, sum);
      if (isNarrow) tile4x4(scratch, panel, length, sum);
    }
    x += PANEL_BYTES * panels;
  }
}

/** Bytes of the activations of eight tokens in {@link COLUMNS} columns. */
const PANEL_BYTES: usize = 8192;

/** Where a column, a multiple of {@link COLUMNS}, begins in a row. */
function byteOffset(format: i32, column: i32): usize {
  switch (format) {
    case 0:
      return <usize>column << 2;
    case 1:
    case 30:
      return <usize>column << 1;
    case 2:
      return (<usize>column >> 5) * 18;
    case 8:
      return (<usize>column >> 5) * 34;
    case 12:
      return (<usize>column >> 8) * 144;
    case 13:
      return (<usize>column >> 8) * 176;
    case 14:
      return (<usize>column >> 8) * 210;
    default:
      return unreachable();
  }
}
