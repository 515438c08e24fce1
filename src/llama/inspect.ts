/**
 * What is this? Everything that headers tell about a checkpoint, as plain data.
 *
 * Works on more than can be converted: checkpoints of other kinds are recognised and their
 * tensors listed. Reads headers and the tokenizer, no weights.
 *
 * @module
 */
import { isHfWeights } from './hf-files.js';
import type { GgufFile } from '../formats/gguf/read.js';
import type { StoredTensor, Tensor, TensorFile } from '../formats/tensor.js';
import { tensorByteLength } from '../formats/tensor.js';
import type { Folder, FolderEntry } from '../source/folder.js';
import { type ChatTemplateSummary, summariseChatTemplates } from '../tokenizer/chat-template/templates.js';
import { type TokenizerSummary, summaryOf } from '../tokenizer/summary.js';
import { openTensorFiles } from './checkpoint-files.js';
import { keepingFiles } from '../source/kept-files.js';
import { familyNotes } from './family-notes.js';
import type { Sha256 } from '../formats/torch/object-leaves.js';
import { SMALL_BYTES } from './file-hashes.js';
import { summariseFolderTokenizer } from './folder-tokenizer.js';
import { type ReleaseIdentity, compareFiles, identifyRelease } from './identify-release.js';
import { type CheckpointKind, KIND_DESCRIPTION, type MetaCheckpoint, openMetaCheckpoint } from './meta-checkpoint.js';
import { type MetaModel, type OpenModelOptions, metaModel } from './meta-model.js';
import { type Decision, type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { type FolderLayout, folderLayout, openModelFolder } from './open-model.js';
import type { MetaParams } from './params.js';
import { releaseOf } from './releases.js';
import { type WeightTallies, weightTallies } from './weight-tallies.js';

/** A tensor in an inspection. */
export interface InspectedTensor {
  /** Name: Meta's for models, the file's own otherwise. */
  readonly name: string;
  /** Element type. */
  readonly dtype: string;
  /** Extents in PyTorch's order. */
  readonly shape: readonly number[];
  /** Bytes in contiguous form. */
  readonly byteLength: number;
}

/** What headers tell about a checkpoint. */
export interface Inspection extends WeightTallies {
  /** What a person calls it. */
  readonly path: string;
  /** Last part of the path. */
  readonly name: string;
  /** Layout, or `file` for a single file of tensors that is no model. */
  readonly layout: FolderLayout | 'file';
  /** What kind of model; `text` unless recognised as another, undefined for a single file. */
  readonly kind: CheckpointKind | undefined;
  /** Release of this shape. */
  readonly release: string | undefined;
  /** Which release of Meta's it is, or is shaped like; undefined for miniatures and models of other families. */
  readonly identity: ReleaseIdentity | undefined;
  /** Normalised hyperparameters of text models. */
  readonly config: LlamaConfig | undefined;
  /** `params.json`, where there is one. */
  readonly params: MetaParams | undefined;
  /** The tokenizer, where there is one. */
  readonly tokenizer: TokenizerSummary | undefined;
  /** Its chat templates; undefined where it has none. */
  readonly chatTemplate: ChatTemplateSummary | undefined;
  /** Parameters; a tied output counts once. */
  readonly parameterCount: number;
  /** What a GGUF file says of its type as a whole (`general.file_type`): 15 for Q4_K_M. */
  readonly fileType: number | undefined;
  /** Number of files that hold weights. */
  readonly shardCount: number;
  /** Size of those files together. */
  readonly byteLength: number;
  /** Tensors: merged and under Meta's names for text models, as they lie in the files otherwise. */
  readonly tensors: readonly InspectedTensor[];
  /** Every file of the folder. */
  readonly files: readonly FolderEntry[];
  /** What was decided rather than read, and why. */
  readonly decisions: readonly Decision[];
  /** What the person should know, one clause each. */
  readonly notes: readonly string[];
}

/** How a folder is inspected. */
export interface InspectOptions extends OpenModelOptions {
  /** Hashes its small files; the browser's implementation when absent. */
  readonly sha256?: Sha256 | undefined;
}

/** Inspects a folder. Memory: its small files, such as the tokenizer, each read once. @throws as the readers of its layout */
export async function inspectFolder(given: Folder, options: InspectOptions = {}): Promise<Inspection> {
  const folder = keepingFiles(given, SMALL_BYTES);
  const layout = await folderLayout(folder);
  if (layout === 'meta') return inspectMeta(folder, options);
  const files = await folder.list();
  await using model = await openModelFolder(folder, options);
  const names = files.map(({ name }) => name);
  const weights = files.filter(({ name }) => (layout === 'hf' ? isHfWeights(name, names) : name.endsWith('.gguf')));
  return await identified({ ...inspectModel(model), ...sizes(weights), files }, folder, options);
}

/** The inspection with what the small files tell of the release; they are hashed only where the shape is a release's. */
async function identified(inspection: Inspection, folder: Folder, options: InspectOptions): Promise<Inspection> {
  if (inspection.identity === undefined) return inspection;
  const compared = await compareFiles(folder, options.parent, options.sha256);
  return { ...inspection, identity: identifyRelease(inspection, compared) };
}

async function inspectMeta(folder: Folder, options: InspectOptions): Promise<Inspection> {
  const checkpoint = await openMetaCheckpoint(folder);
  try {
    return await identified(await inspectCheckpoint(checkpoint, options), folder, options);
  } finally {
    await checkpoint.close();
  }
}

async function inspectCheckpoint(checkpoint: MetaCheckpoint, options: OpenModelOptions): Promise<Inspection> {
  try {
    return await inspectMetaModel(checkpoint, options);
  } catch (error) {
    if (!(error instanceof LlamaError) || !isTold(checkpoint.kind, error)) throw error;
    return inspectOtherKind(checkpoint, error);
  }
}

/**
 * Whether what lies there is told although it is no model: another kind whose files vary, or an unknown scheme. Never
 * where two files contradict each other.
 */
function isTold(kind: CheckpointKind, { code }: LlamaError): boolean {
  if (kind === 'text') return false;
  const isOtherLayout = code === 'llama/missing-tensor' || code === 'llama/unknown-tensor';
  return code === 'llama/unsupported' || ((kind === 'vision' || kind === 'llama4') && isOtherLayout);
}

async function inspectMetaModel(checkpoint: MetaCheckpoint, options: OpenModelOptions): Promise<Inspection> {
  const { files, kind, params, shards, folder } = checkpoint;
  const model = await metaModel(checkpoint, { ...options, withoutTokenizer: true });
  const { name, config, generation, family } = model;
  const question = { ...options, name, generation, vocabSize: config.vocabSize };
  const { summary, decisions } = await summariseFolderTokenizer(folder, question);
  const inspection = inspectModel({ ...model, decisions: [...model.decisions, ...decisions] }, summary);
  const whole = { ...inspection, ...sizes(shards.map(({ file }) => file)), files, kind, params };
  if (family !== undefined)
    return { ...whole, identity: identifyRelease({ ...whole, tensors: shards[0].file.tensors }) };
  return { ...whole, ...asStored(model, whole) };
}

/** Where weights are quantized: tensors as they lie in the files, each together with its scales and adaptors. */
function asStored({ quantization, release, tensors }: MetaModel, inspection: Inspection): Partial<Inspection> {
  if (quantization === undefined) return {};
  const stored = [...tensors.values()].map((tensor) => {
    const plain = inspectTensor(tensor, tensor.dtype);
    return { ...plain, ...quantization.stored.get(tensor.name) };
  });
  const note = `${quantization.name} weights: types and sizes are those stored, with scales; read as float32`;
  return {
    ...{ ...weightTallies(stored), tensors: stored, release: release?.name, notes: [note, ...inspection.notes] },
    identity: identifyRelease(inspection),
  };
}

function sizes(files: readonly { readonly size: number }[]): { shardCount: number; byteLength: number } {
  return { shardCount: files.length, byteLength: files.reduce((sum, { size }) => sum + size, 0) };
}

/** What a model's headers tell; for a single GGUF file this is all there is. */
export function inspectModel(
  model: LlamaModel,
  tokenizer = model.vocabulary && summaryOf(model.vocabulary),
): Inspection {
  const { config, path, name, layout, decisions } = model;
  const tensors = [...model.tensors.values()].map((tensor) => inspectTensor(tensor, tensor.dtype));
  const tallies = weightTallies(tensors);
  return {
    ...{ path, name, layout, config, decisions },
    ...kindOf(model),
    params: undefined,
    tokenizer,
    chatTemplate: model.chatTemplates && summariseChatTemplates(model.chatTemplates),
    ...tallies,
    ...totals(tallies),
    fileType: fileTypeOf(model.gguf?.metadata.find(({ key }) => key === FILE_TYPE)?.value),
    ...{ shardCount: 1, tensors, files: [] },
    notes: [
      ...familyNotes(model),
      ...(tokenizer === undefined ? ['there is no tokenizer'] : []),
      ...infillNotes(tokenizer),
    ],
  };
}

function infillNotes(tokenizer: TokenizerSummary | undefined): string[] {
  if (tokenizer?.infill === undefined) return [];
  const { prefix, suffix, middle, end } = tokenizer.infill;
  return [`infill tokens: ▁<PRE> ${prefix}, ▁<SUF> ${suffix}, ▁<MID> ${middle}, ▁<EOT> ${end}`];
}

function kindOf({ family, config, name }: LlamaModel): Pick<Inspection, 'kind' | 'release' | 'identity'> {
  if (family !== undefined) return { kind: family.kind, release: family.release, identity: undefined };
  const identity = identifyRelease({ name, kind: 'text', config, params: undefined, tensors: [] });
  return { kind: 'text', release: releaseOf(config)?.name, identity };
}

/** The key of a GGUF file under which its type as a whole stands. */
const FILE_TYPE = 'general.file_type';

function fileTypeOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function totals({ types }: WeightTallies): { parameterCount: number; byteLength: number } {
  return {
    parameterCount: types.reduce((sum, type) => sum + type.parameterCount, 0),
    byteLength: types.reduce((sum, type) => sum + type.byteLength, 0),
  };
}

function inspectTensor(tensor: Tensor, dtype: string): InspectedTensor {
  return { name: tensor.name, dtype, shape: tensor.shape, byteLength: tensorByteLength(tensor) };
}

function inspectOtherKind(checkpoint: MetaCheckpoint, why: LlamaError): Inspection {
  const { kind, shards, path, params, files } = checkpoint;
  const stored = shards[0].file.tensors;
  const note = `${KIND_DESCRIPTION[kind]}: ${why.message}`;
  const merged = shards.length > 1 ? [`tensors as they lie in the first of ${shards.length} shards`] : [];
  const inspection = inspectStored(path, stored);
  return {
    ...inspection,
    ...sizes(shards.map(({ file }) => file)),
    ...{ layout: 'meta', kind, params, files, notes: [note, ...merged] },
    identity: identifyRelease({ ...inspection, kind, params }),
  };
}

/** Inspects a single file of tensors. */
export function inspectFile(file: TensorFile): Inspection {
  const fileType = isGguf(file) ? fileTypeOf(file.metadata.get(FILE_TYPE)?.value) : undefined;
  return { ...inspectStored(file.name, file.tensors), ...sizes([file]), fileType };
}

function isGguf(file: TensorFile): file is GgufFile {
  return file.format === 'gguf';
}

function inspectStored(path: string, stored: readonly StoredTensor[]): Inspection {
  const tensors = stored.map((tensor) => inspectTensor(tensor, tensor.storedDtype));
  const storages = new Map(stored.map((tensor, index) => [tensor.viewKey ?? tensor.name, tensors[index]!]));
  const tallies = weightTallies([...storages.values()]);
  return {
    ...{ path, name: lastPathPart(path), layout: 'file', kind: undefined, release: undefined, identity: undefined },
    ...{ config: undefined, params: undefined, tokenizer: undefined, chatTemplate: undefined },
    ...{ files: [], decisions: [], notes: [] },
    ...tallies,
    parameterCount: totals(tallies).parameterCount,
    ...{ fileType: undefined, shardCount: 1, byteLength: 0, tensors },
  };
}

/**
 * Inspects every file of tensors of a folder that is no checkpoint; one inspection each. Reads headers only.
 *
 * @throws LlamaError `llama/no-model` when there is no such file, and every error of the formats
 */
export async function inspectLooseFiles(folder: Folder): Promise<Inspection[]> {
  const files = await openTensorFiles(folder);
  try {
    return files.map(inspectFile);
  } finally {
    for (const file of files) await file.close();
  }
}
