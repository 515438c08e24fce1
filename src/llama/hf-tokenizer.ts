/**
 * The tokenizer of a Hugging Face folder.
 *
 * `tokenizer.json` holds everything of a byte-level BPE but no scores of a SentencePiece model, so where
 * `tokenizer.model` lies beside it and is SentencePiece's, that file is read instead.
 *
 * @module
 */
import type { Folder } from '../source/folder.js';
import { readFile } from '../source/whole.js';
import { parseTokenizerJson } from '../tokenizer/tokenizer-json-read.js';
import { recogniseTokenizer } from '../tokenizer/tokenizer-model.js';
import { readFolderTokenizer } from './folder-tokenizer.js';
import { type LlamaConfig, LlamaError, type LlamaModel } from './model.js';
import type { OpenModelOptions } from './meta-model.js';
import { lastPathPart } from './model-name.js';

/** Largest JSON file of a folder that is read whole: `tokenizer.json` of Llama 4 has 28 MB. */
const JSON_BYTES_LIMIT = 128 << 20;

/** A JSON file of a folder as text. @throws SourceError */
export async function readJsonText(folder: Folder, name: string): Promise<string> {
  return new TextDecoder().decode(await readFile(folder, name, JSON_BYTES_LIMIT));
}

/**
 * Reads the tokenizer of a Hugging Face folder; `vocabulary` is undefined when there is none.
 *
 * @throws TokenizerError, SourceError, LlamaError `llama/bad-config`
 */
export async function readHfTokenizer(
  folder: Folder,
  config: LlamaConfig,
  options: OpenModelOptions,
): Promise<Pick<LlamaModel, 'vocabulary' | 'sentencePieceFile' | 'tokenizerModelFile'>> {
  if ((await folder.has('tokenizer.json')) && !(await hasSentencePieceFile(folder))) {
    const bytes = await readFile(folder, 'tokenizer.json', JSON_BYTES_LIMIT);
    const endToken = await readEndToken(folder);
    const path = `${folder.name}/tokenizer.json`;
    const vocabulary = parseTokenizerJson(bytes, { path, endToken, vocabSize: config.vocabSize });
    return { vocabulary, sentencePieceFile: undefined };
  }
  const generation = config.ropeScaling === null ? 'llama3' : 'llama3.1';
  const question = { name: lastPathPart(folder.name), vocabSize: config.vocabSize, generation } as const;
  const { decisions: _, ...tokenizer } = await readFolderTokenizer(folder, { ...question, parent: options.parent });
  return tokenizer;
}

async function hasSentencePieceFile(folder: Folder): Promise<boolean> {
  if (!(await folder.has('tokenizer.model'))) return false;
  const bytes = await readFile(folder, 'tokenizer.model', JSON_BYTES_LIMIT);
  return recogniseTokenizer(bytes, `${folder.name}/tokenizer.model`) === 'sentencepiece';
}

/** The end token that `tokenizer_config.json` names; undefined leaves it to the vocabulary. */
async function readEndToken(folder: Folder): Promise<string | undefined> {
  if (!(await folder.has('tokenizer_config.json'))) return undefined;
  const text = await readJsonText(folder, 'tokenizer_config.json');
  try {
    const json = JSON.parse(text) as { eos_token?: unknown } | null;
    const token = json?.eos_token;
    if (typeof token === 'string') return token;
    const content = typeof token === 'object' && token !== null && 'content' in token ? token.content : undefined;
    return typeof content === 'string' ? content : undefined;
  } catch (cause) {
    throw new LlamaError('llama/bad-config', `this is not valid JSON: ${(cause as Error).message}`, {
      ...{ path: `${folder.name}/tokenizer_config.json`, cause },
    });
  }
}
