/**
 * How many bits a weight takes: over all, by element type, and by what the tensors are for.
 *
 * The count is of whole tensors, so that the scales of quantized blocks are in it: Q4_K takes 4.5 bits a weight,
 * not four. What surrounds the tensors in a file (its header, the tokenizer of a GGUF file) is not.
 *
 * @module
 */
import { elementCount } from '../dtype.js';

/** Part of a model that tensors belong to. */
export type TensorGroupName = 'embedding' | 'output' | 'attention' | 'feed-forward' | 'norms' | 'other';

/** Number and size of some tensors. */
export interface WeightTally {
  /** Number of tensors. */
  readonly tensorCount: number;
  /** Number of their elements. */
  readonly parameterCount: number;
  /** Their bytes in contiguous form. */
  readonly byteLength: number;
  /** Bits that an element takes on average; undefined where there is none. */
  readonly bitsPerWeight: number | undefined;
}

/** The tensors of one element type. */
export interface TypeTally extends WeightTally {
  /** The type, as the tensors have it. */
  readonly dtype: string;
  /** How many of them are matrices, which is where the weights are. */
  readonly matrixCount: number;
}

/** The tensors of one part of the model. */
export interface GroupTally extends WeightTally {
  /** The part. */
  readonly group: TensorGroupName;
  /** Their element types, the one with most parameters first. */
  readonly dtypes: readonly string[];
}

/** All of it. */
export interface WeightTallies {
  /** Bits that a parameter takes on average; undefined where there is none. */
  readonly bitsPerWeight: number | undefined;
  /** By element type, the one with most parameters first. */
  readonly types: readonly TypeTally[];
  /** By part of the model, in the order in which data flows; parts without tensors are left out. */
  readonly groups: readonly GroupTally[];
}

interface CountedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

/** Counts tensors, each of which must be given once, whatever other names it has. */
export function weightTallies(tensors: readonly CountedTensor[]): WeightTallies {
  return {
    bitsPerWeight: tallyOf(tensors).bitsPerWeight,
    types: typeTallies(tensors),
    groups: TENSOR_GROUPS.flatMap((group) => {
      const own = tensors.filter(({ name }) => tensorGroupOf(name) === group);
      return own.length === 0 ? [] : [{ group, ...tallyOf(own), dtypes: typeTallies(own).map(({ dtype }) => dtype) }];
    }),
  };
}

/** Bits that each of so many elements takes; undefined for none. */
export function bitsPerElement(byteLength: number, elements: number): number | undefined {
  return elements === 0 ? undefined : (8 * byteLength) / elements;
}

function typeTallies(tensors: readonly CountedTensor[]): TypeTally[] {
  const byType = new Map<string, CountedTensor[]>();
  for (const tensor of tensors) {
    const others = byType.get(tensor.dtype);
    if (others === undefined) byType.set(tensor.dtype, [tensor]);
    else others.push(tensor);
  }
  return [...byType]
    .map(([dtype, own]) => ({
      ...{ dtype, matrixCount: own.filter(({ shape }) => shape.length > 1).length },
      ...tallyOf(own),
    }))
    .sort((a, b) => b.parameterCount - a.parameterCount);
}

function tallyOf(tensors: readonly CountedTensor[]): WeightTally {
  const parameterCount = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const byteLength = tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0);
  const bitsPerWeight = bitsPerElement(byteLength, parameterCount);
  return { tensorCount: tensors.length, parameterCount, byteLength, bitsPerWeight };
}

/** Parts of a model in the order in which data flows. */
export const TENSOR_GROUPS: readonly TensorGroupName[] = [
  'embedding',
  'attention',
  'feed-forward',
  'norms',
  'output',
  'other',
];

/** How names of Meta, Hugging Face and llama.cpp tell the part; a norm inside another part is a norm. */
const NAMES: readonly (readonly [RegExp, TensorGroupName])[] = [
  [/norm/, 'norms'],
  [/(?:^|\.)(?:tok_embeddings|embed_tokens|token_embd)\./, 'embedding'],
  [/(?:^|\.)(?:attention|self_attn|cross_attn|attn_\w+)\./, 'attention'],
  [/(?:^|\.)(?:feed_forward|mlp|ffn_\w+)\./, 'feed-forward'],
  [/^(?:\w+\.)?(?:output|lm_head)\.weight$/, 'output'],
];

/** Part of a model that a tensor of this name, in any layout, belongs to. */
export function tensorGroupOf(name: string): TensorGroupName {
  return NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
}
