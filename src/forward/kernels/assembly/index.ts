/**
 * Matrix products in WebAssembly: the entry point, in AssemblyScript.
 *
 * Compiled by `scripts/kernels.mjs` into `kernels.generated.js`. Weights come in their own type and become float32 a few
 * at a time, to the bit as in `quant/`; everything after that is the same for all types. So equal weights give equal
 * products, whatever type they are stored in.
 *
 * @module
 */
import { expandToFloat32 } from '../../../quant/kernels/assembly/rows';
import { unpackQ4_0, unpackQ8_0 } from './blocks32';
import { unpackQ4_K, unpackQ5_K, unpackQ6_K } from './super-blocks';
import { COLUMNS, STRIDE, tile4x4, tile4x8 } from './tile';

/** First byte that is free for the caller. */
export function heapBase(): usize {
  return __heap_base;
}

/** Whether {@link multiply} knows a type of weights, given by ggml's number. */
export function canMultiply(format: i32): bool {
  return (format >= 0 && format <= 2) || format == 8 || (format >= 12 && format <= 14) || format == 30;
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

/** Turns `length` weights at `src` into float32 at `dst`. */
function unpack(format: i32, src: usize, dst: usize, length: i32): void {
  switch (format) {
    case 0:
      memory.copy(dst, src, <usize>length << 2);
      break;
    case 1:
    case 30:
      expandToFloat32(format, src, dst, length);
      break;
    case 2:
      unpackQ4_0(src, dst, length);
      break;
    case 8:
      unpackQ8_0(src, dst, length);
      break;
    case 12:
      unpackQ4_K(src, dst, length);
      break;
    case 13:
      unpackQ5_K(src, dst, length);
      break;
    case 14:
      unpackQ6_K(src, dst, length);
      break;
    default:
      unreachable();
  }
}
