/**
 * The tokenizer of a Hugging Face folder.
 *
 * `tokenizer.json` holds everything of a byte-level BPE but no scores of a SentencePiece model, so where
 * `tokenizer.model` lies beside it and is SentencePiece's, that file is read instead. Tokens that a fine-tune added stand
 * in up to three files more, and rows of the embedding past the last token are padding.
 *
 * @module
 */
import type { Folder } from '../source/folder.js';
import { readFile } from '../source/whole.js';
import type { JsonValue } from '../tokenizer/json-value.js';
import { namedToken, statedTokens } from '../tokenizer/stated-tokens.js';
import { parseTokenizerDocument, vocabularyOfDocument } from '../tokenizer/tokenizer-json-read.js';
import { recogniseTokenizer } from '../tokenizer/tokenizer-model.js';
import type { StatedTokens, TokenRole, Vocabulary } from '../tokenizer/vocabulary.js';
import { padVocabulary } from '../tokenizer/vocabulary-size.js';
import { readFolderTokenizer } from './folder-tokenizer.js';
import {
  type NamedToken,
  expectRows,
  expectSameTokens,
  namedTokens,
  withAddedTokens,
  withNamedTokens,
} from './hf-added-tokens.js';
import type { HfSmallFiles } from './hf-small-files.js';
import type { JsonObject } from './json-object.js';
import type { OpenModelOptions } from './meta-model.js';
import type { LlamaConfig, LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';

/** Largest JSON file of a folder that is read whole: `tokenizer.json` of Llama 4 has 28 MB. */
const JSON_BYTES_LIMIT = 128 << 20;

/** A JSON file of a folder as text. @throws SourceError */
export async function readJsonText(folder: Folder, name: string): Promise<string> {
  return new TextDecoder().decode(await readFile(folder, name, JSON_BYTES_LIMIT));
}

/**
 * The tokenizer of a Hugging Face folder whose small files have been read; `vocabulary` is undefined when there is none.
 * Reads nothing more, but for a `tokenizer.model` that is no SentencePiece's or lies in the folder above.
 *
 * @throws TokenizerError, SourceError, LlamaError `llama/bad-config`
 */
export async function readHfTokenizer(
  folder: Folder,
  small: HfSmallFiles,
  config: LlamaConfig,
  options: OpenModelOptions,
): Promise<Pick<LlamaModel, 'vocabulary' | 'sentencePieceFile' | 'tokenizerModelFile'>> {
  const path = folder.name;
  const bytes = small.files.get('tokenizer.json');
  const document = bytes && parseTokenizerDocument(bytes, `${path}/tokenizer.json`);
  const tokens = namedTokens(small, document, path);
  expectRows(tokens, config.vocabSize, path);
  const given = { tokens, rows: config.vocabSize, path };
  if (document !== undefined && !hasSentencePieceFile(small, path)) {
    return { vocabulary: fromDocument(small, document, given), sentencePieceFile: undefined };
  }
  const generation = config.ropeScaling === null ? 'llama3' : 'llama3.1';
  const question = { name: lastPathPart(path), generation, vocabSize: undefined } as const;
  const { vocabulary, ...files } = await readFolderTokenizer(folder, { ...question, parent: options.parent });
  if (vocabulary === undefined) return { vocabulary, sentencePieceFile: undefined };
  const complete = fromModelFile(vocabulary, small, document, given);
  // a file that lacks tokens is no tokenizer of this model by itself
  const isWhole = complete.size === vocabulary.size;
  const { sentencePieceFile, tokenizerModelFile } = files;
  return { vocabulary: complete, sentencePieceFile, tokenizerModelFile: isWhole ? tokenizerModelFile : undefined };
}

/** What the tokenizer has to go with. */
interface Given {
  /** Tokens that the files name. */
  readonly tokens: readonly NamedToken[];
  /** Rows of the embedding. */
  readonly rows: number;
  /** The folder. */
  readonly path: string;
}

function fromDocument(small: HfSmallFiles, own: JsonValue, { tokens, rows, path }: Given): Vocabulary {
  const document = withNamedTokens(own, tokens);
  const stated = statementsOf(small, document);
  const [bosId, eosId] = [idOf(stated, 'bos'), idOf(stated, 'eos')];
  const settings = small.json('tokenizer_config.json');
  const vocabulary = vocabularyOfDocument(document, {
    ...{ beginToken: namedToken(settings, 'bos'), endToken: namedToken(settings, 'eos') },
    ...{ bosId, eosId, path: `${path}/tokenizer.json` },
  });
  expectSameTokens(vocabulary, tokens, path);
  const ids = { bosId: bosId ?? vocabulary.bosId, eosId: eosId ?? vocabulary.eosId };
  return padVocabulary({ ...vocabulary, ...ids, stated }, rows, `${path}/tokenizer.json`);
}

function fromModelFile(
  vocabulary: Vocabulary,
  small: HfSmallFiles,
  document: JsonValue | undefined,
  { tokens, rows, path }: Given,
): Vocabulary {
  const stated = statementsOf(small, document);
  const ids = { bosId: idOf(stated, 'bos') ?? vocabulary.bosId, eosId: idOf(stated, 'eos') ?? vocabulary.eosId };
  const complete = withAddedTokens({ ...vocabulary, ...ids, stated }, tokens, path);
  return padVocabulary(complete, rows, `${path}/tokenizer.model`);
}

function idOf({ ids }: StatedTokens, role: TokenRole): number | undefined {
  return ids.find(([stated]) => stated === role)?.[1];
}

function statementsOf({ config, json }: HfSmallFiles, document: JsonValue | undefined): StatedTokens {
  const tokenizer = document?.value as JsonObject | undefined;
  return statedTokens({ tokenizer, tokenizerConfig: json('tokenizer_config.json'), config });
}

function hasSentencePieceFile({ files }: HfSmallFiles, path: string): boolean {
  const bytes = files.get('tokenizer.model');
  return bytes !== undefined && recogniseTokenizer(bytes, `${path}/tokenizer.model`) === 'sentencepiece';
}
