/**
 * A vocabulary from the `tokenizer.ggml.*` keys of a GGUF file.
 *
 * GGUF knows no releases: which tokens are special follows from their types, and the release from their names.
 * Keys that older converters left out have the defaults that llama.cpp gives them.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#tokenizer
 * @module
 */
import type { GgufNumbers } from '../formats/gguf/value-types.js';
import { GGUF_KEY, LLAMA_4_SPLIT, ROLE_KEYS, SWITCH_KEYS } from './gguf-keys.js';
import { sentencePieceMerges } from './merges.js';
import { expectSoundTokens, soundMerges } from './sound-tokens.js';
import { generationOfNames, SPECIAL_OFFSET } from './special-tokens.js';
import {
  PackedStrings,
  type StatedTokens,
  TOKEN_TYPE,
  TOKENS_LIMIT,
  TokenizerError,
  type Vocabulary,
} from './vocabulary.js';
import { ADDED_SCORE } from './vocabulary-size.js';

/**
 * The vocabulary in a GGUF file's key/value pairs; other sections are not looked at.
 * Arrays must have been read (`readMetadataValues`); arrays of numbers may be typed or plain, strings packed or not.
 *
 * @throws TokenizerError `tokenizer/malformed` for missing keys, wrong types, lengths that differ and ids out of
 *   range, `tokenizer/unsupported` for tokenizers that are not a Llama's
 */
export function vocabularyFromGguf(
  fields: ReadonlyMap<string, { readonly value: unknown }>,
  path?: string,
): Vocabulary {
  const section: Section = { value: (key) => fields.get(key)?.value, path };
  const model = expectString(section, GGUF_KEY.model);
  if (model === 'llama' || model === 'gpt2') {
    const vocabulary = model === 'llama' ? sentencePiece(section) : byteLevel(section);
    expectSoundTokens(vocabulary, path);
    return vocabulary;
  }
  const message = `the GGUF file's tokenizer is of the kind ${JSON.stringify(model)}; a Llama's is "llama" or "gpt2"`;
  throw new TokenizerError('tokenizer/unsupported', message, { path });
}

interface Section {
  readonly value: (key: string) => unknown;
  readonly path: string | undefined;
}

/** Names under which llama.cpp knows the way Llama 3 splits text; absent and `default` in files older than the key. */
const LLAMA_3_SPLITS: readonly unknown[] = ['llama-bpe', 'llama3', 'llama-v3', 'default', undefined];

function byteLevel(section: Section): Vocabulary {
  const stated = section.value(GGUF_KEY.pre);
  const split = stated === LLAMA_4_SPLIT ? 'llama4' : 'llama3';
  if (split === 'llama3' && !LLAMA_3_SPLITS.includes(stated)) {
    const message = `the GGUF file splits text by the rule ${JSON.stringify(stated)}; Llama 3 splits by "llama-bpe", Llama 4 by "llama4"`;
    throw new TokenizerError('tokenizer/unsupported', message, { path: section.path });
  }
  const { pieces, types } = expectTokens(section);
  const merges = expectStrings(section, GGUF_KEY.merges);
  const special = types.findIndex((type) => type !== TOKEN_TYPE.normal);
  const baseSize = special === -1 ? pieces.length : special;
  return {
    ...{ kind: 'byte-level-bpe', size: pieces.length, pieces, types, baseSize, scores: undefined },
    generation: generationOfNames(pieces, baseSize),
    split,
    bosId: expectId(section, GGUF_KEY.bosId, pieces, baseSize + SPECIAL_OFFSET.beginOfText),
    eosId: expectId(section, GGUF_KEY.eosId, pieces, baseSize + SPECIAL_OFFSET.endOfText),
    ...{ unknownId: undefined, spaces: undefined, stated: statedIn(section, pieces) },
    merges: soundMerges(merges, pieces, section.path),
  };
}

function sentencePiece(section: Section): Vocabulary {
  const { pieces, types } = expectTokens(section);
  const scores = Float32Array.from(expectNumbers(section, GGUF_KEY.scores, pieces.length));
  const baseSize = withoutAdded(pieces, types, scores);
  const unknown = Math.max(0, types.indexOf(TOKEN_TYPE.unknown));
  let merges: readonly string[] | undefined;
  return {
    ...{ kind: 'sentencepiece', size: pieces.length, pieces, types, baseSize, scores, generation: undefined },
    bosId: expectId(section, GGUF_KEY.bosId, pieces, 1),
    eosId: expectId(section, GGUF_KEY.eosId, pieces, 2),
    unknownId: expectId(section, GGUF_KEY.unknownId, pieces, unknown),
    spaces: {
      addPrefix: section.value(GGUF_KEY.addSpacePrefix) !== false,
      removeExtra: section.value(GGUF_KEY.removeExtraSpaces) === true,
    },
    stated: statedIn(section, pieces),
    merges: () => (merges ??= sentencePieceMerges(pieces.slice(0, baseSize), scores)),
  };
}

/** Tokens before those that were added to the model, and before the `[PADn]` that fill the embedding's rows. */
function withoutAdded(pieces: readonly string[], types: Int32Array, scores: Float32Array): number {
  let size = pieces.length;
  while (size > 0 && types[size - 1] === TOKEN_TYPE.unused && pieces[size - 1] === `[PAD${size - 1}]`) size--;
  while (size > 0 && types[size - 1] !== TOKEN_TYPE.normal && scores[size - 1] === ADDED_SCORE) size--;
  return size;
}

/** What the file says of special tokens, in the order of its kinds. */
function statedIn(section: Section, pieces: readonly string[]): StatedTokens {
  const ids = entriesOf(ROLE_KEYS).flatMap(([role, key]) => {
    return section.value(key) === undefined ? [] : [[role, expectId(section, key, pieces, 0)] as const];
  });
  const switches = entriesOf(SWITCH_KEYS).flatMap(([role, key]) => {
    const value = section.value(key);
    return typeof value === 'boolean' ? [[role, value] as const] : [];
  });
  return { ids, switches };
}

function entriesOf<Role extends string>(keys: Readonly<Record<Role, string>>): [Role, string][] {
  return Object.entries(keys) as [Role, string][];
}

function expectTokens(section: Section): { pieces: readonly string[]; types: Int32Array } {
  const pieces = expectStrings(section, GGUF_KEY.tokens);
  if (pieces.length > TOKENS_LIMIT) {
    const message = `the GGUF file has ${pieces.length} tokens; a tokenizer has at most ${TOKENS_LIMIT}`;
    throw new TokenizerError('tokenizer/unsupported', message, { path: section.path });
  }
  const types = Int32Array.from(expectNumbers(section, GGUF_KEY.types, pieces.length));
  const wrong = types.findIndex((type) => type < TOKEN_TYPE.normal || type > TOKEN_TYPE.byte);
  if (wrong === -1) return { pieces, types };
  throw malformed(section, `${GGUF_KEY.types} gives token ${wrong} the type ${types[wrong]}; types go from 1 to 6`);
}

function expectString(section: Section, key: string): string {
  const value = section.value(key);
  if (typeof value === 'string') return value;
  throw malformed(section, `${key} is ${kindOf(value)}, not a string`);
}

function expectStrings(section: Section, key: string): readonly string[] {
  const value = section.value(key);
  if (value instanceof PackedStrings) return Array.from(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw malformed(section, `${key} is ${kindOf(value)}, not an array of strings`);
}

function expectNumbers(section: Section, key: string, length: number): ArrayLike<number> {
  const value = section.value(key);
  const isNumbers = isTyped(value) || (Array.isArray(value) && value.every((item) => typeof item === 'number'));
  if (!isNumbers) throw malformed(section, `${key} is ${kindOf(value)}, not an array of numbers`);
  if (value.length === length) return value;
  throw malformed(section, `${key} has ${value.length} entries, but there are ${length} tokens`);
}

/** The types in which GGUF's integers and floats are read. */
const NUMBER_ARRAYS = [
  ...[Uint8Array, Int8Array, Uint16Array, Int16Array, Uint32Array, Int32Array],
  ...[Float32Array, Float64Array],
];

function isTyped(value: unknown): value is GgufNumbers {
  return NUMBER_ARRAYS.some((type) => value instanceof type);
}

function expectId(section: Section, key: string, pieces: readonly string[], otherwise: number): number {
  const value = section.value(key) ?? otherwise;
  if (typeof value === 'number' && pieces[value] !== undefined) return value;
  const found = typeof value === 'number' ? String(value) : kindOf(value);
  throw malformed(section, `${key} is ${found}, not the id of one of the ${pieces.length} tokens`);
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  return Array.isArray(value) ? 'an array of another kind' : `a ${typeof value}`;
}

function malformed({ path }: Section, message: string): TokenizerError {
  return new TokenizerError('tokenizer/malformed', message, { path });
}
