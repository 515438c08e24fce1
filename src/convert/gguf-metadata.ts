/**
 * The key/value pairs of a GGUF file, in the order in which llama.cpp's programs write them.
 *
 * Its converter states the type of the file among the hyperparameters; its quantizer takes that out and appends it
 * behind everything else, with what it knows of the importance matrix. A file that is made of a GGUF file keeps
 * that file's pairs.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py
 * @see https://github.com/ggml-org/llama.cpp/blob/master/src/llama-quant.cpp (llama_model_quantize_impl)
 * @module
 */
import type { GgufMetadataEntry } from '../formats/gguf/plan.js';
import type { LlamaModel } from '../llama/model.js';
import { chatTemplateEntries } from '../tokenizer/chat-template/gguf-templates.js';
import type { ChatTemplates } from '../tokenizer/chat-template/templates.js';
import { ggufTokenizerFields } from '../tokenizer/gguf-fields.js';
import { GGUF_KEY } from '../tokenizer/gguf-keys.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { ggufNaming } from './gguf-naming.js';
import { isInstruct } from './hf-text-files.js';
import type { ImportanceUse } from './options.js';
import { ConvertError } from './plan.js';
import { INSTRUCT_SAMPLING, samplingEntries } from './sampling.js';

const FILE_TYPE = 'general.file_type';
const QUANTIZATION_VERSION = 'general.quantization_version';

/** Version of ggml's block formats. */
const BLOCKS_VERSION = 2;

const u32 = (key: string, value: number): GgufMetadataEntry => ({ key, type: 'u32', value });
const f32 = (key: string, value: number): GgufMetadataEntry => ({ key, type: 'f32', value });

/** The pairs as the converter writes them; `fileType` undefined leaves the source's own. */
export function converterMetadata(
  model: LlamaModel,
  fileType: number | undefined,
  parameterCount: number,
): GgufMetadataEntry[] {
  const { gguf } = model;
  if (gguf === undefined) return madeMetadata(model, fileType ?? 0, parameterCount);
  if (fileType === undefined) return [...gguf.metadata];
  return gguf.metadata.map((entry) => (entry.key === FILE_TYPE ? u32(FILE_TYPE, fileType) : entry));
}

/** The pairs as the quantizer writes them. */
export function quantizerMetadata(
  model: LlamaModel,
  fileType: number,
  parameterCount: number,
  importance: ImportanceUse | undefined,
): GgufMetadataEntry[] {
  const appended = [
    u32(QUANTIZATION_VERSION, BLOCKS_VERSION),
    u32(FILE_TYPE, fileType),
    ...(importance === undefined ? [] : importanceEntries(importance)),
  ];
  const replaced = new Set(appended.map(({ key }) => key));
  const kept = converterMetadata(model, fileType, parameterCount).filter(({ key }) => !replaced.has(key));
  return [...kept, ...appended];
}

/** Most bytes of a text that llama-quantize writes of an importance matrix: it keeps them in an array of 128. */
const MOST_TEXT_BYTES = 127;

function importanceEntries({ matrix, file }: ImportanceUse): GgufMetadataEntry[] {
  const [dataset] = matrix.datasets;
  return [
    ...strings({ 'quantize.imatrix.file': cutOff(file) }),
    ...strings({ 'quantize.imatrix.dataset': dataset === undefined ? undefined : cutOff(dataset) }),
    u32('quantize.imatrix.entries_count', matrix.entries.size),
    ...(matrix.chunkCount > 0 ? [u32('quantize.imatrix.chunks_count', matrix.chunkCount)] : []),
  ];
}

/** The text as far as it takes 127 bytes; llama-quantize may cut a character in two, which no UTF-8 reader takes. */
function cutOff(text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(MOST_TEXT_BYTES));
  return text.slice(0, read);
}

function madeMetadata(model: LlamaModel, fileType: number, parameterCount: number): GgufMetadataEntry[] {
  const { config, vocabulary, chatTemplates } = model;
  if (vocabulary === undefined) {
    throw new ConvertError('convert/no-tokenizer', 'a GGUF file needs a tokenizer, but there is no tokenizer.model', {
      path: model.path,
      hint: 'put tokenizer.model into the folder',
    });
  }
  return [
    ...generalEntries(model, parameterCount),
    u32('llama.block_count', config.nLayers),
    u32('llama.context_length', config.contextLength),
    u32('llama.embedding_length', config.dim),
    u32('llama.feed_forward_length', config.ffnDim),
    u32('llama.attention.head_count', config.nHeads),
    u32('llama.attention.head_count_kv', config.nKvHeads),
    f32('llama.rope.freq_base', config.ropeTheta),
    f32('llama.attention.layer_norm_rms_epsilon', config.normEps),
    u32('llama.attention.key_length', config.headDim),
    u32('llama.attention.value_length', config.headDim),
    u32(FILE_TYPE, fileType),
    u32('llama.vocab_size', config.vocabSize),
    u32('llama.rope.dimension_count', config.headDim),
    u32(QUANTIZATION_VERSION, BLOCKS_VERSION),
    ...tokenizerEntries(vocabulary, chatTemplates),
  ];
}

/** The tokenizer and the chat templates, which the converter writes before it looks at spaces. */
function tokenizerEntries(vocabulary: Vocabulary, templates: ChatTemplates | undefined): GgufMetadataEntry[] {
  const fields: readonly GgufMetadataEntry[] = ggufTokenizerFields(vocabulary);
  const last = fields.findIndex(({ key }) => key === GGUF_KEY.addSpacePrefix);
  const end = last === -1 ? fields.length : last;
  return fields.toSpliced(end, 0, ...(templates === undefined ? [] : chatTemplateEntries(templates)));
}

function generalEntries(model: LlamaModel, parameterCount: number): GgufMetadataEntry[] {
  const naming = ggufNaming(model.name, parameterCount);
  return [
    ...strings({ 'general.architecture': 'llama', 'general.type': 'model' }),
    ...samplingEntries(samplingOf(model)),
    ...strings({
      'general.name': naming.name,
      'general.version': naming.version,
      'general.finetune': naming.finetune,
      'general.basename': naming.basename,
      'general.size_label': naming.sizeLabel,
    }),
  ];
}

/** Those of `generation_config.json`, which Meta's folders of instruct models lack. */
function samplingOf(model: LlamaModel): Readonly<Record<string, unknown>> {
  if (model.hf !== undefined) return model.hf.generation ?? {};
  return isInstruct(model) ? INSTRUCT_SAMPLING : {};
}

function strings(values: Readonly<Record<string, string | undefined>>): GgufMetadataEntry[] {
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, type: 'str', value }]));
}
