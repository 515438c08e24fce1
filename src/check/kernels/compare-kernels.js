/**
 * Differences of tensors in WebAssembly: the sums, counts and places that `tensor-statistics.ts` gathers.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Where a machine has no WebAssembly or no 128-bit SIMD there are no
 * kernels, and the TypeScript does the work.
 *
 * @see https://webassembly.github.io/spec/core/
 * @module
 */
import { aligned, compiledOnce, reach } from '../../quant/kernels/compile.js';

/** Elements that are compared at a time, as float32 in bytes, so that both sides stay in a core's own cache. */
const BYTES_AT_A_TIME = 1 << 18;

/** Longest row: two of them as float32 take 8 MiB. */
const LONGEST_ROW = 1 << 20;

/** Numbers that are gathered, see `assembly/gathered.ts`. */
const GATHERED = 35;

/** Which of them is the place of the largest difference; -1 as long as none is known. */
const PLACE = 2;

/** Numbers that say what is allowed, see `assembly/fit.ts`. */
const DEMANDS = 10;

/**
 * Rows of one side, as stored.
 * @typedef {object} ComparedRows
 * @property {number} format - ggml's number for the type
 * @property {Uint8Array} bytes - whole rows
 */

/**
 * The same rows of both sides.
 * @typedef {object} CompareJob
 * @property {ComparedRows} a
 * @property {ComparedRows} b
 * @property {number} rowCount
 * @property {number} rowLength - elements of a row
 * @property {readonly number[]} demands - what is allowed, see `assembly/fit.ts`
 */

/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => number} heapBase
 * @property {(format: number) => number} canCompare
 * @property {(formatA: number, a: number, rowBytesA: number, formatB: number, b: number, rowBytesB: number, first: number, rows: number, rowLength: number, fit: number, out: number, scratch: number) => void} gather
 */

/** One instance of the kernels and its memory, which grows to the longest rows: not for two jobs at a time. */
export class CompareKernels {
  /** @type {Exports} */
  #exports;

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.#exports = /** @type {Exports} */ (/** @type {unknown} */ (instance.exports));
  }

  /**
   * Whether there is a kernel for rows of this type and length.
   *
   * @param {number} format - ggml's number for the type
   * @param {number} rowLength
   */
  canCompare(format, rowLength) {
    return rowLength <= LONGEST_ROW && this.#exports.canCompare(format) !== 0;
  }

  /**
   * Compares whole rows, some at a time: what is copied into the kernels' memory then is still in the processor's cache
   * when they read it, and that memory stays small.
   *
   * @param {CompareJob} job
   * @returns {Float64Array} what is gathered, see `assembly/gathered.ts`; rows and places are counted from the first of these
   */
  compare({ a, b, rowCount, rowLength, demands }) {
    const { memory, gather, heapBase } = this.#exports;
    const step = Math.max(1, Math.floor(BYTES_AT_A_TIME / (rowLength * 4)));
    const rowBytes = { a: a.bytes.byteLength / rowCount, b: b.bytes.byteLength / rowCount };
    const out = aligned(heapBase());
    const fit = out + aligned(GATHERED * 8);
    const scratch = fit + aligned(DEMANDS * 8);
    const first = scratch + aligned(rowLength * 8);
    const second = first + aligned(step * rowBytes.a);
    reach(memory, second + step * rowBytes.b);
    new Float64Array(memory.buffer, out, GATHERED).fill(0)[PLACE] = -1;
    new Float64Array(memory.buffer, fit, DEMANDS).set(demands);
    for (let row = 0; row < rowCount; row += step) {
      const end = Math.min(rowCount, row + step);
      new Uint8Array(memory.buffer, first).set(a.bytes.subarray(row * rowBytes.a, end * rowBytes.a));
      new Uint8Array(memory.buffer, second).set(b.bytes.subarray(row * rowBytes.b, end * rowBytes.b));
      gather(a.format, first, rowBytes.a, b.format, second, rowBytes.b, row, end - row, rowLength, fit, out, scratch);
    }
    return new Float64Array(memory.buffer, out, GATHERED).slice();
  }
}

/**
 * The kernels, compiled but without memory; undefined where the machine cannot run them. Compiles once, and other threads
 * take the module as it is.
 */
export const compileCompareKernels = compiledOnce(() => import('./kernels.generated.js'));

/**
 * The kernels with a memory of their own; undefined where the machine cannot run them.
 *
 * @param {WebAssembly.Module} [compiled] - what {@link compileCompareKernels} gave, in another thread
 * @returns {Promise<CompareKernels | undefined>}
 */
export async function createCompareKernels(compiled) {
  const module = compiled ?? (await compileCompareKernels());
  return module && new CompareKernels(await WebAssembly.instantiate(module));
}
