/**
 * Row order of the query and key projections.
 *
 * Meta rotates neighbouring pairs of a head (2i, 2i+1); Hugging Face rotates halves (i, i + headDim/2).
 * The weights are the same rows in another order, so converting is a permutation of rows, exact in any
 * dtype. GGUF files for llama.cpp keep Meta's order.
 *
 * @see docs/layouts.md
 * @module
 */
import type { Tensor } from '../formats/tensor.js';
import { rotaryHeads } from './layout.js';
import type { LlamaModel } from './model.js';
import { permuteRowsInGroups } from './views.js';

/** Row of Meta's matrix that stands at each row of Hugging Face's, for one head; shape (headDim,). */
export function metaRowOfHfRow(headDim: number): Uint32Array {
  const half = headDim / 2;
  return Uint32Array.from({ length: headDim }, (_, row) => (row < half ? 2 * row : 2 * (row - half) + 1));
}

/** Row of Hugging Face's matrix that stands at each row of Meta's, for one head; shape (headDim,). */
export function hfRowOfMetaRow(headDim: number): Uint32Array {
  const half = headDim / 2;
  return Uint32Array.from({ length: headDim }, (_, row) => (row % 2 === 0 ? row / 2 : half + (row - 1) / 2));
}

/** Whether the tensor of this canonical name has another row order at Hugging Face: q and k, but not those of Llama 4. */
export function rotatesHalves(name: string, { config, family }: Pick<LlamaModel, 'config' | 'family'>): boolean {
  return family?.kind !== 'llama4' && rotaryHeads(name, config) !== undefined;
}

/** A q or k matrix (heads * headDim, dim) of Meta's in Hugging Face's row order; lazy. */
export function toHfRowOrder(tensor: Tensor, headDim: number): Tensor {
  return permuteRowsInGroups(tensor, metaRowOfHfRow(headDim));
}

/** A q or k matrix (heads * headDim, dim) of Hugging Face's in Meta's row order; lazy. */
export function toMetaRowOrder(tensor: Tensor, headDim: number): Tensor {
  return permuteRowsInGroups(tensor, hfRowOfMetaRow(headDim));
}
