/**
 * Any Llama as a canonical model: a folder of Meta's or Hugging Face's, or a GGUF file.
 *
 * The readers of the other layouts are imported when they are met, so that a command starts fast.
 *
 * @module
 */
import { ggufModelNames } from '../formats/gguf/split-name.js';
import type { ByteSource } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { identifySource } from '../source/identify.js';
import { type SourceInput, sourceOf } from '../source/input.js';
import { describeMistake } from '../source/mistake.js';
import { looksLikeHfFolder } from './hf-files.js';
import { looksLikeMetaFolder } from './meta-checkpoint.js';
import { type OpenModelOptions, openMetaModel } from './meta-model.js';
import { LlamaError, type LlamaModel } from './model.js';

/** Which of the layouts a folder has; undefined when it has none of them. */
export type FolderLayout = 'meta' | 'hf' | 'gguf';

/**
 * Recognises a folder by the names of its files; params.json or config.json alone is enough to name it. Reads the first
 * bytes only where one file is all there is.
 */
export async function folderLayout(folder: Folder): Promise<FolderLayout | undefined> {
  const names = (await folder.list()).map(({ name }) => name);
  if (looksLikeMetaFolder(names)) return 'meta';
  if (looksLikeHfFolder(names)) return 'hf';
  if (names.some((name) => name.endsWith('.gguf'))) return 'gguf';
  if (names.includes('params.json') || names.includes('params')) return 'meta';
  if (names.includes('config.json')) return 'hf';
  return (await loneGgufName(folder)) === undefined ? undefined : 'gguf';
}

/** The only file beside lists, where it is a GGUF file whatever it is called: one that was given by its path. */
async function loneGgufName(folder: Folder): Promise<string | undefined> {
  const [name, ...others] = (await folder.list()).map((file) => file.name).filter((file) => !file.endsWith('.json'));
  if (name === undefined || others.length > 0) return undefined;
  const source = await folder.open(name);
  try {
    return (await identifySource(source)).kind === 'gguf' ? name : undefined;
  } finally {
    await source.close();
  }
}

/** A folder with a model in it, or a GGUF file. */
export type ModelInput = Folder | SourceInput;

/**
 * Opens a model lazily: reads headers and the tokenizer, no weights. Owns a source it is given.
 *
 * @throws LlamaError, TokenizerError, SourceError and the errors of the formats, for everything in which the
 *   input is no complete and consistent Llama
 */
export async function openModel(input: ModelInput, options: OpenModelOptions = {}): Promise<LlamaModel> {
  return isFolder(input) ? openModelFolder(input, options) : openModelFile(sourceOf(input), options);
}

function isFolder(input: ModelInput): input is Folder {
  return 'list' in input;
}

/**
 * Opens the model in a folder.
 *
 * @throws LlamaError `llama/no-model`, `llama/several-models` and those of the layout's reader
 * @throws TorchError `torch/distributed`
 */
export async function openModelFolder(folder: Folder, options: OpenModelOptions = {}): Promise<LlamaModel> {
  switch (await folderLayout(folder)) {
    case 'meta':
      return openMetaModel(folder, options);
    case 'hf':
      return (await import('./hf-model.js')).openHfModel(folder, options);
    case 'gguf':
      return openGgufFolder(folder, options);
    case undefined:
      await expectNotDistributed(folder);
      throw new LlamaError('llama/no-model', 'no Llama was found in this folder', {
        path: folder.name,
        hint: 'a folder of Meta (consolidated.00.pth, params.json), of Hugging Face (config.json, *.safetensors) or a GGUF file was expected',
      });
  }
}

/** Throws for a folder of torch.distributed.checkpoint. */
async function expectNotDistributed(folder: Folder): Promise<void> {
  const { distributedFolder } = await import('../formats/torch/distributed.js');
  const names = (await folder.list()).map(({ name }) => name);
  const mistake = distributedFolder(names, folder.name);
  if (mistake !== undefined) throw mistake;
}

async function openGgufFolder(folder: Folder, options: OpenModelOptions): Promise<LlamaModel> {
  const name = await onlyGgufName(folder);
  const { openGgufFolderModel } = await import('./gguf-model.js');
  return openGgufFolderModel(folder, name, options.ropeFactor);
}

async function onlyGgufName(folder: Folder): Promise<string> {
  const names = (await folder.list()).map(({ name }) => name);
  const [first, ...others] = ggufModelNames(names);
  if (others.length === 0) return first ?? (await loneGgufName(folder)) ?? '';
  throw new LlamaError('llama/several-models', `there are ${others.length + 1} GGUF models in this folder`, {
    path: folder.name,
    hint: `name one of them: ${[first, ...others].slice(0, 3).join(', ')}`,
  });
}

/** Opens a GGUF file as a model and owns the source from here on. @throws GgufError, LlamaError, TokenizerError, SourceError */
export async function openModelFile(source: ByteSource, options: OpenModelOptions = {}): Promise<LlamaModel> {
  try {
    const identification = await identifySource(source);
    if (identification.kind === 'gguf') {
      const { openGgufModel } = await import('./gguf-model.js');
      return await openGgufModel(source, options.ropeFactor);
    }
    if (identification.kind === 'zip' || identification.kind === 'safetensors') {
      throw new LlamaError('llama/no-model', 'a single file of tensors is no model: the hyperparameters are missing', {
        path: source.name,
        hint: 'name the folder that holds it together with params.json or config.json',
      });
    }
    throw describeMistake(identification, 'a model', source.name);
  } catch (cause) {
    await source.close();
    throw cause;
  }
}
