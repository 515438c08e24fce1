/**
 * The canonical model: what every reader yields and every writer, check and forward pass takes.
 *
 * Canonical form is Meta's: its tensor names, tensor-parallel shards merged, q/k rows in Meta's order
 * (neighbouring pairs rotate), row-major, original dtype. Tensors stay lazy; opening a model reads
 * headers and the tokenizer, never a weight.
 *
 * @see docs/layouts.md
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import type { Tensor } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { ChatTemplates } from '../tokenizer/chat-template/templates.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import type { ModelFamily } from './family.js';

/** Scaling of the rotary frequencies that Llama 3.1 brought. */
export interface RopeScaling {
  /** Divisor of the low frequencies: 8, or 32 for Llama 3.2 1B and 3B. */
  readonly factor: number;
  /** Wavelengths above `originalContextLength / lowFreqFactor` are divided by `factor`. */
  readonly lowFreqFactor: number;
  /** Wavelengths below `originalContextLength / highFreqFactor` stay. */
  readonly highFreqFactor: number;
  /** Context length before scaling, in tokens. */
  readonly originalContextLength: number;
}

/** Hyperparameters of a Llama, normalised: nothing absent, nothing `-1`. */
export interface LlamaConfig {
  /** Hidden size. */
  readonly dim: number;
  /** Number of transformer blocks. */
  readonly nLayers: number;
  /** Query heads. */
  readonly nHeads: number;
  /** Key/value heads; divides `nHeads`. */
  readonly nKvHeads: number;
  /** Elements of a head: `dim / nHeads`. */
  readonly headDim: number;
  /** Width of the feed-forward block. */
  readonly ffnDim: number;
  /** Rows of the embedding. */
  readonly vocabSize: number;
  /** Epsilon of every RMS norm. */
  readonly normEps: number;
  /** Base of the rotary frequencies. */
  readonly ropeTheta: number;
  /** Scaling of the rotary frequencies, or null. */
  readonly ropeScaling: RopeScaling | null;
  /** Longest context in tokens (`max_position_embeddings`). */
  readonly contextLength: number;
  /** Whether the output matrix is the embedding itself. */
  readonly tied: boolean;
}

/** Something that was decided rather than read, and why: shown to the person. */
export interface Decision {
  /** What was decided: `rope factor`, `context length`, `release`. */
  readonly about: string;
  /** The value chosen. */
  readonly value: string;
  /** Why, in half a sentence. */
  readonly because: string;
}

/** A GGUF file as it was found. */
export interface GgufContents {
  /** Its key/value pairs in their order; those that tell of a split are left out. */
  readonly metadata: readonly GgufMetadataEntry[];
  /** Names of its tensors in their order. */
  readonly tensorNames: readonly string[];
}

/** A Hugging Face folder as it was found. */
export interface HfContents {
  /** Text of `config.json`. */
  readonly configText: string;
  /** Its other small files by name: tokenizer, chat template, generation settings. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `generation_config.json`, parsed; undefined where there is none. */
  readonly generation: Readonly<Record<string, unknown>> | undefined;
  /** Files of the model that a conversion leaves out: named templates in a folder of their own; absent where there are none. */
  readonly leftOut?: readonly string[] | undefined;
}

/** A Llama, lazily. */
export interface LlamaModel {
  /** Layout it was read from. */
  readonly layout: 'meta' | 'hf' | 'gguf';
  /** What a person calls it: the path as given. */
  readonly path: string;
  /** Last part of the path, without a file ending: names the converted file. */
  readonly name: string;
  /** Hyperparameters. */
  readonly config: LlamaConfig;
  /** Tokens; undefined when the source has no tokenizer. */
  readonly vocabulary: Vocabulary | undefined;
  /** Its chat templates; undefined where it has none, as in every folder of Meta's. */
  readonly chatTemplates?: ChatTemplates | undefined;
  /** The SentencePiece file itself, which Hugging Face folders of Llama 1 and 2 carry along; undefined otherwise. */
  readonly sentencePieceFile: Uint8Array | undefined;
  /** The file `tokenizer.model` that the model came with, of either kind, where it holds the whole vocabulary. */
  readonly tokenizerModelFile?: Uint8Array | undefined;
  /** The file `params.json` that the model came with, where it says of this model what a new one would say. */
  readonly paramsFile?: Uint8Array | undefined;
  /**
   * Tensors under Meta's names, in the order of Meta's state dict: `tok_embeddings.weight`, per layer
   * `attention.{wq,wk,wv,wo}`, `feed_forward.{w1,w2,w3}`, `attention_norm`, `ffn_norm`, then `norm.weight`
   * and, unless tied, `output.weight`. Matrices are (out, in).
   */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /**
   * What it is beyond a text Llama; undefined for text models. Such a model has further tensors under Meta's names, and
   * `config` tells of its text part.
   */
  readonly family?: ModelFamily | undefined;
  /** What the GGUF file says beyond the hyperparameters, which a converted file keeps; undefined for other layouts. */
  readonly gguf?: GgufContents | undefined;
  /** The small files of a Hugging Face folder, which a folder that is made of it carries along; undefined for other layouts. */
  readonly hf?: HfContents | undefined;
  /** Factor of the rope scaling that the caller gave in place of the one of the files; undefined where none was given. */
  readonly ropeFactor?: number | undefined;
  /** Folders of the adapters that were merged into the weights, in order; absent where there are none. */
  readonly adapters?: readonly string[] | undefined;
  /** What was decided on the way, for the person to see. */
  readonly decisions: readonly Decision[];
  /**
   * Throws where the source contradicts itself in a way that only weights show: tensors that all shards
   * replicate must be equal in them. Reads the norms of every shard, nothing for unsharded models.
   *
   * @throws LlamaError `llama/not-replicated`
   */
  expectConsistentWeights(options?: ReadOptions): Promise<void>;
  /** Gives all files back; harmless when called twice. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Causes for which a checkpoint is not a Llama we can read. */
export type LlamaErrorCode =
  | 'llama/no-params'
  | 'llama/bad-params'
  | 'llama/no-shards'
  | 'llama/missing-shard'
  | 'llama/mixed-shards'
  | 'llama/missing-tensor'
  | 'llama/unknown-tensor'
  | 'llama/wrong-shape'
  | 'llama/wrong-dtype'
  | 'llama/not-replicated'
  | 'llama/contradiction'
  | 'llama/unsupported'
  | 'llama/no-config'
  | 'llama/bad-config'
  | 'llama/bad-index'
  | 'llama/bad-adapter'
  | 'llama/wrong-base'
  | 'llama/no-model'
  | 'llama/several-models'
  | 'llama/no-tokenizer';

/** A checkpoint that is not a Llama, contradicts itself, or is of a kind that is not supported. */
export class LlamaError extends CheckpointError {
  declare readonly code: LlamaErrorCode;

  constructor(code: LlamaErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}

/** The tensor of that canonical name; throws where it is absent. */
export function expectTensor(model: Pick<LlamaModel, 'tensors' | 'path'>, name: string): Tensor {
  const tensor = model.tensors.get(name);
  if (tensor !== undefined) return tensor;
  throw new LlamaError('llama/missing-tensor', `the tensor ${name} is missing`, { path: model.path });
}
