/**
 * Plan of a Hugging Face folder: safetensors in shards, index, configuration and tokenizer files.
 *
 * The order in which tensors fill the shards is that of transformers' state dict; inside a shard they are
 * sorted by name. A tied output is left out, as transformers does.
 *
 * @see https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/serialization/_base.py
 * @module
 */
import { planSafetensors } from '../formats/safetensors/plan.js';
import type { Tensor } from '../formats/tensor.js';
import { expectNameInLayout } from '../llama/layout.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { rotatesHalves, toHfRowOrder } from '../llama/row-order.js';
import { type LooseTensor, castTensor } from './cast.js';
import { hfTextFiles } from './hf-text-files.js';
import { type ConvertOptions, DEFAULT_MAX_SHARD_SIZE } from './options.js';
import { type PlainTypes, plainTypes } from './plain-types.js';
import { type PlannedFile, type PlannedKind, textFile } from './plan.js';

/** Files of a Hugging Face folder. @throws ConvertError, TokenizerError */
export function safetensorsFiles(model: LlamaModel, options: ConvertOptions): PlannedKind {
  const types = plainTypes(model, options, 'safetensors files');
  const tensors = hfTensorOrder(model).map((name) => hfTensor(model, name, types));
  return {
    ...{ type: types.name, dtype: types.dtype },
    files: [...shardedFiles(tensors, options), ...hfTextFiles(model, types.dtype, options)],
    warnings: [],
    expectExact: types.expectExact,
  };
}

/** The tensors in as many files as they need, and their index where it is more than one. */
export function shardedFiles(tensors: readonly LooseTensor[], options: ConvertOptions): PlannedFile[] {
  const shards = greedyShards(tensors, options.maxShardSize ?? DEFAULT_MAX_SHARD_SIZE);
  const names = shards.map((_, index) => shardName(index, shards.length));
  const files = shards.map((shard, index) => shardFile(names[index]!, shard));
  const index = shards.length > 1 ? [textFile('model.safetensors.index.json', indexJson(shards, names))] : [];
  return [...files, ...index];
}

/** Canonical names in the order of transformers' state dict. */
export function hfTensorOrder(model: Pick<LlamaModel, 'config'>): string[] {
  const block = ['attention.wq', 'attention.wk', 'attention.wv', 'attention.wo', 'feed_forward.w1', 'feed_forward.w3'];
  block.push('feed_forward.w2', 'attention_norm', 'ffn_norm');
  const blocks = Array.from({ length: model.config.nLayers }, (_, layer) =>
    block.map((role) => `layers.${layer}.${role}.weight`),
  );
  const output = model.config.tied ? [] : ['output.weight'];
  return ['tok_embeddings.weight', ...blocks.flat(), 'norm.weight', ...output];
}

function hfTensor(model: LlamaModel, from: string, types: PlainTypes): LooseTensor {
  const canonical = expectTensor(model, from);
  const ordered: Tensor = rotatesHalves(from, model) ? toHfRowOrder(canonical, model.config.headDim) : canonical;
  return castTensor(ordered, { name: expectNameInLayout(from, 'hf'), from, dtype: types.of(ordered) });
}

/**
 * Hugging Face's greedy rule: a shard is closed by the first tensor that would overfill it; a tensor larger
 * than the limit gets a shard of its own and does not close the one in hand.
 */
export function greedyShards<T extends { readonly byteLength: number }>(tensors: readonly T[], limit: number): T[][] {
  const shards: T[][] = [];
  let current: T[] = [];
  let size = 0;
  for (const tensor of tensors) {
    if (tensor.byteLength > limit) {
      shards.push([tensor]);
      continue;
    }
    if (size + tensor.byteLength > limit) {
      shards.push(current);
      [current, size] = [[], 0];
    }
    current.push(tensor);
    size += tensor.byteLength;
  }
  return current.length > 0 ? [...shards, current] : shards;
}

function shardName(index: number, count: number): string {
  if (count === 1) return 'model.safetensors';
  const five = (number: number): string => String(number).padStart(5, '0');
  return `model-${five(index + 1)}-of-${five(count)}.safetensors`;
}

function shardFile(name: string, shard: readonly LooseTensor[]): PlannedFile {
  const layout = planSafetensors(shard, { format: 'pt' });
  const byName = Object.fromEntries(shard.map((tensor) => [tensor.name, tensor]));
  const pieces = layout.tensors.map(({ name: tensorName, fileOffset }) => ({ ...byName[tensorName]!, fileOffset }));
  return { name, byteLength: layout.byteLength, pieces: [{ kind: 'bytes', bytes: layout.header }, ...pieces] };
}

function indexJson(shards: readonly (readonly LooseTensor[])[], names: readonly string[]): string {
  const entries = shards.flatMap((shard, index) => shard.map(({ name }) => [name, names[index]!] as const));
  const total = shards.flat().reduce((sum, { byteLength }) => sum + byteLength, 0);
  const map = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  return `${JSON.stringify({ metadata: { total_size: total }, weight_map: map }, undefined, 2)}\n`;
}
