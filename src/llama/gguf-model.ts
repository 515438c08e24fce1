/**
 * The canonical model of a GGUF file made for llama.cpp.
 *
 * Rows of q and k are already in Meta's order. The scaling of the rotary frequencies is stored as the
 * divisors themselves (`rope_freqs.weight`), so the factor is found by trying: a file whose divisors
 * follow no known rule is refused, because nothing could be said about its long contexts.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @module
 */
import { type GgufReadValue, metadataEntry, readMetadataValues } from '../formats/gguf/metadata.js';
import { openGgufParts } from '../formats/gguf/open-parts.js';
import { type GgufFile, openGgufFile } from '../formats/gguf/read.js';
import { expectWhole } from '../formats/gguf/split.js';
import type { StoredTensor } from '../formats/tensor.js';
import { decodeToFloat32 } from '../quant/codec.js';
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { chatTemplatesOfGguf } from '../tokenizer/chat-template/gguf-templates.js';
import { vocabularyFromGguf } from '../tokenizer/gguf-fields.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { expectVocabularySize } from '../tokenizer/vocabulary-size.js';
import { canonicalTensors } from './canonical.js';
import { type LlamaConfig, LlamaError, type LlamaModel, type RopeScaling } from './model.js';
import { lastPathPart } from './model-name.js';
import { expectScaled, llama3Scaling, scalingOfDivisors } from './rope.js';

const ROPE_FREQS = 'rope_freqs.weight';

/**
 * Opens a GGUF file as a canonical model; reads its header, the vocabulary and the rope divisors.
 *
 * @param ropeFactor - overrides the factor of the rope scaling
 * @throws GgufError, TokenizerError, SourceError
 * @throws LlamaError `llama/unsupported`, `llama/bad-config`, `llama/missing-tensor`, `llama/unknown-tensor`,
 *   `llama/wrong-shape`
 */
export async function openGgufModel(source: ByteSource, ropeFactor?: number): Promise<LlamaModel> {
  return ggufModel(await openGgufFile(source), ropeFactor);
}

/** The same for a file of a folder, together with the other parts where it is split. @throws as {@link openGgufModel} */
export async function openGgufFolderModel(folder: Folder, name: string, ropeFactor?: number): Promise<LlamaModel> {
  return ggufModel(await openGgufParts(folder, name), ropeFactor);
}

async function ggufModel(file: GgufFile, ropeFactor: number | undefined): Promise<LlamaModel> {
  const path = file.name;
  try {
    expectWhole(file);
    const stored = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    const config = await ggufConfig(file, stored, path, ropeFactor);
    const tensors = canonicalTensors(file.tensors, config, {
      ...{ layout: 'gguf', path, statedIn: 'the metadata', layersKey: 'llama.block_count' },
      otherShape: 'the file contradicts itself: make it again, or download it again',
      isIgnored: (name) => name === ROPE_FREQS,
      inMetaOrder: (tensor) => tensor,
    });
    const values = await readMetadataValues(file.metadata, file.metadata.keys());
    const vocabulary = vocabularyOf(values, path);
    if (vocabulary !== undefined) expectVocabularySize(vocabulary, config.vocabSize, path);
    const metadata = [...values].filter(([key]) => !key.startsWith('split.')).map(metadataEntry);
    const name = lastPathPart(path).replace(/(?:-\d{5}-of-\d{5})?\.gguf$/i, '');
    return {
      ...{ layout: 'gguf', path, name, config, vocabulary, tensors, decisions: [], sentencePieceFile: undefined },
      chatTemplates: chatTemplatesOfGguf(metadata, path),
      gguf: { metadata, tensorNames: file.tensors.map((tensor) => tensor.name) },
      expectConsistentWeights: async () => {},
      close: () => file.close(),
      [Symbol.asyncDispose]: () => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw cause;
  }
}

/**
 * The vocabulary of a GGUF file that has a tokenizer and no tensors; undefined for any other. Closes the source.
 *
 * @throws GgufError, TokenizerError, SourceError
 */
export async function readVocabularyOnly(source: ByteSource): Promise<Vocabulary | undefined> {
  try {
    const file = await openGgufFile(source);
    if (file.tensors.length > 0 || file.metadata.has('split.count')) return undefined;
    return vocabularyOf(await readMetadataValues(file.metadata, file.metadata.keys()), source.name);
  } finally {
    await source.close();
  }
}

/** The tokenizer in the metadata; undefined for files that were made without one. */
function vocabularyOf(metadata: ReadonlyMap<string, GgufReadValue>, path: string): Vocabulary | undefined {
  const fields = new Map([...metadata].filter(([key]) => key.startsWith('tokenizer.')));
  return fields.size === 0 ? undefined : vocabularyFromGguf(fields, path);
}

async function ggufConfig(
  file: GgufFile,
  stored: ReadonlyMap<string, StoredTensor>,
  path: string,
  ropeFactor: number | undefined,
): Promise<LlamaConfig> {
  expectLlama(file, path);
  const integer = (key: string, absent?: number): number => ggufInteger(file, key, path, absent);
  const dim = integer('llama.embedding_length');
  const nHeads = integer('llama.attention.head_count');
  const headKey = ['llama.attention.key_length', 'llama.rope.dimension_count'].find((key) => file.metadata.has(key));
  const headDim = headKey === undefined ? dim / nHeads : integer(headKey);
  const ropeTheta = ggufDecimal(file, 'llama.rope.freq_base', path, 10000);
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
    ...{ dim, nHeads, nKvHeads, headDim, ropeTheta },
    nLayers: integer('llama.block_count'),
    ffnDim: integer('llama.feed_forward_length'),
    vocabSize: expectVocabSize(file, stored, path),
    normEps: ggufDecimal(file, 'llama.attention.layer_norm_rms_epsilon', path),
    ropeScaling: await readRopeScaling(stored.get(ROPE_FREQS), headDim, ropeTheta, path, ropeFactor),
    contextLength: integer('llama.context_length'),
    tied: !stored.has('output.weight'),
  };
}

/** What a GGUF file may be but a model, with what to do with it. */
const OTHER_TYPES: Readonly<Record<string, string>> = {
  adapter: 'LoRA adapters are merged by convert --lora from the folder of PEFT that they were made of',
  mmproj: 'it encodes images; name the GGUF file of the text model',
  imatrix: 'convert --imatrix takes it',
};

/** What can be done with a file that llama.cpp's converter wrote with `--vocab-only`. */
const VOCABULARY_ONLY = 'it holds a tokenizer without weights; llama-inspect tokenize takes it';

function expectLlama({ metadata, tensors }: GgufFile, path: string): void {
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
function expectVocabSize(file: GgufFile, stored: ReadonlyMap<string, StoredTensor>, path: string): number {
  const rows = stored.get('token_embd.weight')?.shape[0] ?? 0;
  const stated = file.metadata.get('llama.vocab_size')?.value ?? rows;
  if (stated === rows || rows === 0) return rows;
  const message = `llama.vocab_size is ${JSON.stringify(stated)}, but token_embd.weight has ${rows} rows`;
  throw new LlamaError('llama/contradiction', message, { path });
}

function ggufInteger(file: GgufFile, key: string, path: string, absent?: number): number {
  const value = file.metadata.get(key)?.value ?? absent;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw notA('positive integer', key, value, path);
}

function ggufDecimal(file: GgufFile, key: string, path: string, absent?: number): number {
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
function shortestFloat(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}

function expectNoOtherScaling(file: GgufFile, path: string): void {
  const type = file.metadata.get('llama.rope.scaling.type')?.value;
  if (type === undefined || type === 'none') return;
  throw new LlamaError(
    'llama/unsupported',
    `llama.rope.scaling.type is ${JSON.stringify(type)}, only Llama 3's scaling can be read`,
    { path },
  );
}

/** Heads that rotate in part, values of another width, and experts make another model than a plain Llama. */
function expectWholeHeads(file: GgufFile, headDim: number, path: string): void {
  for (const key of ['llama.rope.dimension_count', 'llama.attention.value_length']) {
    const size = ggufInteger(file, key, path, headDim);
    if (size === headDim) continue;
    throw new LlamaError('llama/unsupported', `${key} is ${size}, but a head has ${headDim} elements`, { path });
  }
  const experts = file.metadata.get('llama.expert_count')?.value;
  if (experts === undefined || experts === 0) return;
  throw new LlamaError('llama/unsupported', 'this is a mixture of experts, not a plain Llama', { path });
}

async function readRopeScaling(
  divisors: StoredTensor | undefined,
  headDim: number,
  theta: number,
  path: string,
  override: number | undefined,
): Promise<RopeScaling | null> {
  expectScaled(divisors !== undefined, override, path, 'the file');
  if (divisors === undefined) return null;
  if (override !== undefined) return llama3Scaling(override);
  if (divisors.shape.length === 1 && divisors.shape[0] === headDim / 2) {
    const values = new Float32Array(headDim / 2);
    decodeToFloat32(divisors.dtype, await divisors.readRows(0, 1), values);
    const scaling = scalingOfDivisors(values, headDim, theta);
    if (scaling !== undefined) return scaling;
  }
  throw new LlamaError('llama/unsupported', `${ROPE_FREQS} holds divisors that follow no rule of a Llama release`, {
    path,
  });
}
