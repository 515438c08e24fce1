/**
 * From Meta's `params.json` and the shapes of the tensors to normalised hyperparameters.
 *
 * Some values stand in no file and are decided here, each with its reason: context length, rope factor,
 * and which generation's special tokens the vocabulary has.
 *
 * @module
 */
import type { SpecialTokenGeneration } from '../tokenizer/vocabulary.js';
import { type Decision, type LlamaConfig, LlamaError, type RopeScaling } from './model.js';
import { type MetaParams, feedForwardDim } from './params.js';
import { type ReleaseShape, findRelease, findReleaseOfBlocks } from './releases.js';
import { expectScaled, llama3Scaling } from './rope.js';

/** What only the tensors can tell. */
export interface TensorEvidence {
  /** Rows of the merged embedding. */
  readonly vocabSize: number;
  /** Whether the output matrix is the embedding. */
  readonly tied: boolean;
  /** Element type of the embedding. */
  readonly dtype: string;
  /** Whether all weights are int4 or int8 with scales, so that even a tied output is stored apart. */
  readonly int4?: boolean | undefined;
  /** Whether each block stores its own rotary frequencies, as only Llama 1 does. */
  readonly frequenciesInBlocks: boolean;
}

/** Hyperparameters and what was decided on the way. */
export interface Hyperparameters {
  /** The normalised values. */
  readonly config: LlamaConfig;
  /** Names of the special tokens. */
  readonly generation: SpecialTokenGeneration;
  /** Release of this shape, where one is known. */
  readonly release: ReleaseShape | undefined;
  /** Choices and their reasons. */
  readonly decisions: readonly Decision[];
}

/** Factor that Meta's code applies whatever the release. */
const META_ROPE_FACTOR = 8;

/**
 * Normalised hyperparameters.
 *
 * @param ropeFactor - overrides the factor of the rope scaling
 * @throws LlamaError `llama/bad-params`, `llama/contradiction`
 */
export function hyperparameters(
  params: MetaParams,
  evidence: TensorEvidence,
  path: string,
  ropeFactor?: number,
): Hyperparameters {
  expectConsistent(params, evidence, path);
  const headDim = params.dim / params.n_heads;
  const shape = {
    ...{ dim: params.dim, nLayers: params.n_layers, nHeads: params.n_heads, nKvHeads: params.n_kv_heads },
    ...{ ffnDim: feedForwardDim(params), vocabSize: evidence.vocabSize, ropeTheta: params.rope_theta },
    tied: evidence.tied,
  };
  // only models with a tied output were released in int4
  const question = { ...shape, tied: evidence.tied || evidence.int4 === true, scaledRope: params.use_scaled_rope };
  const release = findRelease(question);
  const context = decideContextLength(params, evidence);
  const rope = decideRopeScaling(params, release ?? findReleaseOfBlocks(question), path, ropeFactor);
  return {
    config: {
      ...{ ...shape, headDim, normEps: params.norm_eps },
      ...{ ropeScaling: rope.scaling, contextLength: context.length },
    },
    generation: params.use_scaled_rope ? 'llama3.1' : 'llama3',
    release,
    decisions: [context.decision, ...rope.decisions],
  };
}

function expectConsistent(params: MetaParams, evidence: TensorEvidence, path: string): void {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-params', message, { path });
  };
  const { dim, n_heads: heads, n_kv_heads: kvHeads, head_dim: headDim, vocab_size: vocabSize } = params;
  if (dim % heads !== 0) refuse(`dim ${dim} is not a multiple of n_heads ${heads}`);
  if (heads % kvHeads !== 0) refuse(`n_heads ${heads} is not a multiple of n_kv_heads ${kvHeads}`);
  if (headDim !== undefined && headDim !== dim / heads) {
    refuse(`head_dim is ${headDim}, but dim ${dim} over n_heads ${heads} is ${dim / heads}`);
  }
  if ((dim / heads) % 2 !== 0) refuse(`a head has ${dim / heads} elements, but rotary embedding needs an even number`);
  if (vocabSize !== -1 && vocabSize !== evidence.vocabSize) {
    throw new LlamaError(
      'llama/contradiction',
      `params.json says vocab_size ${vocabSize}, but tok_embeddings.weight has ${evidence.vocabSize} rows`,
      { path },
    );
  }
}

function decideContextLength(
  params: MetaParams,
  evidence: TensorEvidence,
): { readonly length: number; readonly decision: Decision } {
  const choose = (length: number, because: string) => ({
    length,
    decision: { about: 'context length', value: String(length), because },
  });
  if (params.use_scaled_rope && evidence.int4 === true)
    return choose(8192, 'use_scaled_rope is true and the weights are int4, as in the quantized Llama 3.2');
  if (params.use_scaled_rope) return choose(131072, 'use_scaled_rope is true, as from Llama 3.1 on');
  if (params.rope_theta >= 1e6)
    return choose(16384, `rope_theta is ${params.rope_theta}, 1e6 or more as in Code Llama`);
  if (params.rope_theta > 10000)
    return choose(8192, `rope_theta is ${params.rope_theta} and the frequencies are not scaled, as in Llama 3`);
  if (evidence.frequenciesInBlocks) return choose(2048, 'each block stores its rotary frequencies, as in Llama 1');
  if (evidence.dtype === 'float16' && params.n_kv_heads === params.n_heads) {
    return choose(2048, 'the weights are float16 and no heads are shared, as in Llama 1');
  }
  return choose(4096, `rope_theta is ${params.rope_theta} and the weights are not those of Llama 1, as in Llama 2`);
}

function decideRopeScaling(
  params: MetaParams,
  release: ReleaseShape | undefined,
  path: string,
  override: number | undefined,
): { readonly scaling: RopeScaling | null; readonly decisions: readonly Decision[] } {
  expectScaled(params.use_scaled_rope, override, path, 'params.json');
  if (!params.use_scaled_rope) return { scaling: null, decisions: [] };
  const choose = (factor: number, because: string) => ({
    scaling: llama3Scaling(factor),
    decisions: [{ about: 'rope factor', value: String(factor), because }],
  });
  if (override !== undefined) return choose(override, 'given by the caller');
  if (release?.ropeFactor != null) return choose(release.ropeFactor, `the shape is that of ${release.name}`);
  return choose(META_ROPE_FACTOR, "no release of this shape is known, and Meta's code uses 8");
}
