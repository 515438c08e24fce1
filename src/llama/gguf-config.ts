/**
 * What the metadata of a GGUF file says of the model, and whether it is one that can be read.
 *
 * A file that is about to be written goes through the same checks: nothing is written here that is refused here.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @module
 */
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import type { TensorInfo } from '../formats/tensor.js';
import { chatTemplatesOfGguf } from '../tokenizer/chat-template/gguf-templates.js';
import { vocabularyFromGguf } from '../tokenizer/gguf-fields.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { expectVocabularySize } from '../tokenizer/vocabulary-size.js';
import { type LlamaConfig, LlamaError, type RopeScaling } from './model.js';
import { scalingOfDivisors } from './rope.js';

/** Name of the tensor that holds the divisors of the rotary frequencies. */
export const ROPE_FREQS = 'rope_freqs.weight';

/** The pairs and tensors of a file, read or planned. */
interface Stated {
  readonly metadata: ReadonlyMap<string, { readonly value: unknown }>;
  readonly tensors: readonly Pick<TensorInfo, 'name' | 'shape'>[];
}

/** Hyperparameters without the rope scaling, which a tensor holds. */
export type StatedConfig = Omit<LlamaConfig, 'ropeScaling'>;

/**
 * What a file states of its hyperparameters.
 *
 * @throws LlamaError `llama/unsupported`, `llama/bad-config`, `llama/contradiction`
 */
export function statedConfig(file: Stated, path: string): StatedConfig {
  expectLlama(file, path);
  const integer = (key: string, absent?: number): number => ggufInteger(file, key, path, absent);
  const dim = integer('llama.embedding_length');
  const nHeads = integer('llama.attention.head_count');
  const headKey = ['llama.attention.key_length', 'llama.rope.dimension_count'].find((key) => file.metadata.has(key));
  const headDim = headKey === undefined ? dim / nHeads : integer(headKey);
  const nKvHeads = integer('llama.attention.head_count_kv', nHeads);
  if (nHeads % nKvHeads !== 0 || headDim % 2 !== 0) {
    throw new LlamaError(
      'llama/bad-config',
      `${nHeads} heads, ${nKvHeads} key/value heads and head size ${headDim} do not fit together`,
      { path },
    );
  }
  expectNoOtherScaling(file, path);
  expectWholeHeads(file, headDim, path);
  return {
    ...{ dim, nHeads, nKvHeads, headDim },
    ropeTheta: ggufDecimal(file, 'llama.rope.freq_base', path, 10000),
    nLayers: integer('llama.block_count'),
    ffnDim: integer('llama.feed_forward_length'),
    vocabSize: expectVocabSize(file, path),
    normEps: ggufDecimal(file, 'llama.attention.layer_norm_rms_epsilon', path),
    contextLength: integer('llama.context_length'),
    tied: shapeOf(file, 'output.weight') === undefined,
  };
}

/** The tokenizer in the metadata; undefined for files that were made without one. @throws TokenizerError */
export function vocabularyOf(metadata: Stated['metadata'], path: string): Vocabulary | undefined {
  const fields = new Map([...metadata].filter(([key]) => key.startsWith('tokenizer.')));
  return fields.size === 0 ? undefined : vocabularyFromGguf(fields, path);
}

/** The scaling that has these divisors. @throws LlamaError `llama/unsupported` where no release has it */
export function knownScaling(divisors: Float32Array, headDim: number, ropeTheta: number, path: string): RopeScaling {
  const scaling = scalingOfDivisors(divisors, headDim, ropeTheta);
  if (scaling !== undefined) return scaling;
  throw new LlamaError('llama/unsupported', `${ROPE_FREQS} holds divisors that follow no rule of a Llama release`, {
    path,
  });
}

/** A GGUF file that is about to be written. */
export interface PlannedGguf {
  /** Its pairs. */
  readonly metadata: readonly GgufMetadataEntry[];
  /** Its tensors. */
  readonly tensors: readonly Pick<TensorInfo, 'name' | 'shape'>[];
  /** What {@link ROPE_FREQS} will hold; undefined without rope scaling. */
  readonly divisors: Float32Array | undefined;
}

/**
 * Refuses what {@link statedConfig} and the readers of the tokenizer and the chat templates would refuse in the file; goes
 * through the whole vocabulary.
 *
 * @throws LlamaError, TokenizerError, as these do
 */
export function expectReadable({ metadata, tensors, divisors }: PlannedGguf, path: string): void {
  const read = new Map(
    metadata.map(({ key, type, value }) => [key, { value: type === 'f32' ? Math.fround(value) : value }]),
  );
  const { headDim, ropeTheta, vocabSize } = statedConfig({ metadata: read, tensors }, path);
  if (divisors !== undefined) knownScaling(divisors, headDim, ropeTheta, path);
  const vocabulary = vocabularyOf(read, path);
  if (vocabulary !== undefined) expectVocabularySize(vocabulary, vocabSize, path);
  chatTemplatesOfGguf(metadata, path);
}

/** What a GGUF file may be but a model, with what to do with it. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  adapter: 'LoRA adapters are merged by convert --lora from the folder of PEFT that they were made of',
  mmproj: 'it encodes images; name the GGUF file of the text model',
  imatrix: 'convert --imatrix takes it',
};

/** What can be done with a file that llama.cpp's converter wrote with `--vocab-only`. */
const VOCABULARY_ONLY = 'it holds a tokenizer without weights; llama-inspect tokenize takes it';

function expectLlama({ metadata, tensors }: Stated, path: string): void {
  const refuse = (message: string, hint?: string): never => {
    throw new LlamaError('llama/unsupported', message, { path, hint });
  };
  const [type, architecture] = ['general.type', 'general.architecture'].map((key) => metadata.get(key)?.value);
  if (typeof type === 'string' && type !== 'model')
    refuse(`general.type is ${JSON.stringify(type)}, not "model"`, OTHER_TYPES[type]);
  if (architecture === undefined) refuse('there is no general.architecture, so this is no model');
  if (architecture !== 'llama')
    refuse(`general.architecture is ${JSON.stringify(architecture)}, only "llama" can be read`);
  if (tensors.length === 0) refuse('there are no tensors', VOCABULARY_ONLY);
}

/** Rows of the embedding, which the metadata may state too. */
function expectVocabSize(file: Stated, path: string): number {
  const rows = shapeOf(file, 'token_embd.weight')?.[0] ?? 0;
  const stated = file.metadata.get('llama.vocab_size')?.value ?? rows;
  if (stated === rows || rows === 0) return rows;
  const message = `llama.vocab_size is ${JSON.stringify(stated)}, but token_embd.weight has ${rows} rows`;
  throw new LlamaError('llama/contradiction', message, { path });
}

function ggufInteger(file: Stated, key: string, path: string, absent?: number): number {
  const value = file.metadata.get(key)?.value ?? absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw notA('positive integer', key, value, path);
}

function ggufDecimal(file: Stated, key: string, path: string, absent?: number): number {
  const value = file.metadata.get(key)?.value ?? absent;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return shortestFloat(value);
  throw notA('positive number', key, value, path);
}

function notA(wanted: string, key: string, value: unknown, path: string): LlamaError {
  const found = typeof value === 'object' ? 'an array' : JSON.stringify(value);
  const message = value === undefined ? `${key} is missing` : `${key} must be a ${wanted}, found ${found}`;
  return new LlamaError('llama/bad-config', message, { path });
}

/** The decimal that a float32 stands for: 9.999999747378752e-06 was 1e-05 in `params.json`. */
export function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

function expectNoOtherScaling(file: Stated, path: string): void {
  const type = file.metadata.get('llama.rope.scaling.type')?.value;
  if (type === undefined || type === 'none') return;
  throw new LlamaError(
    'llama/unsupported',
    `llama.rope.scaling.type is ${JSON.stringify(type)}, only Llama 3's scaling can be read`,
    { path },
  );
}

/** Heads that rotate in part, values of another width, and experts make another model than a plain Llama. */
function expectWholeHeads(file: Stated, headDim: number, path: string): void {
  for (const key of ['llama.rope.dimension_count', 'llama.attention.value_length']) {
    const size = ggufInteger(file, key, path, headDim);
    if (size === headDim) continue;
    throw new LlamaError('llama/unsupported', `${key} is ${size}, but a head has ${headDim} elements`, { path });
  }
  const experts = file.metadata.get('llama.expert_count')?.value;
  if (experts === undefined || experts === 0) return;
  throw new LlamaError('llama/unsupported', 'this is a mixture of experts, not a plain Llama', { path });
}

function shapeOf({ tensors }: Stated, name: string): readonly number[] | undefined {
  return tensors.find((tensor) => tensor.name === name)?.shape;
}
