/**
 * The canonical model of a Hugging Face folder: `config.json` and safetensors, whole or in shards.
 *
 * Names are translated and the rows of q and k put back into Meta's order, both lazily.
 *
 * @module
 */
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import type { TensorFile } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { readFile } from '../source/whole.js';
import { parseTokenizerJson } from '../tokenizer/tokenizer-json-read.js';
import { recogniseTokenizer } from '../tokenizer/tokenizer-model.js';
import { canonicalTensors } from './canonical.js';
import { readFolderTokenizer } from './folder-tokenizer.js';
import { parseHfConfig } from './hf-config.js';
import { rotaryHeads } from './layout.js';
import type { OpenModelOptions } from './meta-model.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { toMetaRowOrder } from './row-order.js';

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
    const config = overridden(stated, options.ropeFactor);
    const stored = files.flatMap((file) => file.tensors);
    const tensors = canonicalTensors(stored, config, {
      ...{ layout: 'hf', path, statedIn: 'config.json' },
      isIgnored: (name) => name.endsWith('.rotary_emb.inv_freq'),
      inMetaOrder: (tensor, name) =>
        rotaryHeads(name, config) === undefined ? tensor : toMetaRowOrder(tensor, config.headDim),
    });
    const tokenizer = await readHfTokenizer(folder, config, options);
    return {
      ...{ layout: 'hf', path, name: lastPathPart(path), config, ...tokenizer, tensors, decisions: [] },
      ...{ expectConsistentWeights: async () => {}, close, [Symbol.asyncDispose]: close },
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
  return new TextDecoder().decode(await readFile(folder, name, JSON_BYTES_LIMIT));
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

async function readHfTokenizer(
  folder: Folder,
  config: LlamaConfig,
  options: OpenModelOptions,
): Promise<Pick<LlamaModel, 'vocabulary' | 'sentencePieceFile'>> {
  const sentencePiece = await readSentencePieceFile(folder);
  if (await folder.has('tokenizer.json')) {
    const bytes = await readFile(folder, 'tokenizer.json', JSON_BYTES_LIMIT);
    const endToken = await readEndToken(folder);
    const path = `${folder.name}/tokenizer.json`;
    const vocabulary = parseTokenizerJson(bytes, { path, endToken, vocabSize: config.vocabSize });
    return { vocabulary, sentencePieceFile: sentencePiece };
  }
  const generation = config.ropeScaling === null ? 'llama3' : 'llama3.1';
  const name = lastPathPart(folder.name);
  return readFolderTokenizer(folder, { name, vocabSize: config.vocabSize, generation, parent: options.parent });
}

/** The SentencePiece file that folders of Llama 1 and 2 carry beside `tokenizer.json`. */
async function readSentencePieceFile(folder: Folder): Promise<Uint8Array | undefined> {
  if (!(await folder.has('tokenizer.model'))) return undefined;
  const bytes = await readFile(folder, 'tokenizer.model', JSON_BYTES_LIMIT);
  return recogniseTokenizer(bytes) === 'sentencepiece' ? bytes : undefined;
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
