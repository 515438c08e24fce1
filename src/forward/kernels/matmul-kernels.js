/**
 * Matrix products in WebAssembly: tiles of four rows by eight tokens in registers.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Where a machine has no WebAssembly or no 128-bit SIMD there are no
 * kernels, and the TypeScript does the work.
 *
 * @see https://webassembly.github.io/spec/core/
 * @module
 */
import { aligned, compiledOnce, reach } from '../../quant/kernels/compile.js';

/** Tokens of a panel: the lanes of two vectors. */
const PANEL_TOKENS = 8;

/** Columns whose activations lie together. */
const COLUMNS = 256;

/** Rows of a tile. */
const TILE_ROWS = 4;

/** Bytes of a tile's weights once they are float32. */
const SCRATCH_BYTES = TILE_ROWS * COLUMNS * 4;

/** Weights that are multiplied at a time, in bytes, so that they stay in a core's own cache. */
const WEIGHTS_AT_A_TIME = 1 << 18;

/** Activations at a time, in bytes; those of more tokens are multiplied one part after the other. */
const ACTIVATIONS_AT_A_TIME = 1 << 22;

/** Longest row: eight tokens' activations of such a row take 32 MiB. */
const LONGEST_ROW = 1 << 20;

/**
 * Consecutive rows of a weight matrix, as stored.
 * @typedef {object} StoredRows
 * @property {number} format - ggml's number for the type
 * @property {Uint8Array} bytes - `rowCount` rows
 * @property {number} rowCount - number of rows
 * @property {number} rowLength - weights of a row
 */

/**
 * Activations, (tokens, rowLength). What is multiplied by them once is kept for the next rows, so the array must not
 * change as long as the object is in use.
 * @typedef {object} Inputs
 * @property {Float32Array} input
 * @property {number} tokens
 */

/**
 * Where products go: those of row r and token t to `output[t * outputWidth + outputColumn + r]`.
 * @typedef {object} Outputs
 * @property {Float32Array} output
 * @property {number} outputWidth
 * @property {number} outputColumn
 */

/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => number} heapBase
 * @property {(format: number) => number} canMultiply
 * @property {(format: number, weights: number, rowBytes: number, rows: number, rowLength: number, x: number, panels: number, isNarrow: boolean, sums: number, scratch: number) => void} multiply
 */

/** One instance of the kernels and its memory, which grows to some megabytes: not for two jobs at a time. */
export class MatmulKernels {
  /** @type {Exports} */
  #exports;

  /**
   * What lies in the kernels' memory.
   * @type {{ inputs: Inputs, first: number } | undefined}
   */
  #packed;

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
  canMultiply(format, rowLength) {
    return rowLength <= LONGEST_ROW && this.#exports.canMultiply(format) !== 0;
  }

  /**
   * Multiplies all tokens by all rows, some at a time: what is copied into the kernels' memory then is still in the
   * processor's cache when they read it, and that memory stays small.
   *
   * @param {StoredRows} weights
   * @param {Inputs} inputs
   * @param {Outputs} outputs
   */
  multiply(weights, inputs, outputs) {
    const { rowLength } = weights;
    const fitting = Math.floor(ACTIVATIONS_AT_A_TIME / (rowLength * 4 * PANEL_TOKENS)) * PANEL_TOKENS;
    const step = Math.max(PANEL_TOKENS, fitting);
    for (let first = 0; first < inputs.tokens; first += step) {
      const tokens = Math.min(step, inputs.tokens - first);
      this.#pack(inputs, first, tokens, rowLength);
      this.#multiplyTokens(weights, first, tokens, outputs);
    }
  }

  /**
   * Lays the activations of some tokens out as the kernels take them, unless they lie there already.
   *
   * @param {Inputs} inputs
   * @param {number} first - first token
   * @param {number} tokens
   * @param {number} rowLength
   */
  #pack(inputs, first, tokens, rowLength) {
    if (this.#packed?.inputs === inputs && this.#packed.first === first) return;
    const { memory } = this.#exports;
    const { x, sums } = this.#layout(tokens, rowLength);
    reach(memory, sums);
    const packed = new Float32Array(memory.buffer, x, (sums - x) >> 2).fill(0);
    const panels = Math.ceil(tokens / PANEL_TOKENS);
    const { input } = inputs;
    for (let token = 0; token < tokens; token++) {
      const source = (first + token) * rowLength;
      const lane = Math.floor(token / PANEL_TOKENS) * COLUMNS * PANEL_TOKENS + (token % PANEL_TOKENS);
      for (let column = 0; column < rowLength; column += COLUMNS) {
        const target = column * panels * PANEL_TOKENS + lane;
        const length = Math.min(COLUMNS, rowLength - column);
        for (let i = 0; i < length; i++) {
          packed[target + i * PANEL_TOKENS] = /** @type {number} */ (input[source + column + i]);
        }
      }
    }
    this.#packed = { inputs, first };
  }

  /**
   * @param {StoredRows} weights
   * @param {number} firstToken
   * @param {number} tokens
   * @param {Outputs} outputs
   */
  #multiplyTokens({ format, bytes, rowCount, rowLength }, firstToken, tokens, { output, outputWidth, outputColumn }) {
    const rowBytes = bytes.byteLength / rowCount;
    const step = Math.max(1, Math.floor(WEIGHTS_AT_A_TIME / (rowBytes * TILE_ROWS))) * TILE_ROWS;
    for (let row = 0; row < rowCount; row += step) {
      const rows = Math.min(step, rowCount - row);
      const part = bytes.subarray(row * rowBytes, (row + rows) * rowBytes);
      const sums = this.#multiplyRows(format, part, rows, rowLength, tokens);
      const panelLength = sums.length / Math.ceil(tokens / PANEL_TOKENS);
      for (let token = 0; token < tokens; token++) {
        const source = Math.floor(token / PANEL_TOKENS) * panelLength + (token % PANEL_TOKENS);
        const target = (firstToken + token) * outputWidth + outputColumn + row;
        for (let r = 0; r < rows; r++) {
          output[target + r] = /** @type {number} */ (sums[source + r * PANEL_TOKENS]);
        }
      }
    }
  }

  /**
   * @param {number} format
   * @param {Uint8Array} bytes
   * @param {number} rows
   * @param {number} rowLength
   * @param {number} tokens
   * @returns {Float32Array} (panels, rows rounded up to whole tiles, tokens of a panel)
   */
  #multiplyRows(format, bytes, rows, rowLength, tokens) {
    const { memory, multiply } = this.#exports;
    const panels = Math.ceil(tokens / PANEL_TOKENS);
    const isNarrow = tokens - (panels - 1) * PANEL_TOKENS <= PANEL_TOKENS / 2;
    const { scratch, x, sums } = this.#layout(tokens, rowLength);
    const sumCount = panels * Math.ceil(rows / TILE_ROWS) * TILE_ROWS * PANEL_TOKENS;
    const weights = sums + aligned(sumCount * 4);
    reach(memory, weights + bytes.byteLength);
    new Uint8Array(memory.buffer, weights).set(bytes);
    multiply(format, weights, bytes.byteLength / rows, rows, rowLength, x, panels, isNarrow, sums, scratch);
    return new Float32Array(memory.buffer, sums, sumCount);
  }

  /**
   * Where things lie in the kernels' memory; the weights follow the sums.
   *
   * @param {number} tokens
   * @param {number} rowLength
   */
  #layout(tokens, rowLength) {
    const scratch = aligned(this.#exports.heapBase());
    const x = scratch + SCRATCH_BYTES;
    const values = Math.ceil(tokens / PANEL_TOKENS) * PANEL_TOKENS * Math.ceil(rowLength / COLUMNS) * COLUMNS;
    return { scratch, x, sums: x + values * 4 };
  }
}

/**
 * The kernels, compiled but without memory; undefined where the machine cannot run them. Compiles once, and other threads
 * take the module as it is.
 */
export const compileMatmulKernels = compiledOnce(() => import('./kernels.generated.js'));

/**
 * The kernels with a memory of their own; undefined where the machine cannot run them.
 *
 * @param {WebAssembly.Module} [compiled] - what {@link compileMatmulKernels} gave, in another thread
 * @returns {Promise<MatmulKernels | undefined>}
 */
export async function createMatmulKernels(compiled) {
  const module = compiled ?? (await compileMatmulKernels());
  return module && new MatmulKernels(await WebAssembly.instantiate(module));
}
