/**
 * The canonical model of a Hugging Face folder: `config.json` and safetensors, whole or in shards.
 *
 * Names are translated and the rows of q and k put back into Meta's order, both lazily.
 *
 * @module
 */
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import type { StoredTensor, Tensor, TensorFile } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { parseTokenizerJson } from '../tokenizer/tokenizer-json-read.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { readFolderTokenizer } from './folder-tokenizer.js';
import { parseHfConfig } from './hf-config.js';
import { canonicalName, expectedTensors, rotaryHeads } from './layout.js';
import type { OpenModelOptions } from './meta-model.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { toMetaRowOrder } from './row-order.js';
import { renamed } from './views.js';

/** Largest JSON file of a folder that is read whole: `tokenizer.json` of Llama 4 has 28 MB. */
const JSON_BYTES_LIMIT = 128 << 20;

const SINGLE = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';

/** Whether a folder's files look like a Hugging Face checkpoint. */
export function looksLikeHfFolder(names: readonly string[]): boolean {
  return names.includes(SINGLE) || names.includes(INDEX);
}

/**
 * Opens a Hugging Face folder as a canonical model; reads the JSON files and the headers of the shards.
 *
 * @throws LlamaError `llama/no-config`, `llama/bad-config`, `llama/bad-index`, `llama/missing-shard`,
 *   `llama/missing-tensor`, `llama/unknown-tensor`, `llama/wrong-shape`, `llama/unsupported`
 * @throws SafetensorsError, TokenizerError, SourceError
 */
export async function openHfModel(folder: Folder, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const path = folder.name;
  if (!(await folder.has('config.json'))) {
    throw new LlamaError('llama/no-config', 'there is no config.json beside the safetensors files', { path });
  }
  const stated = parseHfConfig(await readText(folder, 'config.json'), `${path}/config.json`);
  const files = await openSafetensorsFolder(folder);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  try {
    const { config, tensors } = canonicalTensors(files, overridden(stated, options.ropeFactor), path);
    const vocabulary = await readHfVocabulary(folder, config, options);
    return {
      ...{ layout: 'hf', path, name: lastPathPart(path), config, vocabulary, tensors, decisions: [] },
      ...{ close, [Symbol.asyncDispose]: close },
    };
  } catch (cause) {
    await close();
    throw cause;
  }
}

function overridden(config: LlamaConfig, ropeFactor: number | undefined): LlamaConfig {
  if (ropeFactor === undefined || config.ropeScaling === null) return config;
  return { ...config, ropeScaling: { ...config.ropeScaling, factor: ropeFactor } };
}

async function readText(folder: Folder, name: string): Promise<string> {
  const source = await folder.open(name);
  try {
    if (source.size > JSON_BYTES_LIMIT) {
      throw new LlamaError('llama/bad-config', `${source.size} bytes are far too many for ${name}`, {
        path: source.name,
      });
    }
    return new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close();
  }
}

/** Opens every safetensors file of a folder, in the order of the index. @throws as {@link openHfModel} */
export async function openSafetensorsFolder(folder: Folder): Promise<TensorFile[]> {
  const names = (await folder.has(INDEX)) ? await readIndex(folder) : [SINGLE];
  const files: TensorFile[] = [];
  try {
    for (const name of names) {
      if (!(await folder.has(name))) {
        throw new LlamaError('llama/missing-shard', `${name} is missing, but the index lists it`, {
          path: folder.name,
        });
      }
      const source = await folder.open(name);
      files.push(
        await openSafetensorsFile(source).catch(async (cause: unknown) => {
          await source.close();
          throw cause;
        }),
      );
    }
    return files;
  } catch (cause) {
    for (const file of files) await file.close();
    throw cause;
  }
}

async function readIndex(folder: Folder): Promise<string[]> {
  const refuse = (message: string): never => {
    throw new LlamaError('llama/bad-index', message, { path: `${folder.name}/${INDEX}` });
  };
  const text = await readText(folder, INDEX);
  let map: unknown;
  try {
    map = (JSON.parse(text) as { weight_map?: unknown } | null)?.weight_map;
  } catch (cause) {
    refuse(`this is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  if (typeof map !== 'object' || map === null) return refuse('a weight_map was expected');
  const names = new Set(Object.values(map).map(String));
  if (names.size === 0) return refuse('the weight_map is empty');
  return [...names].sort();
}

function canonicalTensors(
  files: readonly TensorFile[],
  config: LlamaConfig,
  path: string,
): { config: LlamaConfig; tensors: Map<string, Tensor> } {
  const found = new Map<string, StoredTensor>();
  for (const tensor of files.flatMap((file) => file.tensors)) {
    const name = canonicalName(tensor.name, 'hf');
    if (name !== undefined) found.set(name, tensor);
    else if (!tensor.name.endsWith('.rotary_emb.inv_freq')) {
      throw new LlamaError('llama/unknown-tensor', `the tensor ${tensor.name} is not a part of a Llama`, { path });
    }
  }
  const tensors = expectedTensors(config).map(({ name, shape }): [string, Tensor] => {
    const tensor = found.get(name);
    if (tensor === undefined) {
      throw new LlamaError('llama/missing-tensor', `the tensor for ${name} is missing`, { path });
    }
    if (tensor.shape.join() !== shape.join()) {
      throw new LlamaError(
        'llama/wrong-shape',
        `${tensor.name} has shape (${tensor.shape.join(', ')}); config.json asks for (${shape.join(', ')})`,
        { path },
      );
    }
    const ordered = rotaryHeads(name, config) === undefined ? tensor : toMetaRowOrder(tensor, config.headDim);
    return [name, renamed(ordered, name)];
  });
  return { config, tensors: new Map(tensors) };
}

async function readHfVocabulary(
  folder: Folder,
  config: LlamaConfig,
  options: OpenModelOptions,
): Promise<Vocabulary | undefined> {
  if (await folder.has('tokenizer.json')) {
    const source = await folder.open('tokenizer.json');
    try {
      if (source.size > JSON_BYTES_LIMIT) {
        throw new LlamaError('llama/bad-config', `${source.size} bytes are far too many for tokenizer.json`, {
          path: source.name,
        });
      }
      const endToken = await readEndToken(folder);
      return parseTokenizerJson(await source.read(0, source.size), {
        path: source.name,
        endToken,
        vocabSize: config.vocabSize,
      });
    } finally {
      await source.close();
    }
  }
  const generation = config.ropeScaling === null ? 'llama3' : 'llama3.1';
  const question = {
    name: lastPathPart(folder.name),
    vocabSize: config.vocabSize,
    generation,
    parent: options.parent,
  } as const;
  return (await readFolderTokenizer(folder, question)).vocabulary;
}

/** The end token that `tokenizer_config.json` names; undefined leaves it to the vocabulary. */
async function readEndToken(folder: Folder): Promise<string | undefined> {
  if (!(await folder.has('tokenizer_config.json'))) return undefined;
  try {
    const json = JSON.parse(await readText(folder, 'tokenizer_config.json')) as { eos_token?: unknown } | null;
    const token = json?.eos_token;
    if (typeof token === 'string') return token;
    const content = typeof token === 'object' && token !== null && 'content' in token ? token.content : undefined;
    return typeof content === 'string' ? content : undefined;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new LlamaError('llama/bad-config', `this is not valid JSON: ${cause.message}`, {
      path: `${folder.name}/tokenizer_config.json`,
    });
  }
}
