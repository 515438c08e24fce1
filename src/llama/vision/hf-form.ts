/**
 * The tensors of Llama 3.2 Vision in the form that Hugging Face gives them, and back.
 *
 * Three differ in more than the name. The learned rows are the last rows of the embedding. The patch embedding is a
 * convolution, the same numbers with more extents. And the position embeddings of tiles are tables of arrangements.
 *
 * @see https://github.com/huggingface/transformers/blob/v4.45.2/src/transformers/models/mllama/modeling_mllama.py
 * @module
 */
import type { StoredTensor, Tensor } from '../../formats/tensor.js';
import type { VisionFamily } from '../family.js';
import type { ExpectedTensor } from '../layout.js';
import { type LlamaModel, expectTensor } from '../model.js';
import { rotatesHalves, toHfRowOrder, toMetaRowOrder } from '../row-order.js';
import { concatRows, renamed, sliceRows } from '../views.js';
import { ENCODER, LEARNED_EMBEDDING, LEARNED_ROWS, isTileEmbedding } from './layout.js';
import { tileTableShape, tilesByGrid, tilesByPlace, withShape } from './tiles.js';

/** What a tensor is at Hugging Face. */
export interface HfForm {
  /** Its rows, in an order and of a length that can be streamed. */
  readonly tensor: Tensor;
  /** Its extents there. */
  readonly shape: readonly number[];
}

const EMBEDDING = 'tok_embeddings.weight';
const PATCHES = `${ENCODER}conv1._linear.weight`;
const CHANNELS = 3;

/** Extents at Hugging Face of a tensor of this canonical name and shape. */
export function hfShape(name: string, shape: readonly number[], { encoder }: VisionFamily): readonly number[] {
  if (name === EMBEDDING) return [(shape[0] ?? 0) + LEARNED_ROWS, ...shape.slice(1)];
  if (name === PATCHES) return [encoder.width, CHANNELS, encoder.patchSize, encoder.patchSize];
  return isTileEmbedding(name) ? tileTableShape(shape) : shape;
}

/** The tensor of a model in Hugging Face's form; lazy. @throws LlamaError `llama/missing-tensor` */
export function inHfForm(model: LlamaModel, family: VisionFamily, name: string): HfForm {
  // the embedding has more rows there, so an output that equals it is written apart
  const tensor = expectTensor(model, name === 'output.weight' && model.config.tied ? EMBEDDING : name);
  const shape = hfShape(name, tensor.shape, family);
  if (name === EMBEDDING) return { tensor: concatRows(name, [tensor, expectTensor(model, LEARNED_EMBEDDING)]), shape };
  if (isTileEmbedding(name)) return { tensor: tilesByGrid(tensor), shape };
  return { tensor: rotatesHalves(name, model) ? toHfRowOrder(tensor, model.config.headDim) : tensor, shape };
}

/** The canonical tensor that a tensor of Hugging Face's, which has the right extents, holds; lazy. */
export function fromHfForm(
  stored: StoredTensor,
  { name, shape }: Pick<ExpectedTensor, 'name' | 'shape'>,
  model: Pick<LlamaModel, 'config' | 'family'>,
): Tensor {
  if (name === LEARNED_EMBEDDING) return renamed(sliceRows(stored, model.config.vocabSize, LEARNED_ROWS), name);
  if (name === EMBEDDING) return renamed(sliceRows(stored, 0, shape[0] ?? 0), name);
  if (name === PATCHES) return renamed(withShape(stored, shape), name);
  if (isTileEmbedding(name)) return renamed(tilesByPlace(inTileRows(stored, shape), shape), name);
  return renamed(rotatesHalves(name, model) ? toMetaRowOrder(stored, model.config.headDim) : stored, name);
}

/** A table of arrangements in rows of `width`, as {@link inHfForm} streams it, for a canonical tensor of this shape. */
export function inTileRows(stored: StoredTensor, shape: readonly number[]): Tensor {
  const [grids] = tileTableShape(shape);
  const [maxTiles = 0, , patches = 0, width = 0] = shape;
  return withShape(stored, [grids * maxTiles * patches, width]);
}
