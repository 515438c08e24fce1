/**
 * Every tensor of two models in canonical form, pair by pair.
 *
 * Tensors are read once; those of one type a second time where they differ, and others again for the cause of a difference.
 * At any time a few blocks of each side are held.
 *
 * @module
 */
import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import type { Comparer } from './comparer.js';
import type { PairedTensor, TensorComparison } from './comparison.js';
import { diagnose } from './diagnose.js';
import type { TensorPair } from './lockstep.js';
import { differenceOf, outcomeOf } from './tensor-statistics.js';
import { createComparer } from './wasm-comparer.js';

/** How tensors are compared. */
export interface CompareTensorsOptions extends OperationOptions {
  /** Compares the tensors; default: in this thread, in WebAssembly where the machine can. Not closed here. */
  readonly comparer?: Comparer | undefined;
}

/**
 * What became of every tensor of either model, in canonical order. An output matrix of its own is compared
 * with the other model's embedding where that is tied.
 *
 * @throws QuantError `quant/no-decoder` for tensors that differ and are of a type that cannot be decoded;
 *   the errors of the tensors' files
 */
export async function compareTensors(
  a: LlamaModel,
  b: LlamaModel,
  options: CompareTensorsOptions = {},
): Promise<TensorComparison[]> {
  const comparer = options.comparer ?? (await createComparer());
  const pairs = pairTensors(a, b);
  const total = pairs.reduce((sum, pair) => sum + tensorByteLength(pair.a ?? pair.b), 0);
  const comparisons: TensorComparison[] = [];
  let done = 0;
  for (const pair of pairs) {
    comparisons.push(await compareOne(pair, a.config, { ...options, comparer }));
    done += tensorByteLength(pair.a ?? pair.b);
    options.onProgress?.({ phase: 'compare', item: pair.name, done, total });
  }
  return comparisons;
}

/** What stands under one name; at least one model has it. */
type NamedPair = { readonly name: string } & (
  { readonly a: Tensor; readonly b: Tensor | undefined } | { readonly a: undefined; readonly b: Tensor }
);

/** Every name of either model, those of the first in its order before those that only the second has. */
function pairTensors(a: LlamaModel, b: LlamaModel): NamedPair[] {
  const pairs = [...a.tensors].map(([name, tensor]): NamedPair => ({ name, a: tensor, b: tensorOf(b, name) }));
  const others = [...b.tensors].filter(([name]) => !a.tensors.has(name));
  return [...pairs, ...others.map(([name, tensor]): NamedPair => ({ name, a: tensorOf(a, name), b: tensor }))];
}

/** The tensor of that name; a tied model's embedding stands in for its output matrix. */
function tensorOf(model: LlamaModel, name: string): Tensor | undefined {
  const tied = name === 'output.weight' && model.config.tied;
  return model.tensors.get(name) ?? (tied ? model.tensors.get('tok_embeddings.weight') : undefined);
}

/** What comparing one pair needs. */
interface PairOptions extends OperationOptions {
  readonly comparer: Comparer;
}

async function compareOne(
  { name, a, b }: NamedPair,
  config: LlamaModel['config'],
  options: PairOptions,
): Promise<TensorComparison> {
  if (a === undefined) return { outcome: 'only-in-b', name, shape: b.shape };
  if (b === undefined) return { outcome: 'only-in-a', name, shape: a.shape };
  if (a.shape.join() !== b.shape.join()) return { outcome: 'reshaped', name, shape: a.shape, shapeB: b.shape };
  return comparePair(name, { a, b }, config, options);
}

async function comparePair(
  name: string,
  pair: TensorPair,
  config: LlamaModel['config'],
  { comparer, signal }: PairOptions,
): Promise<PairedTensor> {
  const { shape } = pair.a;
  const facts = { name, shape, dtypeA: pair.a.dtype, dtypeB: pair.b.dtype };
  const equal = { ...facts, outcome: 'equal', roundedTo: [], difference: undefined, cause: undefined } as const;
  const statistics = await comparer.compare(pair, { signal });
  if (statistics === undefined) return equal;
  const outcome = outcomeOf(statistics);
  if (outcome === 'equal') return equal; // the bits of a NaN differ, which means nothing
  const cause = outcome === 'different' ? await diagnose(pair, statistics, config, { signal }) : undefined;
  const roundedTo = outcome === 'rounded' ? statistics.fit.roundedTo() : [];
  return { ...facts, outcome, roundedTo, difference: differenceOf(statistics, shape), cause };
}
