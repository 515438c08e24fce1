/**
 * Inner products in plain TypeScript: the reference that faster kernels are held against, and what runs where they cannot.
 *
 * Each inner product is one sum in float64 in the order of the elements; cutting rows or tokens into blocks
 * otherwise never changes a result.
 *
 * @module
 */
import { decodeToFloat32 } from '../quant/codec.js';
import { type Activations, type Kernels, type WeightRows, kernelsOf } from './kernels.js';

/** Rows computed together: four rows by two tokens are eight sums, which fit the registers. */
const TILE_ROWS = 4;

/** Unpacked weights at a time: within the second-level cache of any machine. */
const SCRATCH_ELEMENTS = 1 << 15;

/** Kernels in plain TypeScript: about 1.6e9 multiplications a second on a core of 2024. */
export const plainKernels: Kernels = kernelsOf(() => multiplyPlainly);

/** The products of some rows in plain TypeScript. Peak memory: some rows in float32. */
export function multiplyPlainly(weights: WeightRows, activations: Activations): void {
  const { rowCount, rowLength } = weights;
  const rowBytes = weights.bytes.byteLength / rowCount;
  const step = TILE_ROWS * Math.max(1, Math.floor(SCRATCH_ELEMENTS / (TILE_ROWS * rowLength)));
  const scratch = new Float32Array(Math.min(step, rowCount) * rowLength); // (rows, rowLength)
  for (let first = 0; first < rowCount; first += step) {
    const count = Math.min(step, rowCount - first);
    const unpacked = scratch.subarray(0, count * rowLength);
    decodeToFloat32(weights.dtype, weights.bytes.subarray(first * rowBytes, (first + count) * rowBytes), unpacked);
    for (let row = 0; row < count; row += TILE_ROWS) {
      const rows = Math.min(TILE_ROWS, count - row);
      multiplyTile(
        { weights: unpacked, row, rows, length: rowLength },
        activations,
        activations.outputColumn + first + row,
      );
    }
  }
}

/** Some rows of the unpacked weights. */
interface Tile {
  readonly weights: Float32Array;
  readonly row: number;
  readonly rows: number;
  readonly length: number;
}

/**
 * Up to four rows from `row`, by all tokens in pairs. Where a tile is not full its last row or token stands in
 * for the missing ones: the same value is computed and stored twice, which is cheaper than a second loop.
 */
function multiplyTile(
  { weights, row, rows, length }: Tile,
  { input, tokens, output, outputWidth }: Activations,
  column: number,
): void {
  const r1 = Math.min(1, rows - 1);
  const r2 = Math.min(2, rows - 1);
  const r3 = rows - 1;
  const w0 = row * length;
  const w1 = w0 + r1 * length;
  const w2 = w0 + r2 * length;
  const w3 = w0 + r3 * length;
  for (let token = 0; token < tokens; token += 2) {
    const next = Math.min(token + 1, tokens - 1);
    const x = token * length;
    const y = next * length;
    let [x0, x1, x2, x3] = [0, 0, 0, 0];
    let [y0, y1, y2, y3] = [0, 0, 0, 0];
    for (let i = 0; i < length; i++) {
      const u = input[x + i]!;
      const v = input[y + i]!;
      const a = weights[w0 + i]!;
      const b = weights[w1 + i]!;
      const c = weights[w2 + i]!;
      const d = weights[w3 + i]!;
      x0 += a * u;
      x1 += b * u;
      x2 += c * u;
      x3 += d * u;
      y0 += a * v;
      y1 += b * v;
      y2 += c * v;
      y3 += d * v;
    }
    const outX = token * outputWidth + column;
    const outY = next * outputWidth + column;
    output[outX] = x0;
    output[outX + r1] = x1;
    output[outX + r2] = x2;
    output[outX + r3] = x3;
    output[outY] = y0;
    output[outY + r1] = y1;
    output[outY + r2] = y2;
    output[outY + r3] = y3;
  }
}
