/**
 * The tokens that a fine-tune added, from whichever of a folder's files name them.
 *
 * `tokenizer.json`, `tokenizer_config.json` and, in older folders, `added_tokens.json` may each have them. All three
 * have to say the same of an id, and the embedding must have a row for it. llama.cpp's converter asks what a token looks
 * like only of those that the first two name; here it is asked of all, or a token's type would depend on the file.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/conversion/base.py (_create_vocab_sentencepiece)
 * @module
 */
import { addedTokenType } from '../tokenizer/added-token-type.js';
import { type JsonValue, expectArray, member } from '../tokenizer/json-value.js';
import { addedTokensOfDocument } from '../tokenizer/tokenizer-json-read.js';
import { TOKEN_TYPE, TOKENS_LIMIT, TokenizerError, type Vocabulary } from '../tokenizer/vocabulary.js';
import { ADDED_SCORE, PADDING_SCORE } from '../tokenizer/vocabulary-size.js';
import type { HfSmallFiles } from './hf-small-files.js';
import { LlamaError } from './model.js';

/** A token that a file names. */
export interface NamedToken {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly content: string;
  /** Its type. */
  readonly type: number;
  /** The file that names it. */
  readonly file: string;
}

/**
 * The tokens that the files of a folder name, by id; of several that name the same the last one's type counts.
 *
 * @param small - the files
 * @param document - `tokenizer.json`, where there is one
 * @param path - the folder
 * @throws LlamaError `llama/bad-config`; TokenizerError `tokenizer/malformed`
 */
export function namedTokens(
  { json }: Pick<HfSmallFiles, 'json'>,
  document: JsonValue | undefined,
  path: string,
): NamedToken[] {
  const tokens = (document === undefined ? [] : addedTokensOfDocument(document)).map(
    ({ id, content, special }): NamedToken => ({
      id,
      content,
      type: addedTokenType(content, special),
      file: 'tokenizer.json',
    }),
  );
  const added = 'added_tokens.json';
  for (const [content, id] of Object.entries(json(added) ?? {})) {
    const type = addedTokenType(content, false);
    tokens.push({ id: expectId(id, content, `${path}/${added}`), content, type, file: added });
  }
  const settings = 'tokenizer_config.json';
  for (const [key, entry] of Object.entries(json(settings)?.['added_tokens_decoder'] ?? {})) {
    const { content, special } = (entry ?? {}) as { readonly content?: unknown; readonly special?: unknown };
    if (typeof content !== 'string') {
      throw new LlamaError('llama/bad-config', `added_tokens_decoder[${JSON.stringify(key)}] has no content`, {
        path: `${path}/${settings}`,
      });
    }
    const id = expectId(/^\d+$/.test(key) ? Number(key) : key, content, `${path}/${settings}`);
    tokens.push({ id, content, type: addedTokenType(content, special === true), file: settings });
  }
  return tokens.sort((a, b) => a.id - b.id);
}

function expectId(id: unknown, content: string, path: string): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < TOKENS_LIMIT) return id;
  const message = `the id of ${JSON.stringify(content)} must be a whole number below ${TOKENS_LIMIT}, found ${JSON.stringify(id)}`;
  throw new LlamaError('llama/bad-config', message, { path });
}

/**
 * Refuses tokens that are others in the vocabulary.
 *
 * @throws TokenizerError `tokenizer/malformed`
 */
export function expectSameTokens({ size, pieces }: Vocabulary, tokens: readonly NamedToken[], path: string): void {
  for (const { id, content, file } of tokens) {
    if (id >= size || pieces[id] === content) continue;
    const message = `token ${id} is ${JSON.stringify(content)}, but in the tokenizer it is ${JSON.stringify(pieces[id])}`;
    throw new TokenizerError('tokenizer/malformed', message, { path: `${path}/${file}` });
  }
}

/** The document with the tokens among its own that it lacks, as the libraries read it. */
export function withNamedTokens(document: JsonValue, tokens: readonly NamedToken[]): JsonValue {
  const known = new Set(addedTokensOfDocument(document).map(({ id }) => id));
  const own = expectArray(member(document, 'added_tokens'));
  const more = tokens
    .filter(({ id }) => !known.has(id))
    .map(({ id, content, type }) => {
      return { id, content, special: type === TOKEN_TYPE.control };
    });
  return { ...document, value: { ...(document.value as object), added_tokens: [...own, ...more] } };
}

/**
 * The vocabulary with tokens that its own file lacks; ids between them that no file names are padding.
 *
 * @throws TokenizerError `tokenizer/malformed` where a token is another one in the vocabulary
 */
export function withAddedTokens(vocabulary: Vocabulary, tokens: readonly NamedToken[], path: string): Vocabulary {
  expectSameTokens(vocabulary, tokens, path);
  const last = tokens.at(-1);
  const size = Math.max(vocabulary.size, (last?.id ?? -1) + 1);
  if (size === vocabulary.size) return vocabulary;
  const pieces = Array.from({ length: size }, (_, id) => vocabulary.pieces[id] ?? `[PAD${id}]`);
  const types = new Int32Array(size).fill(TOKEN_TYPE.unused);
  types.set(vocabulary.types);
  const scores = vocabulary.scores && new Float32Array(size).fill(PADDING_SCORE);
  if (vocabulary.scores !== undefined) scores?.set(vocabulary.scores);
  for (const { id, content, type } of tokens) {
    if (id < vocabulary.size) continue;
    pieces[id] = content;
    types[id] = type;
    if (scores !== undefined) scores[id] = ADDED_SCORE;
  }
  return { ...vocabulary, size, pieces, packedPieces: undefined, types, scores };
}

/**
 * Refuses tokens for which the embedding has no row.
 *
 * @throws TokenizerError `tokenizer/size-mismatch`
 */
export function expectRows(tokens: readonly NamedToken[], rows: number, path: string): void {
  const outside = tokens.find(({ id }) => id >= rows);
  if (outside === undefined) return;
  const { id, content, file } = outside;
  const message = `the added token ${JSON.stringify(content)} has id ${id}, but the embedding has only ${rows} rows`;
  throw new TokenizerError('tokenizer/size-mismatch', message, {
    path: `${path}/${file}`,
    hint: 'the embedding was not resized after tokens were added, or the tokenizer is of another model',
  });
}
