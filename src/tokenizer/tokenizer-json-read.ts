/**
 * A vocabulary from Hugging Face's `tokenizer.json`.
 *
 * The file leaves out what the library does not need: the scores of SentencePiece, which pieces are unused,
 * and which token ends a text. Only the two kinds of tokenizer a Llama has are understood.
 *
 * @see https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/tokenizer/serialization.rs
 * @module
 */
import { addedTokenType } from './added-token-type.js';
import { departureOf } from './departure.js';
import {
  expectArray,
  expectId,
  expectObject,
  expectString,
  type JsonValue,
  member,
  parseJson,
  wrongKind,
} from './json-value.js';
import { generationOfNames, specialTokenNames } from './special-tokens.js';
import { expectSoundTokens, soundMerges } from './sound-tokens.js';
import { spaceRulesOf } from './space-rules.js';
import { splitRuleOf, statedPattern } from './split-patterns.js';
import {
  type SplitRule,
  TOKEN_TYPE,
  TOKENS_LIMIT,
  TokenizerError,
  type Vocabulary,
  type VocabularyKind,
} from './vocabulary.js';
import { padVocabulary } from './vocabulary-size.js';

/** What the file does not say. */
export interface TokenizerJsonReadOptions {
  /** Token that begins a text, from `tokenizer_config.json`; that of `bosId` where absent. */
  readonly beginToken?: string | undefined;
  /** Its id, from `config.json`; the base model's where absent. */
  readonly bosId?: number | undefined;
  /** Token that ends a text, from `tokenizer_config.json`; that of `eosId` where absent. */
  readonly endToken?: string | undefined;
  /** Its id, from `config.json`; the base model's where absent. */
  readonly eosId?: number | undefined;
  /** Rows of the embedding; rows past the last token become padding. Left unchecked where absent. */
  readonly vocabSize?: number | undefined;
  /** The file, for errors. */
  readonly path?: string | undefined;
}

/** Most bytes of a `tokenizer.json`: four times Llama 4's. */
const TOKENIZER_JSON_BYTES_LIMIT = 128 << 20;

/**
 * Parses a `tokenizer.json`; about 0.3 s for the 17 MB of Llama 3.
 *
 * @throws TokenizerError `tokenizer/malformed` naming the place, `tokenizer/unsupported` for other kinds of
 *   tokenizers and for more than 128 MiB bytes, `tokenizer/size-mismatch` for fewer rows than tokens
 */
export function parseTokenizerJson(bytes: Uint8Array, options: TokenizerJsonReadOptions = {}): Vocabulary {
  return vocabularyOfDocument(parseTokenizerDocument(bytes, options.path), options);
}

/** The JSON of a `tokenizer.json`. @throws TokenizerError `tokenizer/malformed`, `tokenizer/unsupported` */
export function parseTokenizerDocument(bytes: Uint8Array, path?: string): JsonValue {
  if (bytes.byteLength > TOKENIZER_JSON_BYTES_LIMIT) {
    const message = `${bytes.byteLength} bytes are too many for a tokenizer.json, which has at most ${TOKENIZER_JSON_BYTES_LIMIT}`;
    throw new TokenizerError('tokenizer/unsupported', message, { path });
  }
  return parseJson(bytes, path);
}

/** The vocabulary in such a document. @throws as {@link parseTokenizerJson} */
export function vocabularyOfDocument(document: JsonValue, options: TokenizerJsonReadOptions = {}): Vocabulary {
  const { path, vocabSize } = options;
  const kind = kindOf(document);
  const tokens = withAllNames(parseTokens(document, kind), kind);
  const { pieces, types, baseSize, unknownId } = tokens;
  const merges = parseMerges(member(member(document, 'model'), 'merges'));
  const isBytes = kind === 'byte-level-bpe';
  const vocabulary: Vocabulary = {
    ...{ kind, size: pieces.length, pieces, types, baseSize, unknownId, scores: undefined },
    generation: isBytes ? generationOfNames(pieces, baseSize) : undefined,
    bosId: specialId(
      pieces,
      [options.beginToken, options.bosId, isBytes ? '<|begin_of_text|>' : '<s>'],
      'begins a text',
      path,
    ),
    eosId: specialId(
      pieces,
      [options.endToken, options.eosId, isBytes ? '<|end_of_text|>' : '</s>'],
      'ends a text',
      path,
    ),
    split: isBytes ? splitOf(document) : undefined,
    spaces: isBytes ? undefined : spaceRulesOf(document),
    departure: departureOf(document, kind),
    merges: soundMerges(merges, pieces, path),
  };
  expectSoundTokens(vocabulary, path);
  return vocabSize === undefined ? vocabulary : padVocabulary(vocabulary, vocabSize, path);
}

function kindOf(document: JsonValue): VocabularyKind {
  const model = member(document, 'model');
  const type = member(model, 'type').value;
  // Files from before the library had other models leave the type out.
  if (type !== undefined && type !== 'BPE') {
    const message = `model.type is ${JSON.stringify(type)}; a Llama's tokenizer is "BPE"`;
    throw new TokenizerError('tokenizer/unsupported', message, { path: document.path });
  }
  if (member(model, 'byte_fallback').value === true) return 'sentencepiece';
  if (mentions(member(document, 'decoder').value, 'ByteLevel')) return 'byte-level-bpe';
  const message = 'the tokenizer neither falls back to bytes, as Llama 2 does, nor works on bytes, as Llama 3 does';
  throw new TokenizerError('tokenizer/unsupported', message, { path: document.path });
}

/** Whether a decoder or normalizer is of that type, or is a sequence with one that is; sequences in sequences do not occur. */
function mentions(value: unknown, type: string): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const parts = 'decoders' in value ? value.decoders : 'normalizers' in value ? value.normalizers : undefined;
  const isOfType = (part: unknown): boolean =>
    typeof part === 'object' && part !== null && 'type' in part && part.type === type;
  return isOfType(value) || (Array.isArray(parts) && parts.some(isOfType));
}

/** The rule of the first part of the pre-tokenizer that splits by a regular expression; Llama 3's where none does. */
function splitOf(document: JsonValue): SplitRule {
  const pattern = statedPattern(member(document, 'pre_tokenizer').value);
  if (pattern === undefined) return 'llama3';
  const rule = typeof pattern === 'string' ? splitRuleOf(pattern) : undefined;
  if (rule !== undefined) return rule;
  const message = `the tokenizer splits text by ${JSON.stringify(pattern)}, which is neither the rule of Llama 3 nor that of Llama 4`;
  throw new TokenizerError('tokenizer/unsupported', message, { path: document.path });
}

interface Tokens {
  readonly pieces: string[];
  readonly types: Int32Array;
  readonly baseSize: number;
  readonly unknownId: number | undefined;
}

/** The tokens with the whole list of the release where the file has Hugging Face's shorter one: of Llama 4. */
function withAllNames(tokens: Tokens, kind: VocabularyKind): Tokens {
  const { pieces, types, baseSize } = tokens;
  if (kind !== 'byte-level-bpe' || generationOfNames(pieces, baseSize) !== 'llama4') return tokens;
  const names = specialTokenNames('llama4');
  const size = baseSize + names.length;
  if (pieces.length === size) return tokens;
  const all = new Int32Array(size).fill(TOKEN_TYPE.control);
  all.set(types.subarray(0, baseSize));
  return { ...tokens, pieces: [...pieces.slice(0, baseSize), ...names], types: all };
}

const BYTE_PIECE = /^<0x[0-9A-F]{2}>$/;

function parseTokens(document: JsonValue, kind: VocabularyKind): Tokens {
  const model = member(document, 'model');
  const pieces = parseVocabulary(member(model, 'vocab'));
  const vocabSize = pieces.length;
  const spellsBytes = kind === 'sentencepiece';
  const types: number[] = pieces.map((piece) =>
    spellsBytes && BYTE_PIECE.test(piece) ? TOKEN_TYPE.byte : TOKEN_TYPE.normal,
  );
  for (const { id, content, special } of addedTokensOfDocument(document)) {
    if (id > pieces.length || (pieces[id] ?? content) !== content) {
      const found =
        id > pieces.length
          ? `id ${pieces.length} is missing`
          : `the vocabulary has ${JSON.stringify(pieces[id])} there`;
      const message = `added_tokens puts ${JSON.stringify(content)} at id ${id}, but ${found}`;
      throw new TokenizerError('tokenizer/malformed', message, { path: document.path });
    }
    pieces[id] = content;
    types[id] = addedTokenType(content, special);
  }
  const baseSize = spellsBytes ? vocabSize : withoutTrailing(vocabSize, types);
  const unknown = member(model, 'unk_token');
  if (unknown.value === undefined || unknown.value === null) {
    return { pieces, types: Int32Array.from(types), baseSize, unknownId: undefined };
  }
  const unknownId = idOfToken(pieces, expectString(unknown), 'stands for unknown text', document.path);
  types[unknownId] = TOKEN_TYPE.unknown;
  return { pieces, types: Int32Array.from(types), baseSize, unknownId };
}

/** Tokens of byte-level BPE before the added ones: some files list these in the model's vocabulary as well. */
function withoutTrailing(vocabSize: number, types: readonly number[]): number {
  let size = vocabSize;
  while (size > 0 && types[size - 1] !== TOKEN_TYPE.normal) size--;
  return size;
}

/** Pieces by id; the ids must be 0 to n - 1, which also means that no two pieces share one. */
function parseVocabulary(json: JsonValue): string[] {
  const entries = Object.entries(expectObject(json));
  const pieces: (string | undefined)[] = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [piece, value] of entries) {
    const place = `${json.place}[${JSON.stringify(piece)}]`;
    const id = expectId({ value, place, path: json.path }, Math.min(entries.length, TOKENS_LIMIT));
    if (pieces[id] !== undefined) {
      const message = `${place} has id ${id}, which ${JSON.stringify(pieces[id])} has too`;
      throw new TokenizerError('tokenizer/malformed', message, { path: json.path });
    }
    pieces[id] = piece;
  }
  return pieces as string[];
}

/** A token that is matched in the text before it is split. */
export interface AddedToken {
  /** Its id. */
  readonly id: number;
  /** Its text. */
  readonly content: string;
  /** Whether the file calls it special. */
  readonly special: boolean;
}

/** The added tokens of a document, by id. @throws TokenizerError `tokenizer/malformed` */
export function addedTokensOfDocument(document: JsonValue): AddedToken[] {
  const json = member(document, 'added_tokens');
  const tokens = expectArray(json).map((value, index): AddedToken => {
    const token: JsonValue = { value, place: `${json.place}[${index}]`, path: json.path };
    const special = member(token, 'special');
    if (typeof special.value !== 'boolean') throw wrongKind(special, 'true or false');
    const content = expectString(member(token, 'content'));
    return { id: expectId(member(token, 'id'), TOKENS_LIMIT), content, special: special.value };
  });
  return tokens.sort((a, b) => a.id - b.id);
}

/** Merges as strings: `"a b"` up to version 0.19 of the library, `["a", "b"]` since. */
function parseMerges(json: JsonValue): string[] {
  return expectArray(json).map((merge, index) => {
    if (typeof merge === 'string' && merge.includes(' ')) return merge;
    if (Array.isArray(merge) && merge.length === 2 && merge.every((half) => typeof half === 'string')) {
      return `${merge[0]} ${merge[1]}`;
    }
    const place = `${json.place}[${index}]`;
    throw wrongKind({ value: merge, place, path: json.path }, 'two tokens, as a pair or with a space between them');
  });
}

/** The id of the first that is known: by name, by id, or by the name of the base model. */
function specialId(
  pieces: readonly string[],
  [name, id, otherwise]: readonly [string | undefined, number | undefined, string],
  role: string,
  path: string | undefined,
): number {
  return name === undefined && id !== undefined ? id : idOfToken(pieces, name ?? otherwise, role, path);
}

function idOfToken(pieces: readonly string[], token: string, role: string, path: string | undefined): number {
  const id = pieces.indexOf(token);
  if (id !== -1) return id;
  const message = `the tokenizer has no token ${JSON.stringify(token)}, which ${role}`;
  throw new TokenizerError('tokenizer/malformed', message, { path });
}
