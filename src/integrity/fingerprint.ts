/**
 * Fingerprint of a model, the same from a Meta folder, a Hugging Face folder and a lossless GGUF file.
 *
 * It is the SHA-256 of one canonical JSON object: the fingerprint of every tensor by its canonical name, the
 * hyperparameters that decide what is computed, and what decides how text is split. An output matrix that equals the
 * embedding is left out, so it does not matter whether a file stores it; nor do stored rotary frequencies.
 *
 * @see docs/fingerprints.md
 * @module
 */
import { tensorByteLength } from '../formats/tensor.js';
import { type FamilySettings, familySettings } from '../llama/family-settings.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import type { OperationOptions } from '../options.js';
import type { JsonValue } from './canonical-json.js';
import { type TensorFingerprint, fingerprintTensor } from './fingerprint-tensor.js';
import { type VocabularyFacts, type VocabularyFingerprint, fingerprintVocabulary } from './fingerprint-vocabulary.js'; // prettier-ignore
import { hashParts } from './hash-parts.js';
import type { CreateHasher } from './hash.js';
import { createWasmHasher } from './hash-wasm.js';

/** Hyperparameters that decide what is computed; numbers as float32, which is what GGUF stores. */
export interface FingerprintedConfig extends Pick<
  LlamaConfig,
  | 'dim'
  | 'nLayers'
  | 'nHeads'
  | 'nKvHeads'
  | 'headDim'
  | 'ffnDim'
  | 'vocabSize'
  | 'normEps'
  | 'ropeTheta'
  | 'ropeScaling'
> {
  /** Settings of a model that is more than text; absent for text models. */
  readonly family?: FamilySettings | undefined;
}

/** Fingerprint of a model and of its parts. */
export interface ModelFingerprint {
  /** The fingerprint: SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
  /** Fingerprints of the parts: two models that differ in one of them agree in the others. */
  readonly parts: ModelParts;
  /** Hyperparameters, as they were hashed. */
  readonly hyperparameters: FingerprintedConfig;
  /** What was hashed of the vocabulary; undefined where there is none. */
  readonly vocabulary: VocabularyFacts | undefined;
  /** Every tensor in canonical order; an output matrix that equals the embedding is left out. */
  readonly tensors: readonly TensorFingerprint[];
}

/** SHA-256 of each part of a model. */
export interface ModelParts {
  /** Of all tensors. */
  readonly tensors: string;
  /** Of the hyperparameters. */
  readonly hyperparameters: string;
  /** Of the vocabulary; undefined where there is none. */
  readonly vocabulary: string | undefined;
}

/** How a model is fingerprinted. */
export interface FingerprintOptions extends OperationOptions {
  /** Implementation of SHA-256; WebAssembly when absent. */
  readonly createHasher?: CreateHasher | undefined;
}

/**
 * Fingerprint of a model. Reads every weight once (see `fingerprintTensor`), in canonical order; peak memory: a few
 * blocks of rows, and the merges of the vocabulary.
 *
 * @throws LlamaError `llama/not-replicated`; the errors of the files; the signal's reason
 */
export async function fingerprintModel(
  model: LlamaModel,
  { createHasher = createWasmHasher, signal, onProgress }: FingerprintOptions = {},
): Promise<ModelFingerprint> {
  await model.expectConsistentWeights({ signal });
  const total = [...model.tensors.values()].reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
  const tensors: TensorFingerprint[] = [];
  let done = 0;
  for (const [name, tensor] of model.tensors) {
    const onBytes = (byteLength: number): void => {
      done += byteLength;
      onProgress?.({ phase: 'hash', item: name, done, total });
    };
    tensors.push({ ...(await fingerprintTensor(tensor, createHasher, { signal, onBytes })), name });
  }
  const vocabulary = model.vocabulary && (await fingerprintVocabulary(model.vocabulary, createHasher));
  return fingerprintOf({ model, vocabulary, tensors }, createHasher);
}

/** The parts of a model that have been fingerprinted. */
export interface FingerprintedParts {
  /** What has the hyperparameters and those of its family. */
  readonly model: Pick<LlamaModel, 'config' | 'family'>;
  /** Vocabulary; undefined where there is none. */
  readonly vocabulary: VocabularyFingerprint | undefined;
  /** Every tensor, also an output matrix that equals the embedding. */
  readonly tensors: readonly TensorFingerprint[];
}

/** Fingerprint of a model whose parts were fingerprinted already. Reads nothing. */
export async function fingerprintOf(
  { model, vocabulary, tensors: all }: FingerprintedParts,
  createHasher: CreateHasher,
): Promise<ModelFingerprint> {
  const hyperparameters = fingerprintedConfig(model);
  const tensors = withoutTiedOutput(all);
  const config = configJson(hyperparameters);
  const hashed = { tensors, hyperparameters: config, vocabulary: vocabulary?.sha256 ?? null };
  const { sha256, parts: hashes } = await hashParts(hashed, createHasher);
  const parts = { ...hashes, vocabulary: vocabulary?.sha256 };
  return { sha256, parts, hyperparameters, vocabulary: vocabulary && factsOf(vocabulary), tensors };
}

function configJson({ ropeScaling, ...others }: FingerprintedConfig): Record<string, JsonValue | undefined> {
  return { ...others, ropeScaling: ropeScaling && { ...ropeScaling } };
}

function factsOf({ sha256: _, ...facts }: VocabularyFingerprint): VocabularyFacts {
  return facts;
}

/** The hyperparameters that are hashed. The context length limits use and not what is computed; tying shows in the tensors. */
export function fingerprintedConfig(model: Pick<LlamaModel, 'config' | 'family'>): FingerprintedConfig {
  const { config } = model;
  const family = familySettings(model);
  const { dim, nLayers, nHeads, nKvHeads, headDim, ffnDim, vocabSize, normEps, ropeTheta, ropeScaling } = config;
  return {
    ...{ dim, nLayers, nHeads, nKvHeads, headDim, ffnDim, vocabSize },
    normEps: Math.fround(normEps),
    ropeTheta: Math.fround(ropeTheta),
    ropeScaling: ropeScaling && {
      factor: Math.fround(ropeScaling.factor),
      lowFreqFactor: Math.fround(ropeScaling.lowFreqFactor),
      highFreqFactor: Math.fround(ropeScaling.highFreqFactor),
      originalContextLength: ropeScaling.originalContextLength,
    },
    ...(family === undefined ? {} : { family }),
  };
}

/** The tensors without an output matrix that is the embedding over again. */
function withoutTiedOutput(tensors: readonly TensorFingerprint[]): readonly TensorFingerprint[] {
  const embedding = tensors.find(({ name }) => name === 'tok_embeddings.weight')?.sha256;
  return tensors.filter(({ name, sha256 }) => name !== 'output.weight' || sha256 !== embedding);
}
