/**
 * A folder as Meta ships it, opened but not yet understood as a model.
 *
 * `params.json`, `consolidated.NN.pth`, a tokenizer and a checklist. Opening reads the headers of the
 * shards and `params.json`; it succeeds for every kind of checkpoint Meta has published, also for those
 * that cannot be converted, so that they can be inspected and verified.
 *
 * @module
 */
import { type TorchFile, openTorchFile } from '../formats/torch/torch-file.js';
import type { StoredTensor } from '../formats/tensor.js';
import type { Folder, FolderEntry } from '../source/folder.js';
import { LlamaError } from './model.js';
import { type MetaParams, parseParams, readParamsFile } from './params.js';
import type { Shard, Shards } from './shards.js';

/** What a checkpoint is: a text model with plain or quantized weights, or another kind of model. */
export type CheckpointKind = 'text' | 'vision' | 'llama4' | 'quantized' | 'fp8';

/** What a kind of checkpoint is, as a noun phrase. */
export const KIND_DESCRIPTION: Readonly<Record<CheckpointKind, string>> = {
  text: 'a text model',
  vision: 'a vision model (Llama 3.2 Vision)',
  llama4: 'a Llama 4 model',
  quantized: 'a model with quantized weights (SpinQuant or QLoRA int4)',
  fp8: 'a model with FP8 weights and their scales in files of their own',
};

/** A shard with the file it lies in. */
export interface MetaShard extends Shard {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** The file; its tensors in file order. */
  readonly file: TorchFile;
}

/** An opened folder of Meta's. */
export interface MetaCheckpoint {
  /** What a person calls the folder. */
  readonly path: string;
  /** The folder itself. */
  readonly folder: Folder;
  /** Every file in it. */
  readonly files: readonly FolderEntry[];
  /** Validated hyperparameters. */
  readonly params: MetaParams;
  /** The file they stand in. */
  readonly paramsFile: Uint8Array;
  /** What kind of checkpoint it is. */
  readonly kind: CheckpointKind;
  /** The shards in order. */
  readonly shards: readonly [MetaShard, ...MetaShard[]];
  /**
   * Opens another file of PyTorch's in the folder, which is closed together with the checkpoint.
   *
   * @throws ZipError, PickleError, TorchError, SourceError
   */
  openFile(name: string): Promise<TorchFile>;
  /** Gives all files back; harmless when called twice. */
  close(): Promise<void>;
}

const SHARD_NAME = /^consolidated\.(\d{2,3})\.pth$/;
/** A single shard without a number, as some vision checkpoints name it. */
const UNNUMBERED_SHARD = 'consolidated.pth';

/** Whether a folder's files look like a checkpoint of Meta's. */
export function looksLikeMetaFolder(names: readonly string[]): boolean {
  return names.some((name) => SHARD_NAME.test(name) || name === UNNUMBERED_SHARD);
}

/**
 * Opens a folder of Meta's: reads `params.json` and the headers of all shards, some hundred kilobytes each.
 *
 * @throws LlamaError `llama/no-params`, `llama/bad-params`, `llama/no-shards`, `llama/missing-shard`
 * @throws ZipError, PickleError, TorchError, SourceError of the shards
 */
export async function openMetaCheckpoint(folder: Folder): Promise<MetaCheckpoint> {
  const files = await folder.list();
  const shardNames = expectShardNames(files, folder.name);
  const { params, paramsFile } = await readFolderParams(folder, files);
  const opened: TorchFile[] = [];
  const openFile = async (name: string): Promise<TorchFile> => {
    const file = await openOne(folder, name);
    opened.push(file);
    return file;
  };
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close();
  };
  try {
    for (const name of shardNames) await openFile(name);
  } catch (cause) {
    await close();
    throw cause;
  }
  const shards = opened.map(shardOf) as [MetaShard, ...MetaShard[]];
  const kind = checkpointKind(params, shards, files);
  return { path: folder.name, folder, files, params, paramsFile, kind, shards, openFile, close };
}

function shardOf(file: TorchFile): MetaShard {
  return { path: file.name, file, tensors: new Map(file.tensors.map((tensor) => [tensor.name, tensor])) };
}

async function openOne(folder: Folder, name: string): Promise<TorchFile> {
  const source = await folder.open(name);
  try {
    return await openTorchFile(source);
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

function expectShardNames(files: readonly FolderEntry[], path: string): readonly string[] {
  const numbered = files.filter(({ name }) => SHARD_NAME.test(name)).map(({ name }) => name);
  if (numbered.length === 0) {
    if (files.some(({ name }) => name === UNNUMBERED_SHARD)) return [UNNUMBERED_SHARD];
    throw new LlamaError('llama/no-shards', 'there is no consolidated.NN.pth in this folder', { path });
  }
  numbered.forEach((name, index) => {
    const number = Number(SHARD_NAME.exec(name)?.[1]);
    if (number === index) return;
    const missing = `consolidated.${String(index).padStart(2, '0')}.pth`;
    throw new LlamaError('llama/missing-shard', `${missing} is missing, but ${name} is here`, { path });
  });
  return numbered;
}

async function readFolderParams(
  folder: Folder,
  files: readonly FolderEntry[],
): Promise<Pick<MetaCheckpoint, 'params' | 'paramsFile'>> {
  if (!files.some(({ name }) => name === 'params.json')) {
    const almost = files.find(({ name }) => name === 'params' || name.toLowerCase() === 'params.json');
    throw new LlamaError('llama/no-params', 'there is no params.json in this folder', {
      path: folder.name,
      hint:
        almost === undefined
          ? 'it holds the hyperparameters and comes with every download; download it again'
          : `a file named ${almost.name} is here: rename it to params.json`,
    });
  }
  const source = await folder.open('params.json');
  try {
    const paramsFile = await readParamsFile(source);
    return { params: parseParams(paramsFile, source.name), paramsFile };
  } finally {
    await source.close();
  }
}

function checkpointKind(params: MetaParams, shards: Shards, files: readonly FolderEntry[]): CheckpointKind {
  const names = [...shards[0].tensors.keys()];
  if (params.sections.includes('moe_args') || params.sections.includes('vision_args')) return 'llama4';
  if (names.some((name) => name.includes('.experts.') || name.includes('attention.wqkv'))) return 'llama4';
  if (params.vision_num_cross_attention_layers > 0) return 'vision';
  if (names.some((name) => name.startsWith('text_model.') || name.startsWith('vision_model.'))) return 'vision';
  if (files.some(({ name }) => name.startsWith('fp8_scales')) || shards.some(hasFloat8)) return 'fp8';
  const isQuantized = params.sections.includes('quantization_args') || names.some((name) => name.endsWith('.scales'));
  return isQuantized ? 'quantized' : 'text';
}

/** Weights in float8 mean nothing without scales, whether or not the files with the scales are here. */
function hasFloat8({ tensors }: Shard): boolean {
  return [...tensors.values()].some(({ dtype }) => dtype.startsWith('float8'));
}
