/**
 * Plan of a GGUF file, the same bytes as llama.cpp's own programs make.
 *
 * Plain files are those of its converter. Three surprises: their tensors stand in the order of the safetensors files
 * that converter reads (sorted by name inside each shard, so `blk.10` comes before `blk.2`); vectors are F32 whatever
 * the file's type; and `rope_freqs.weight`, the divisors of the rotary frequencies, comes first and is
 * computed, not copied. Quantized files are those of its quantizer, see `quantized-plan.ts`.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/convert_hf_to_gguf.py
 * @module
 */
import type { DType } from '../dtype.js';
import { CheckpointError } from '../errors.js';
import { type GgufPlan, planGguf } from '../formats/gguf/plan.js';
import { type Tensor, tensorByteLength } from '../formats/tensor.js';
import { expectReadable } from '../llama/gguf-config.js';
import { expectNameInLayout } from '../llama/layout.js';
import { type LlamaModel, expectTensor } from '../llama/model.js';
import { ropeDivisors } from '../llama/rope.js';
import { castTensor } from './cast.js';
import { FILE_TYPES, isPlainFileType } from './file-types.js';
import { type GgufFileContent, type GgufSourceTensor, parametersOf } from './gguf-content.js';
import { converterMetadata } from './gguf-metadata.js';
import { type GgufPart, ggufParts } from './gguf-split.js';
import { withOverrides } from './metadata-overrides.js';
import { type ConvertOptions, DEFAULT_MAX_SHARD_SIZE, plainFileType } from './options.js';
import { ConvertError, type FilePiece, type PlannedFile, type PlannedKind } from './plan.js';
import { quantizedContent } from './quantized-plan.js';
import { greedyShards, hfTensorOrder } from './safetensors-plan.js';

/**
 * The files of a GGUF conversion: one, or the parts of a split one.
 *
 * @throws ConvertError `convert/no-tokenizer`, `convert/bad-option`, and those of the types
 */
export function ggufFiles(model: LlamaModel, options: ConvertOptions): PlannedKind {
  const { metadata, tensors, ...kind } = contentOf(model, options);
  const content = { metadata: withOverrides(metadata, options.metadata), tensors };
  if (options.metadata !== undefined) expectReadableWith(content, model);
  const parts = ggufParts(content, options.fileName ?? `${model.name}.gguf`, options.splitMaxSize);
  return { ...kind, files: parts.map(ggufFile) };
}

/** Refuses values that a person set with which the file could not be read again. */
function expectReadableWith(
  { metadata, tensors }: Pick<GgufFileContent, 'metadata' | 'tensors'>,
  model: LlamaModel,
): void {
  const { config: { headDim, ropeTheta, ropeScaling }, path } = model; // prettier-ignore
  const divisors = ropeScaling === null ? undefined : ropeDivisors(headDim, ropeTheta, ropeScaling);
  try {
    expectReadable({ metadata, tensors, divisors }, path);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new ConvertError('convert/bad-option', `with this metadata the file could not be read: ${cause.message}`);
  }
}

function ggufFile({ name, metadata, tensors }: GgufPart): PlannedFile {
  const layout = planGguf({ metadata, tensors });
  const pieces: FilePiece[] = [headerOf(layout)];
  let end = layout.headerByteLength;
  tensors.forEach((tensor, index) => {
    const { fileOffset } = layout.tensors[index]!;
    pieces.push(...padding(fileOffset - end), { ...tensor, fileOffset });
    end = fileOffset + tensor.byteLength;
  });
  pieces.push(...padding(layout.byteLength - end));
  return { name, byteLength: layout.byteLength, pieces };
}

/** The header, which is made when it is written: a dry run does without it, and then it is not kept. */
function headerOf(layout: GgufPlan): FilePiece {
  return {
    kind: 'bytes',
    get bytes() {
      return layout.header;
    },
  };
}

function padding(length: number): FilePiece[] {
  return length === 0 ? [] : [{ kind: 'bytes', bytes: new Uint8Array(length) }];
}

function contentOf(model: LlamaModel, options: ConvertOptions): GgufFileContent {
  const { type } = options;
  const sources = ggufSources(model);
  if (type !== undefined && !isPlainFileType(type)) return quantizedContent(model, sources, { ...options, type });
  const parameterCount = parametersOf(sources);
  // a GGUF file for which no other type is asked stays as it is, whatever types its tensors have
  if (type === undefined && model.gguf !== undefined) {
    const place = new Map(model.gguf.tensorNames.map((name, index) => [name, index]));
    const ordered = sources.sort((a, b) => (place.get(a.name) ?? -1) - (place.get(b.name) ?? -1));
    const tensors = ordered.map((source) => castTensor(source.tensor, { ...source, dtype: source.tensor.dtype }));
    const metadata = converterMetadata(model, undefined, parameterCount);
    return { metadata, tensors, type, dtype: expectTensor(model, 'tok_embeddings.weight').dtype, warnings: [] };
  }
  const { name, dtype } = plainFileType(model, type);
  const tensors = sources.map((source) => {
    return castTensor(source.tensor, { ...source, dtype: plainTensorType(source, dtype) });
  });
  const metadata = converterMetadata(model, FILE_TYPES[name].id, parameterCount);
  return { metadata, tensors, type: name, dtype, warnings: [] };
}

/** What goes into a GGUF file of any type, in the order of llama.cpp's converter. */
export function ggufSources(model: LlamaModel): GgufSourceTensor[] {
  return [...ropeDivisorsTensor(model), ...ggufTensorOrder(model).map((name) => ggufTensor(model, name))];
}

/** The type of a tensor in a plain file: that of the file, except for vectors. */
export function plainTensorType({ tensor }: GgufSourceTensor, dtype: DType): DType {
  return tensor.shape.length < 2 ? 'float32' : dtype;
}

function ggufTensor(model: LlamaModel, from: string): GgufSourceTensor {
  return { name: expectNameInLayout(from, 'gguf'), from, tensor: expectTensor(model, from) };
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

function ropeDivisorsTensor({ config }: LlamaModel): GgufSourceTensor[] {
  if (config.ropeScaling === null) return [];
  const divisors = ropeDivisors(config.headDim, config.ropeTheta, config.ropeScaling);
  const bytes = new Uint8Array(divisors.buffer, divisors.byteOffset, divisors.byteLength);
  const name = 'rope_freqs.weight';
  const tensor: Tensor = { name, dtype: 'float32', shape: [divisors.length], readRows: async () => bytes };
  return [{ name, from: undefined, tensor }];
}
