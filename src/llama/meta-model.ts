/**
 * The canonical model of a folder as Meta ships it.
 *
 * Merges the shards as views, checks every name and shape against `params.json`, finds out whether the
 * output is tied to the embedding, and reads the tokenizer. No weight is read, except that an output
 * matrix stored beside the embedding is compared with it, which ends at the first block that differs.
 *
 * @module
 */
import type { Tensor } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { SpecialTokenGeneration } from '../tokenizer/vocabulary.js';
import { everySecond, expectAllDoubled, hasDoubledHeads, holdsKeyValueHeads } from './doubled-heads.js';
import { type Hyperparameters, hyperparameters } from './hyperparameters.js';
import { expectedTensors, isStoredFrequencies } from './layout.js';
import { type MetaCheckpoint, openMetaCheckpoint } from './meta-checkpoint.js';
import type { Decision, LlamaConfig, LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { expectNames } from './names.js';
import type { MetaParams } from './params.js';
import { type Quantization, plainShards } from './quantized/weights.js';
import type { ReleaseShape } from './releases.js';
import { type Shards, embeddingLayout, expectReplicasEqual, mergeTensor, sameBytes } from './shards.js';
import { expectNoCopies, expectShardSet } from './shard-set.js';
import { NO_TOKENIZER, readFolderTokenizer } from './folder-tokenizer.js';

/** Choices that the files leave open. */
export interface OpenModelOptions extends ReadOptions {
  /** Factor of the rope scaling, in place of the one chosen by shape. */
  readonly ropeFactor?: number | undefined;
  /** Folder above, where Llama 1 and 2 keep the tokenizer that all sizes share. */
  readonly parent?: Folder | undefined;
}

/** A canonical model that remembers the checkpoint it came from. */
export interface MetaModel extends LlamaModel {
  readonly layout: 'meta';
  /** The folder, its params and shards. */
  readonly checkpoint: MetaCheckpoint;
  /** Release of this shape, where one is known. */
  readonly release: ReleaseShape | undefined;
  /** How weights are stored that are quantized; undefined where they are stored as they are read. */
  readonly quantization: Quantization | undefined;
  /** Release whose special tokens follow the ranks. */
  readonly generation: SpecialTokenGeneration;
}

/** How much of a checkpoint is wanted. */
export interface MetaModelOptions extends OpenModelOptions {
  /** Leaves the tokenizer out, as its tokens cost more to read than all headers. */
  readonly withoutTokenizer?: boolean | undefined;
}

/**
 * Opens a folder of Meta's as a canonical model.
 *
 * @throws LlamaError for everything in which the folder is no complete and consistent Llama
 * @throws TokenizerError when the tokenizer is unreadable or does not fit the embedding
 */
export async function openMetaModel(folder: Folder, options: OpenModelOptions = {}): Promise<MetaModel> {
  const checkpoint = await openMetaCheckpoint(folder);
  try {
    return await metaModel(checkpoint, options);
  } catch (cause) {
    await checkpoint.close();
    throw cause;
  }
}

/** The canonical model of an opened checkpoint, which it then owns. @throws as {@link openMetaModel} */
export async function metaModel(checkpoint: MetaCheckpoint, options: MetaModelOptions = {}): Promise<MetaModel> {
  if (checkpoint.kind === 'llama4') return (await import('./llama4/llama4-model.js')).llama4Model(checkpoint, options);
  if (checkpoint.kind === 'vision') return (await import('./vision/vision-model.js')).visionModel(checkpoint, options);
  const { path } = checkpoint;
  const { shards, quantization } = await plainShards(checkpoint);
  expectShardSet(shards);
  const doubled = await hasDoubledHeads(shards, checkpoint.params, options);
  const params = doubled ? { ...checkpoint.params, n_kv_heads: checkpoint.params.n_kv_heads / 2 } : checkpoint.params;
  const { vocabSize, split, dtype } = embeddingLayout(shards, params.dim);
  const output = await outputKind(shards, vocabSize, params.dim, split, options);
  const evidence = {
    ...{ vocabSize, dtype, tied: output.tied },
    int4: quantization?.whole === true,
    frequenciesInBlocks: [...shards[0].tensors.keys()].some((name) => name.includes('.inner_attention.rope.freqs')),
  };
  const found = hyperparameters(params, evidence, path, options.ropeFactor);
  const expected = expectedTensors(found.config);
  expectNames(shards, expected, {
    what: 'a Llama with these params',
    isIgnored: (name) => name === 'output.weight' || isStoredFrequencies(name),
  });
  const tensors = new Map<string, Tensor>(
    expected.map((tensor) => [
      tensor.name,
      mergeTensor(
        doubled && holdsKeyValueHeads(tensor.name) ? everySecond(shards) : shards,
        tensor,
        tensor.split === 'embedding' ? split : tensor.split,
      ),
    ]),
  );
  const name = lastPathPart(path);
  const tokenizer =
    options.withoutTokenizer === true
      ? NO_TOKENIZER
      : await readFolderTokenizer(checkpoint.folder, { ...options, name, vocabSize, ...found });
  return {
    ...{ layout: 'meta', path, name, config: found.config, tensors, checkpoint, release: found.release },
    ...{ quantization, generation: found.generation, ropeFactor: options.ropeFactor },
    vocabulary: tokenizer.vocabulary,
    sentencePieceFile: tokenizer.sentencePieceFile,
    tokenizerModelFile: tokenizer.tokenizerModelFile,
    paramsFile: saysTheSame(checkpoint.params, found.config) ? checkpoint.paramsFile : undefined,
    decisions: [
      ...(quantization?.decisions ?? []),
      ...(doubled ? [DOUBLED] : []),
      ...decisions(found, output, tokenizer.decisions),
    ],
    expectConsistentWeights: async (readOptions) => {
      await expectReplicasEqual(shards, expected, readOptions);
      if (doubled) await expectAllDoubled(shards, found.config.nLayers, readOptions);
      await expectNoCopies(checkpoint.shards, readOptions);
    },
    close: () => checkpoint.close(),
    [Symbol.asyncDispose]: () => checkpoint.close(),
  };
}

const DOUBLED: Decision = {
  ...{ about: 'key/value heads', value: '8' },
  because: 'params.json counts 16, but neighbouring shards hold the same ones',
};

/** Whether a folder of this model may have the same params.json: those of quantized files tell how they are read. */
function saysTheSame({ sections, n_kv_heads: kvHeads }: MetaParams, { nKvHeads }: LlamaConfig): boolean {
  return sections.length === 0 && kvHeads === nKvHeads;
}

function decisions(found: Hyperparameters, output: OutputKind, tokenizer: readonly Decision[]): Decision[] {
  const tied = { about: 'output', value: output.tied ? 'tied to the embedding' : 'its own', because: output.because };
  return [tied, ...found.decisions, ...tokenizer];
}

interface OutputKind {
  readonly tied: boolean;
  readonly because: string;
}

/** Whether the output is the embedding: absent, the same storage, or the same bytes. */
async function outputKind(
  shards: Shards,
  vocabSize: number,
  dim: number,
  split: 'rows' | 'columns' | 'replicated',
  options: ReadOptions,
): Promise<OutputKind> {
  const present = shards.filter((shard) => shard.tensors.has('output.weight'));
  if (present.length === 0) return { tied: true, because: 'there is no output.weight' };
  const shared = present.every(({ tensors }) => {
    const key = tensors.get('output.weight')?.viewKey;
    return key !== undefined && key === tensors.get('tok_embeddings.weight')?.viewKey;
  });
  if (shared) return { tied: true, because: 'output.weight and tok_embeddings.weight are one storage' };
  const shape = [vocabSize, dim];
  const output = mergeTensor(shards, { name: 'output.weight', shape, split: 'rows' }, 'rows');
  const embedding = mergeTensor(shards, { name: 'tok_embeddings.weight', shape, split: 'embedding' }, split);
  return (await sameBytes(output, embedding, options))
    ? { tied: true, because: 'output.weight and tok_embeddings.weight hold the same bytes' }
    : { tied: false, because: 'output.weight differs from tok_embeddings.weight' };
}
