/**
 * Small models made in memory, with weights that a test chooses.
 *
 * Not part of the package.
 *
 * @module
 */
import { type DType, byteLengthOf, elementCount } from '../dtype.js';
import { type Tensor, rowByteLengthOf, rowCountOf } from '../formats/tensor.js';
import { expectedTensors } from '../llama/layout.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';

/** A Llama of two layers, four query heads on two key/value heads, and 29 tokens. */
export const SMALL_CONFIG: LlamaConfig = {
  dim: 32,
  nLayers: 2,
  nHeads: 4,
  nKvHeads: 2,
  headDim: 8,
  ffnDim: 48,
  vocabSize: 29,
  normEps: 1e-5,
  ropeTheta: 10000,
  ropeScaling: null,
  contextLength: 2048,
  tied: false,
};

/** A model with pseudo-random weights; the same seed gives the same weights. */
export function syntheticModel(config: Partial<LlamaConfig> = {}, dtype: DType = 'float32', seed = 1): LlamaModel {
  const whole = { ...SMALL_CONFIG, ...config };
  const random = randomNumbers(seed);
  const tensors = expectedTensors(whole).map(({ name, shape }) => {
    const isNorm = shape.length === 1;
    const spread = isNorm ? 0.2 : 2 / Math.sqrt(shape.at(-1) ?? 1);
    const values = Float32Array.from(
      { length: elementCount(shape) },
      () => (isNorm ? 1 : 0) + spread * (random() - 0.5),
    );
    return memoryTensor(name, shape, values, dtype);
  });
  return modelOf(whole, tensors);
}

/** A model of these tensors. */
export function modelOf(config: LlamaConfig, tensors: readonly Tensor[], name = 'synthetic'): LlamaModel {
  return {
    layout: 'meta',
    path: name,
    name,
    config,
    vocabulary: undefined,
    sentencePieceFile: undefined,
    expectConsistentWeights: async () => {},
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    decisions: [],
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A tensor in memory, its values rounded to the type. */
export function memoryTensor(name: string, shape: readonly number[], values: Float32Array, dtype: DType): Tensor {
  const bytes = new Uint8Array(byteLengthOf(dtype, values.length));
  encodeFromFloat32(dtype, values, bytes);
  const rowBytes = rowByteLengthOf({ dtype, shape });
  return {
    name,
    dtype,
    shape,
    readRows: async (first, count, options) => {
      options?.signal?.throwIfAborted();
      const rows = bytes.subarray(first * rowBytes, (first + count) * rowBytes);
      if (options?.into === undefined) return rows;
      options.into.set(rows); // as files do
      return options.into;
    },
  };
}

/** All values of a tensor as float32. */
export async function valuesOf(tensor: Tensor): Promise<Float32Array> {
  const values = new Float32Array(elementCount(tensor.shape));
  decodeToFloat32(tensor.dtype, await tensor.readRows(0, rowCountOf(tensor.shape)), values);
  return values;
}

/** The model with other tensors, which replace those of their names. */
export function withTensors(model: LlamaModel, ...changed: readonly Tensor[]): LlamaModel {
  return { ...model, tensors: new Map([...model.tensors, ...changed.map((tensor) => [tensor.name, tensor] as const)]) };
}

/** The model with a changed copy of one tensor, of the same type or another. */
export async function withChange(
  model: LlamaModel,
  name: string,
  change: (values: Float32Array, shape: readonly number[]) => void,
  dtype?: DType,
): Promise<LlamaModel> {
  const tensor = model.tensors.get(name)!;
  const values = await valuesOf(tensor);
  change(values, tensor.shape);
  return withTensors(model, memoryTensor(name, tensor.shape, values, dtype ?? tensor.dtype));
}

/** The model with every tensor rounded to a type. */
export async function castModel(model: LlamaModel, dtype: DType): Promise<LlamaModel> {
  const cast = [...model.tensors.values()].map(async (tensor) =>
    memoryTensor(tensor.name, tensor.shape, await valuesOf(tensor), dtype),
  );
  return withTensors(model, ...(await Promise.all(cast)));
}

/** Pseudo-random numbers in [0, 1); the same seed gives the same numbers. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
