/**
 * Plan of a GGUF file, the same bytes as llama.cpp's converter makes from the Hugging Face folder.
 *
 * Three surprises: the tensors stand in the order of the safetensors files that converter reads (sorted by
 * name inside each shard, so `blk.10` comes before `blk.2`); vectors are F32 whatever the file's type; and
 * `rope_freqs.weight`, the divisors of the rotary frequencies, comes first and is computed, not copied.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py
 * @module
 */
import { elementCount } from '../dtype.js';
import { type GgufMetadataEntry, planGguf } from '../formats/gguf/plan.js';
import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import { expectNameInLayout } from '../llama/layout.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { ropeDivisors } from '../llama/rope.js';
import { ggufTokenizerFields } from '../tokenizer/gguf-fields.js';
import { castTensor } from './cast.js';
import { ggufNaming } from './gguf-naming.js';
import { SAMPLING, isInstruct } from './hf-text-files.js';
import { type ConvertOptions, DEFAULT_MAX_SHARD_SIZE, type OutputDType } from './options.js';
import { ConvertError, type FilePiece, type PlannedFile, type TensorPiece } from './plan.js';
import { greedyShards, hfTensorOrder } from './safetensors-plan.js';

type LooseTensor = Omit<TensorPiece, 'fileOffset'>;

/** `general.file_type` and the quantization format's version, as llama.cpp numbers them. */
const FILE_TYPE: Readonly<Record<OutputDType, number>> = { float32: 0, float16: 1, bfloat16: 32 };
const QUANTIZATION_VERSION = 2;

/** The one file of a GGUF conversion. @throws ConvertError `convert/no-tokenizer` and those of {@link castTensor} */
export function ggufFile(model: LlamaModel, dtype: OutputDType, options: ConvertOptions): PlannedFile {
  const tensors = [
    ...ropeDivisorsTensor(model),
    ...ggufTensorOrder(model).map((name) => ggufTensor(model, name, dtype)),
  ];
  const parameterCount = tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0);
  const layout = planGguf({ metadata: metadata(model, dtype, parameterCount), tensors });
  const pieces: FilePiece[] = [{ kind: 'bytes', bytes: layout.header }];
  let end = layout.header.byteLength;
  tensors.forEach((tensor, index) => {
    const { fileOffset } = layout.tensors[index]!;
    pieces.push(...padding(fileOffset - end), { ...tensor, fileOffset });
    end = fileOffset + tensor.byteLength;
  });
  pieces.push(...padding(layout.byteLength - end));
  return { name: options.fileName ?? `${model.name}.gguf`, byteLength: layout.byteLength, pieces };
}

function padding(length: number): FilePiece[] {
  return length === 0 ? [] : [{ kind: 'bytes', bytes: new Uint8Array(length) }];
}

/** Canonical names in the order in which llama.cpp's converter meets them in a Hugging Face folder. */
function ggufTensorOrder(model: LlamaModel): string[] {
  const tensors = hfTensorOrder(model).map((name) => ({
    name,
    hfName: expectNameInLayout(name, 'hf'),
    byteLength: tensorByteLength(expectTensor(model, name)),
  }));
  return greedyShards(tensors, DEFAULT_MAX_SHARD_SIZE).flatMap((shard) =>
    shard.sort((a, b) => (a.hfName < b.hfName ? -1 : 1)).map(({ name }) => name),
  );
}

function ggufTensor(model: LlamaModel, from: string, dtype: OutputDType): LooseTensor {
  const source = expectTensor(model, from);
  const { tensor, loss } = castTensor(source, source.shape.length < 2 ? 'float32' : dtype);
  const name = expectNameInLayout(from, 'gguf');
  return {
    ...{ kind: 'tensor', name, dtype: tensor.dtype, shape: tensor.shape, from, tensor, loss },
    byteLength: tensorByteLength(tensor),
  };
}

function ropeDivisorsTensor({ config }: LlamaModel): LooseTensor[] {
  if (config.ropeScaling === null) return [];
  const divisors = ropeDivisors(config.headDim, config.ropeTheta, config.ropeScaling);
  const bytes = new Uint8Array(divisors.buffer, divisors.byteOffset, divisors.byteLength);
  const name = 'rope_freqs.weight';
  const shape = [divisors.length];
  const tensor: Tensor = { name, dtype: 'float32', shape, readRows: async () => bytes };
  return [
    {
      kind: 'tensor',
      name,
      dtype: 'float32',
      shape,
      from: undefined,
      tensor,
      loss: undefined,
      byteLength: bytes.byteLength,
    },
  ];
}

function metadata(model: LlamaModel, dtype: OutputDType, parameterCount: number): GgufMetadataEntry[] {
  const { config, vocabulary } = model;
  if (vocabulary === undefined) {
    throw new ConvertError('convert/no-tokenizer', 'a GGUF file needs a tokenizer, but there is no tokenizer.model', {
      path: model.path,
      hint: 'put tokenizer.model into the folder',
    });
  }
  const u32 = (key: string, value: number): GgufMetadataEntry => ({ key, type: 'u32', value });
  const f32 = (key: string, value: number): GgufMetadataEntry => ({ key, type: 'f32', value });
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
    u32('general.file_type', FILE_TYPE[dtype]),
    u32('llama.vocab_size', config.vocabSize),
    u32('llama.rope.dimension_count', config.headDim),
    u32('general.quantization_version', QUANTIZATION_VERSION),
    ...ggufTokenizerFields(vocabulary),
  ];
}

function generalEntries(model: LlamaModel, parameterCount: number): GgufMetadataEntry[] {
  const naming = ggufNaming(model.name, parameterCount);
  return [
    ...strings({ 'general.architecture': 'llama', 'general.type': 'model' }),
    ...samplingEntries(model),
    ...strings({
      'general.name': naming.name,
      'general.version': naming.version,
      'general.finetune': naming.finetune,
      'general.basename': naming.basename,
      'general.size_label': naming.sizeLabel,
    }),
  ];
}

/** What llama.cpp's converter takes from the `generation_config.json` of instruct models. */
function samplingEntries(model: LlamaModel): GgufMetadataEntry[] {
  if (!isInstruct(model)) return [];
  return [
    { key: 'general.sampling.top_p', type: 'f32', value: SAMPLING.topP },
    { key: 'general.sampling.temp', type: 'f32', value: SAMPLING.temperature },
  ];
}

function strings(values: Readonly<Record<string, string | undefined>>): GgufMetadataEntry[] {
  return Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, type: 'str', value }]));
}
