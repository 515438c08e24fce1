/**
 * The model's weights as the forward pass takes them: a vector, a few rows, or a matrix that streams by.
 *
 * A matrix is never held: its rows come in blocks of about a megabyte, some read ahead while others
 * are multiplied. So the pass needs its activations and a few blocks, however large the model.
 *
 * @module
 */
import { type Tensor, rowLengthOf } from '../formats/tensor.js';
import { expectedTensors } from '../llama/layout.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { ReadOptions } from '../source/byte-source.js';
import { ForwardError } from './errors.js';
import type { Kernels } from './kernels.js';

/**
 * Throws unless every tensor that the pass will read is there in the shape that the hyperparameters ask for.
 *
 * @throws LlamaError `llama/missing-tensor`; ForwardError `forward/wrong-shape`
 */
export function expectShapes(model: LlamaModel): void {
  for (const { name, shape } of expectedTensors(model.config)) {
    const found = expectTensor(model, name).shape;
    if (found.join() === shape.join()) continue;
    throw new ForwardError(
      'forward/wrong-shape',
      `${name} has the shape [${found.join(', ')}], but the hyperparameters ask for [${shape.join(', ')}]`,
      { path: model.path },
    );
  }
}

/** A whole vector, such as the weight of a norm; shape (dim,). One read. */
export async function readVector(model: LlamaModel, name: string, options: ReadOptions): Promise<Float32Array> {
  const tensor = expectTensor(model, name);
  const vector = new Float32Array(rowLengthOf(tensor.shape));
  decodeToFloat32(tensor.dtype, await tensor.readRows(0, 1, options), vector);
  return vector;
}

/** The given rows of a matrix one below the other; shape (rows, columns). One read for each row. */
export async function readRows(tensor: Tensor, rows: readonly number[], options: ReadOptions): Promise<Float32Array> {
  const width = rowLengthOf(tensor.shape);
  const taken = new Float32Array(rows.length * width);
  for (const [i, row] of rows.entries()) {
    const bytes = await tensor.readRows(row, 1, options);
    decodeToFloat32(tensor.dtype, bytes, taken.subarray(i * width, (i + 1) * width));
  }
  return taken;
}

/** A model's matrices to multiply by, and how. */
export interface Multiplication extends ReadOptions {
  /** Model whose tensors they are. */
  readonly model: LlamaModel;
  /** Computes the products. */
  readonly kernels: Kernels;
}

/** `input` (tokens, in) times the transpose of each matrix (out, in): shapes (tokens, out). Reads each matrix once, in blocks. */
export async function linear<const Names extends readonly string[]>(
  { model, kernels, signal }: Multiplication,
  names: Names,
  input: Float32Array,
): Promise<{ [Index in keyof Names]: Float32Array }> {
  const matrices = names.map((name) => expectTensor(model, `${name}.weight`));
  return (await kernels.multiply(input, matrices, { signal })) as { [Index in keyof Names]: Float32Array };
}
