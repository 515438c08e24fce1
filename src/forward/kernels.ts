/**
 * Matrix products, the only place where a forward pass spends time, behind one interface.
 *
 * Weights come as they lie in the file (type and bytes), so that an implementation may multiply bfloat16 or quantized
 * blocks without unpacking whole matrices. The order in which a product is summed depends on the length of the row
 * alone: not on the type of the weights, nor on how rows, tokens or threads share the work. So two models
 * with equal weights give equal bits whatever file they lie in, as long as both run on the same kernels.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { type Tensor, rowBlocks, rowCountOf, rowLengthOf } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';

/** Multiplies activations by matrices that stream by. */
export interface Kernels {
  /**
   * `input` (tokens, in) times the transpose of each matrix (out, in): for each a new array (tokens, out). Reads every
   * matrix once, in blocks of about a megabyte.
   *
   * @throws the errors of the matrices' files; QuantError `quant/no-decoder`
   */
  multiply(input: Float32Array, matrices: readonly Tensor[], options?: ReadOptions): Promise<Float32Array[]>;
  /** Ends its threads, where it has any; nothing may be under way. Harmless when called twice. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Consecutive rows of a weight matrix, as stored. */
export interface WeightRows {
  /** Element type of the bytes. */
  readonly dtype: DType;
  /** `rowCount` rows, row-major, little-endian. */
  readonly bytes: Uint8Array;
  /** Number of rows: outputs. */
  readonly rowCount: number;
  /** Elements of a row: inputs. */
  readonly rowLength: number;
}

/** Activations that go in, and where the products go. */
export interface Activations {
  /** Inputs; shape (tokens, rowLength). */
  readonly input: Float32Array;
  /** Number of tokens. */
  readonly tokens: number;
  /** Outputs; shape (tokens, outputWidth). */
  readonly output: Float32Array;
  /** Outputs of a token: all rows of the whole matrix. */
  readonly outputWidth: number;
  /** Column of `output` that belongs to the first of the given rows. */
  readonly outputColumn: number;
}

/** `output[t, outputColumn + r] = sum over i of input[t, i] * weights[r, i]`, for all tokens and all given rows. */
export type MultiplyRows = (weights: WeightRows, activations: Activations) => void;

/** Kernels that multiply in the thread at hand; `start` is called once for each input. Peak memory: two blocks. */
export function kernelsOf(start: (input: Float32Array) => MultiplyRows): Kernels {
  const close = async (): Promise<void> => {};
  return {
    close,
    [Symbol.asyncDispose]: close,
    multiply: async (input, matrices, options = {}) => {
      const multiplyRows = start(input);
      const products: Float32Array[] = [];
      for (const matrix of matrices) products.push(await multiplyMatrix(multiplyRows, input, matrix, options));
      return products;
    },
  };
}

async function multiplyMatrix(
  multiplyRows: MultiplyRows,
  input: Float32Array,
  matrix: Tensor,
  { signal }: ReadOptions,
): Promise<Float32Array> {
  const rowLength = rowLengthOf(matrix.shape);
  const outputWidth = rowCountOf(matrix.shape);
  const tokens = input.length / rowLength;
  const output = new Float32Array(tokens * outputWidth); // (tokens, out)
  if (tokens === 0) return output;
  for await (const { first, count, bytes } of rowBlocks(matrix, { signal })) {
    const rows = { dtype: matrix.dtype, bytes, rowCount: count, rowLength };
    multiplyRows(rows, { input, tokens, output, outputWidth, outputColumn: first });
  }
  return output;
}
