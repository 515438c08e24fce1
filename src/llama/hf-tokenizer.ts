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
import { departureOf } from '../tokenizer/departure.js';
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
import { type HfSmallFiles, textSettings } from './hf-small-files.js';
import type { JsonObject } from './json-object.js';
import type { OpenModelOptions } from './meta-model.js';
import type { LlamaModel } from './model.js';
import { lastPathPart } from './model-name.js';
import { LEARNED_ROWS } from './vision/layout.js';

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
  model: FittedModel,
  options: OpenModelOptions,
): Promise<Pick<LlamaModel, 'vocabulary' | 'sentencePieceFile' | 'tokenizerModelFile'>> {
  const path = folder.name;
  const bytes = small.files.get('tokenizer.json');
  const document = bytes && parseTokenizerDocument(bytes, `${path}/tokenizer.json`);
  const tokens = namedTokens(small, document, path);
  expectRows(tokens, rowsForTokens(model), path);
  const given = { tokens, model, path };
  if (document !== undefined && !hasSentencePieceFile(small, path)) {
    return { vocabulary: await fromDocument(small, document, given), sentencePieceFile: undefined };
  }
  const { config, family } = model;
  const text = config.ropeScaling === null ? 'llama3' : 'llama3.1';
  const generation = family?.kind === 'llama4' ? 'llama4' : text;
  const question = { name: lastPathPart(path), generation, vocabSize: undefined } as const;
  const { vocabulary, ...files } = await readFolderTokenizer(folder, { ...question, parent: options.parent });
  if (vocabulary === undefined) return { vocabulary, sentencePieceFile: undefined };
  const complete = await fromModelFile(vocabulary, small, document, given);
  // a file that lacks tokens is no tokenizer of this model by itself
  const isWhole = complete.size === vocabulary.size;
  const { sentencePieceFile, tokenizerModelFile } = files;
  return { vocabulary: complete, sentencePieceFile, tokenizerModelFile: isWhole ? tokenizerModelFile : undefined };
}

/** A model as far as its tokenizer depends on it. */
type FittedModel = Pick<LlamaModel, 'config' | 'family'>;

/** How many rows the embedding has for tokens: vision models have some at Hugging Face that no output belongs to. */
export function rowsForTokens({ config, family }: FittedModel): number {
  return config.vocabSize + (family?.kind === 'vision' ? LEARNED_ROWS : 0);
}

/** The vocabulary with a token for every row; that of vision models has one more at Hugging Face, for an image. */
async function fitted(vocabulary: Vocabulary, model: FittedModel, path: string): Promise<Vocabulary> {
  const { config, family } = model;
  if (family?.kind !== 'vision') return padVocabulary(vocabulary, config.vocabSize, path);
  const { withoutImageToken } = await import('./vision/vocabulary.js');
  const canonical = withoutImageToken(vocabulary);
  const beyond = canonical.size > config.vocabSize && canonical.size <= rowsForTokens(model);
  return beyond ? canonical : padVocabulary(canonical, config.vocabSize, path);
}

/** What the tokenizer has to go with. */
interface Given {
  /** Tokens that the files name. */
  readonly tokens: readonly NamedToken[];
  /** The model, for the number of rows. */
  readonly model: FittedModel;
  /** The folder. */
  readonly path: string;
}

async function fromDocument(small: HfSmallFiles, own: JsonValue, { tokens, model, path }: Given): Promise<Vocabulary> {
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
  return fitted({ ...vocabulary, ...ids, stated }, model, `${path}/tokenizer.json`);
}

async function fromModelFile(
  vocabulary: Vocabulary,
  small: HfSmallFiles,
  document: JsonValue | undefined,
  { tokens, model, path }: Given,
): Promise<Vocabulary> {
  const stated = statementsOf(small, document);
  const ids = { bosId: idOf(stated, 'bos') ?? vocabulary.bosId, eosId: idOf(stated, 'eos') ?? vocabulary.eosId };
  const departure = vocabulary.departure ?? (document && departureOf(document, vocabulary.kind));
  const complete = withAddedTokens({ ...vocabulary, ...ids, stated, departure }, tokens, path);
  return fitted(complete, model, `${path}/tokenizer.model`);
}

function idOf({ ids }: StatedTokens, role: TokenRole): number | undefined {
  return ids.find(([stated]) => stated === role)?.[1];
}

function statementsOf({ config, json }: HfSmallFiles, document: JsonValue | undefined): StatedTokens {
  const tokenizer = document?.value as JsonObject | undefined;
  return statedTokens({ tokenizer, tokenizerConfig: json('tokenizer_config.json'), config: textSettings(config) });
}

function hasSentencePieceFile({ files }: HfSmallFiles, path: string): boolean {
  const bytes = files.get('tokenizer.model');
  return bytes !== undefined && recogniseTokenizer(bytes, `${path}/tokenizer.model`) === 'sentencepiece';
}
