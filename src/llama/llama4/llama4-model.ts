/**
 * The canonical model of Llama 4: its shards merged, what is fused taken apart.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4
 * @module
 */
import type { Tensor } from '../../formats/tensor.js';
import type { Llama4Family } from '../family.js';
import type { MetaCheckpoint } from '../meta-checkpoint.js';
import { NO_TOKENIZER, readFolderTokenizer } from '../folder-tokenizer.js';
import type { MetaModel, MetaModelOptions } from '../meta-model.js';
import { type Decision, type LlamaConfig, LlamaError } from '../model.js';
import { isInstructName, lastPathPart } from '../model-name.js';
import { expectNames } from '../names.js';
import { type MetaParams, feedForwardDim } from '../params.js';
import { expectScaled } from '../rope.js';
import { type Shards, embeddingLayout, expectReplicasEqual } from '../shards.js';
import { expectNoCopies, expectShardSet } from '../shard-set.js';
import { isLeftOut, llama4Tensors } from './layout.js';
import { mergeLlama4Tensor } from './merge.js';
import type { Llama4Args, MoeArgs } from './args.js';

/**
 * The canonical model of an opened checkpoint, which it then owns. Reads the tokenizer, no weight.
 *
 * @throws LlamaError `llama/bad-params`, `llama/contradiction`, `llama/missing-tensor`, `llama/unknown-tensor`,
 *   `llama/wrong-shape`, `llama/mixed-shards`
 * @throws TokenizerError
 */
export async function llama4Model(checkpoint: MetaCheckpoint, options: MetaModelOptions = {}): Promise<MetaModel> {
  const { params, path, shards, folder } = checkpoint;
  expectFused(shards, path);
  const args = expectArgs(params, path);
  expectShardSet(shards);
  const name = lastPathPart(path);
  const { vocabSize } = embeddingLayout(shards, params.dim);
  expectVocabulary(params, vocabSize, path);
  const family = familyOf(params, args, vocabSize);
  const context = contextLength(args.moe, name);
  expectScaled(params.use_scaled_rope, options.ropeFactor, path, 'params.json');
  const config = configOf(params, args, vocabSize, context, options.ropeFactor);
  const expected = llama4Tensors(config, family);
  const stored = [...new Set(expected.map((tensor) => tensor.stored))].map((own) => ({ name: own }));
  expectNames(shards, stored, { what: 'a Llama 4 with these params', isIgnored: isLeftOut });
  const tensors = new Map(expected.map((tensor): [string, Tensor] => [tensor.name, mergeLlama4Tensor(shards, tensor)]));
  const replicated = expected.flatMap(({ stored: own, shape, split }) =>
    split === 'replicated' ? [{ name: own, shape, split } as const] : [],
  );
  const { decisions, ...tokenizer } =
    options.withoutTokenizer === true
      ? NO_TOKENIZER
      : await readFolderTokenizer(folder, { name, vocabSize, generation: 'llama4', parent: options.parent });
  return {
    ...{ layout: 'meta', path, name, config, family, tensors, checkpoint, release: undefined, generation: 'llama4' },
    ...{ quantization: undefined, ...tokenizer, decisions: [...decisionsOf(args, config, name), ...decisions] },
    ropeFactor: options.ropeFactor,
    expectConsistentWeights: async (options) => {
      await expectReplicasEqual(shards, replicated, options);
      await expectNoCopies(shards, options);
    },
    close: () => checkpoint.close(),
    [Symbol.asyncDispose]: () => checkpoint.close(),
  };
}

function expectArgs(params: MetaParams, path: string): Llama4Args {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-params', message, { path });
  };
  const { llama4, dim, n_heads: heads, n_kv_heads: kvHeads, head_dim: headDim } = params;
  if (llama4 === undefined) {
    const message = 'the tensors are those of Llama 4, but params.json has neither moe_args nor vision_args';
    throw new LlamaError('llama/contradiction', message, { path });
  }
  if (dim % heads !== 0 || heads % kvHeads !== 0) {
    refuse(`dim ${dim}, n_heads ${heads} and n_kv_heads ${kvHeads} do not divide each other`);
  }
  if (headDim !== undefined && headDim !== dim / heads) {
    refuse(`head_dim is ${headDim}, but dim ${dim} over n_heads ${heads} is ${dim / heads}`);
  }
  expectCounts(llama4, refuse);
  return llama4;
}

/** Every generation but this one has q, k and v apart. */
function expectFused([{ tensors }]: Shards, path: string): void {
  if ([...tensors.keys()].some((name) => /\.(?:attention\.wqkv|experts)\./.test(name))) return;
  const message = 'params.json is that of a Llama 4 (moe_args or vision_args), but the tensors are not';
  throw new LlamaError('llama/contradiction', message, { path });
}

/** Most experts of a layer and blocks of the encoder that are believed: names are made for each of them. */
const MOST = 4096;

function expectCounts({ moe, vision }: Llama4Args, refuse: (message: string) => never): void {
  const whole = (value: number): boolean => Number.isInteger(value) && value > 0 && value <= MOST;
  if (moe !== undefined && !(whole(moe.numExperts) && whole(moe.layerStep))) {
    refuse('moe_args needs num_experts and interleave_moe_layer_step as whole numbers above zero');
  }
  if (moe !== undefined && moe.topK > moe.numExperts) {
    refuse(`moe_args says top_k ${moe.topK}, but there are only ${moe.numExperts} experts`);
  }
  if (vision === undefined) return;
  const { dim, nLayers, nHeads, imageSize, patchSize, outputDim, pixelShuffleRatio } = vision;
  const counts = [dim / MOST, imageSize / MOST, outputDim / MOST].every((value) => value > 0 && value <= MOST);
  if (counts && [nLayers, nHeads, patchSize].every(whole) && pixelShuffleRatio > 0 && pixelShuffleRatio <= 1) {
    if (dim % nHeads !== 0) refuse(`vision_args says dim ${dim}, which n_heads ${nHeads} does not divide`);
    return;
  }
  refuse('vision_args needs dim, n_layers, n_heads, image_size, patch_size, output_dim and pixel_shuffle_ratio');
}

function expectVocabulary({ vocab_size: stated }: MetaParams, rows: number, path: string): void {
  if (stated === -1 || stated === rows) return;
  const message = `params.json says vocab_size ${stated}, but tok_embeddings.weight has ${rows} rows`;
  throw new LlamaError('llama/contradiction', message, { path });
}

function familyOf(params: MetaParams, args: Llama4Args, vocabSize: number): Llama4Family {
  const release = llama4ReleaseName({ dim: params.dim, nLayers: params.n_layers, vocabSize }, args.moe);
  const { attentionChunkSize, attentionTemperature, nopeLayerInterval, useQkNorm, moe, vision } = args;
  return {
    ...{ kind: 'llama4', release, attentionChunkSize, attentionTemperature, nopeLayerInterval, useQkNorm, moe, vision },
    expertDim: args.moe === undefined ? 0 : expertDim(params, args, args.moe),
  };
}

/** The release of this shape; undefined for miniatures. */
export function llama4ReleaseName(
  { dim, nLayers, vocabSize }: Pick<LlamaConfig, 'dim' | 'nLayers' | 'vocabSize'>,
  moe: Pick<MoeArgs, 'numExperts'> | undefined,
): string | undefined {
  if (dim !== 5120 || nLayers !== 48 || vocabSize !== 202048) return undefined;
  if (moe === undefined) return 'Llama Guard 4 12B';
  return { 16: 'Llama 4 Scout', 128: 'Llama 4 Maverick' }[moe.numExperts];
}

/** Width of an expert by Meta's formula. @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/moe.py */
function expertDim(
  { dim, multiple_of: multiple, ffn_dim_multiplier: factor }: MetaParams,
  args: Llama4Args,
  moe: MoeArgs,
) {
  const wide = Math.trunc((factor ?? 1) * Math.trunc((2 * Math.trunc(args.ffnExp * dim)) / 3));
  const own = moe.autoScale ? Math.trunc(wide / (moe.capacityFactor + 1)) : wide;
  return multiple * Math.ceil(own / multiple);
}

/** Of base models 256 Ki; the instruct models were trained for more. */
function contextLength(moe: MoeArgs | undefined, name: string): number {
  if (moe === undefined) return 8192;
  if (!isInstructName(name)) return 262144;
  return moe.numExperts === 16 ? 10485760 : 1048576;
}

function configOf(
  params: MetaParams,
  args: Llama4Args,
  vocabSize: number,
  context: number,
  ropeFactor: number | undefined,
): LlamaConfig {
  const { ropeScalingFactor, ropeHighFreqFactor: highFreqFactor } = args;
  const factor = ropeFactor ?? ropeScalingFactor;
  return {
    ...{ dim: params.dim, nLayers: params.n_layers, nHeads: params.n_heads, nKvHeads: params.n_kv_heads },
    ...{ headDim: params.dim / params.n_heads, ffnDim: feedForwardDim(params), vocabSize, normEps: params.norm_eps },
    ropeTheta: params.rope_theta,
    ropeScaling: params.use_scaled_rope
      ? { factor, lowFreqFactor: 1, highFreqFactor, originalContextLength: 8192 }
      : null,
    ...{ contextLength: context, tied: false },
  };
}

function decisionsOf(
  { moe, ropeScalingFactor }: Llama4Args,
  { contextLength: context, ropeScaling }: LlamaConfig,
  name: string,
): Decision[] {
  const kind = isInstructName(name) ? 'the name says' : 'the name does not say';
  const because =
    moe === undefined ? 'there are no experts, as in Llama Guard 4' : `${kind} that it is an instruct model`;
  const length = { about: 'context length', value: String(context), because };
  if (ropeScaling === null) return [length];
  const factor = {
    about: 'rope factor',
    value: String(ropeScaling.factor),
    because: ropeScaling.factor === ropeScalingFactor ? "that of params.json or Meta's code" : 'given by the caller',
  };
  return [length, factor];
}
