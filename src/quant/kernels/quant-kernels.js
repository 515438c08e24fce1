/**
 * The number formats in WebAssembly: the same bytes as the TypeScript in `quant/blocks`, several times faster.
 *
 * Plain JavaScript, because a worker thread is not transformed: this file runs as it stands both from the
 * sources under test and from the built package. Where a machine has no WebAssembly or no 128-bit SIMD there are no
 * kernels, and the TypeScript does the work.
 *
 * @see https://webassembly.github.io/spec/core/
 * @module
 */
import { aligned, compiledOnce, reach } from './compile.js';

/** ggml's numbers for the types of values that kernels read. */
const SOURCES = { float32: 0, float16: 1, bfloat16: 30 };

/** Bytes of a value of these types. */
const SOURCE_BYTES = { float32: 4, float16: 2, bfloat16: 2 };

/** Values that are quantized at a time, in bytes, so that they and their blocks stay in a core's own cache. */
const BYTES_AT_A_TIME = 1 << 18;

/**
 * Type of values that kernels read.
 * @typedef {keyof typeof SOURCES} KernelSource
 */

/**
 * Values to quantize.
 * @typedef {object} KernelJob
 * @property {number} format - ggml's number for the type to make: blocks, or 0, 1 and 30 for float32, float16 and bfloat16
 * @property {KernelSource} source - type of the values
 * @property {Uint8Array} values - whole rows of values
 * @property {number} rowLength - values in a row
 * @property {Float32Array | undefined} [importance] - a weight for each column
 */

/**
 * What a kernel found: the index of the first value that is not finite (then what was written means nothing), and of the first block
 * with a scale that is not (the blocks are those that ggml makes, but worth nothing); -1 where there is none. Formats without
 * blocks hold infinity and NaN, so nothing is found in them.
 * @typedef {object} KernelOutcome
 * @property {number} badValue
 * @property {number} badBlock
 */

/**
 * Values to cast into another of these types.
 * @typedef {object} CastJob
 * @property {KernelSource} source - type of the values
 * @property {KernelSource} dtype - the type to make, another
 * @property {Uint8Array} values
 */

/**
 * @typedef {object} Exports
 * @property {WebAssembly.Memory} memory
 * @property {() => number} heapBase
 * @property {(format: number) => number} canQuantize
 * @property {(format: number) => number} blockElements
 * @property {(format: number, source: number, src: number, dst: number, rows: number, rowLength: number, importance: number, scratch: number) => number} quantize
 * @property {(format: number, source: number, src: number, dst: number, count: number, losses: number) => void} castFloats
 */

/** One instance of the kernels and its memory, which grows to the longest rows: not for two jobs at a time. */
export class QuantKernels {
  /** @type {Exports} */
  #exports;

  /** @param {WebAssembly.Instance} instance */
  constructor(instance) {
    this.#exports = /** @type {Exports} */ (/** @type {unknown} */ (instance.exports));
  }

  /**
   * Whether there is a kernel for a format: blocks, or float32, float16 and bfloat16.
   *
   * @param {number} format - ggml's number for the type
   */
  canQuantize(format) {
    return this.#exports.canQuantize(format) !== 0;
  }

  /**
   * Quantizes whole rows into `out`, some at a time: what is copied into the kernels' memory then is still in the
   * processor's cache when they read it, and that memory stays small.
   *
   * @param {KernelJob} job
   * @param {Uint8Array} out - exactly as long as the blocks
   * @returns {KernelOutcome}
   */
  quantize(job, out) {
    const rowBytes = job.rowLength * SOURCE_BYTES[job.source];
    const rows = job.values.byteLength / rowBytes;
    const step = Math.max(1, Math.floor(BYTES_AT_A_TIME / rowBytes));
    const outRowBytes = out.byteLength / rows;
    /** @type {KernelOutcome} */
    const outcome = { badValue: -1, badBlock: -1 };
    for (let row = 0; row < rows; row += step) {
      const end = Math.min(rows, row + step);
      const found = this.#quantizeRows(job, row, end, out.subarray(row * outRowBytes, end * outRowBytes));
      if (found >= 0) return { badValue: row * job.rowLength + found, badBlock: -1 };
      if (found < -1 && outcome.badBlock < 0)
        outcome.badBlock = (row * job.rowLength) / this.#exports.blockElements(job.format) - 2 - found;
    }
    return outcome;
  }

  /**
   * Casts values into another type, some at a time as above, and adds what is lost to `loss`.
   *
   * @param {CastJob} job
   * @param {Uint8Array} out - exactly as long as the results
   * @param {import('../cast-loss.js').CastLoss} [loss]
   */
  cast({ source, dtype, values }, out, loss) {
    const { memory, heapBase, castFloats } = this.#exports;
    const [bytes, outBytes] = [SOURCE_BYTES[source], SOURCE_BYTES[dtype]];
    const losses = aligned(heapBase());
    const src = losses + 64;
    const dst = src + BYTES_AT_A_TIME;
    reach(memory, dst + (BYTES_AT_A_TIME / bytes) * outBytes);
    const memoryBytes = new Uint8Array(memory.buffer);
    memoryBytes.fill(0, losses, src);
    for (let at = 0; at < values.byteLength; at += BYTES_AT_A_TIME) {
      const part = values.subarray(at, at + BYTES_AT_A_TIME);
      const count = part.byteLength / bytes;
      memoryBytes.set(part, src);
      castFloats(SOURCES[dtype], SOURCES[source], src, dst, count, losses);
      out.set(memoryBytes.subarray(dst, dst + count * outBytes), (at / bytes) * outBytes);
    }
    if (loss === undefined) return;
    const [overflowed = 0, flushedToZero = 0, rounded = 0] = new Uint32Array(memory.buffer, losses, 3);
    loss.overflowed += overflowed;
    loss.flushedToZero += flushedToZero;
    loss.rounded += rounded;
  }

  /**
   * @param {KernelJob} job
   * @param {number} first - first row
   * @param {number} last - first row that is left out
   * @param {Uint8Array} out
   * @returns {number} what the kernel returns
   */
  #quantizeRows({ format, source, values, rowLength, importance }, first, last, out) {
    const rowBytes = rowLength * SOURCE_BYTES[source];
    const scratch = aligned(this.#exports.heapBase());
    const weights = scratch + aligned(rowLength * 4);
    const src = weights + aligned(rowLength * 4);
    const dst = src + aligned((last - first) * rowBytes);
    const { memory } = this.#exports;
    reach(memory, dst + out.byteLength);
    new Uint8Array(memory.buffer, src).set(values.subarray(first * rowBytes, last * rowBytes));
    if (importance !== undefined) new Float32Array(memory.buffer, weights).set(importance);
    const given = importance === undefined ? 0 : weights;
    const found = this.#exports.quantize(format, SOURCES[source], src, dst, last - first, rowLength, given, scratch);
    if (found < 0) out.set(new Uint8Array(memory.buffer, dst, out.byteLength));
    return found;
  }
}

/**
 * The kernels, compiled but without memory; undefined where the machine cannot run them. Compiles once, and other threads
 * take the module as it is: one that compiles for itself needs 4 MB more.
 */
export const compileQuantKernels = compiledOnce(() => import('./kernels.generated.js'));

/**
 * The kernels with a memory of their own; undefined where the machine cannot run them.
 *
 * @param {WebAssembly.Module} [compiled] - what {@link compileQuantKernels} gave, in another thread
 * @returns {Promise<QuantKernels | undefined>}
 */
export async function createQuantKernels(compiled) {
  const module = compiled ?? (await compileQuantKernels());
  return module && new QuantKernels(await WebAssembly.instantiate(module));
}
