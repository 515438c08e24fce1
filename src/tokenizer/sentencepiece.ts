/**
 * SentencePiece models: the `tokenizer.model` of Llama 1 and 2.
 *
 * A protobuf message `ModelProto` with one message for each piece, its score and its type, then the settings
 * it was trained with. Unwritten fields have defaults that matter: the type of a piece is normal, the model
 * is of the unigram kind, and there is no padding token.
 *
 * @see https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
 * @module
 */
import { type WireField, type WireType, wireFields } from './protobuf.js';
import { TOKEN_BYTES_LIMIT, TOKEN_TYPE, TOKENS_LIMIT, TokenizerError } from './vocabulary.js';

/** What a model file holds, as far as a Llama needs it. */
export interface SentencePieceModel {
  /** Text by id. */
  readonly pieces: readonly string[];
  /** Log probabilities by id. */
  readonly scores: Float32Array;
  /** Types by id, numbered as `TOKEN_TYPE`. */
  readonly types: Int32Array;
  /** `trainer_spec.model_type`: 1 unigram, 2 BPE, 3 words, 4 characters. */
  readonly modelType: number;
  /** Whether characters outside the vocabulary are spelled in byte pieces. */
  readonly byteFallback: boolean;
  /** Id of the unknown token. */
  readonly unknownId: number;
  /** Id of the token that begins a text, -1 for none. */
  readonly bosId: number;
  /** Id of the token that ends a text, -1 for none. */
  readonly eosId: number;
  /** Id of the padding token, -1 for none. */
  readonly padId: number;
  /** Whether a space is put before the text. */
  readonly addDummyPrefix: boolean;
  /** Whether runs of spaces become one and the ends are trimmed. */
  readonly removeExtraWhitespaces: boolean;
  /** What it does to text that no Llama's does, in a few words. */
  readonly departure: string | undefined;
}

/** The `model_type` of byte-pair encoding, the only one a Llama has. */
export const SENTENCEPIECE_BPE = 2;

/**
 * Parses a model; 32,000 pieces in about 30 ms.
 *
 * @throws TokenizerError `tokenizer/truncated`, `tokenizer/malformed`, and `tokenizer/unsupported` for more than
 *   {@link TOKENS_LIMIT} pieces or a piece of more than {@link TOKEN_BYTES_LIMIT} bytes
 */
export function parseSentencePiece(bytes: Uint8Array, path?: string): SentencePieceModel {
  const pieces: Piece[] = [];
  let trainer = TRAINER_DEFAULTS;
  let normalizer = NORMALIZER_DEFAULTS;
  let denormalizer = NORMALIZER_DEFAULTS;
  for (const field of wireFields(bytes, 0, bytes.byteLength, path)) {
    if (field.number === 1) pieces.push(parsePiece(bytes, expectType(field, 'bytes', 'pieces', path), path));
    if (field.number === 2) trainer = parseSettings(bytes, field, TRAINER_FIELDS, trainer, path);
    if (field.number === 3) normalizer = parseSettings(bytes, field, NORMALIZER_FIELDS, normalizer, path);
    if (field.number === 5) denormalizer = parseSettings(bytes, field, NORMALIZER_FIELDS, denormalizer, path);
    if (pieces.length > TOKENS_LIMIT) {
      const message = `the model has more than ${TOKENS_LIMIT} pieces, the most a tokenizer may have`;
      throw new TokenizerError('tokenizer/unsupported', message, { path, offset: field.offset });
    }
  }
  expectDistinct(pieces, path);
  return {
    pieces: pieces.map(({ text }) => text),
    scores: Float32Array.from(pieces, ({ score }) => score),
    types: Int32Array.from(pieces, ({ type }) => type),
    modelType: trainer.modelType,
    byteFallback: trainer.byteFallback !== 0,
    unknownId: trainer.unknownId,
    bosId: trainer.bosId,
    eosId: trainer.eosId,
    padId: trainer.padId,
    addDummyPrefix: normalizer.addDummyPrefix !== 0,
    removeExtraWhitespaces: normalizer.removeExtraWhitespaces !== 0,
    departure: departureOf(trainer, normalizer, denormalizer),
  };
}

interface Piece {
  readonly text: string;
  readonly score: number;
  readonly type: number;
  readonly offset: number;
}

const TRAINER_DEFAULTS = {
  modelType: 1,
  spaceAsSuffix: 0,
  byteFallback: 0,
  unknownId: 0,
  bosId: 1,
  eosId: 2,
  padId: -1,
};
const TRAINER_FIELDS = {
  3: 'modelType',
  24: 'spaceAsSuffix',
  35: 'byteFallback',
  40: 'unknownId',
  41: 'bosId',
  42: 'eosId',
  43: 'padId',
} as const;
const NORMALIZER_DEFAULTS = { charsmapLength: 0, addDummyPrefix: 1, removeExtraWhitespaces: 1, escapeWhitespaces: 1 };
const NORMALIZER_FIELDS = {
  2: 'charsmapLength',
  3: 'addDummyPrefix',
  4: 'removeExtraWhitespaces',
  5: 'escapeWhitespaces',
} as const;
/** Of fields that hold bytes their length is what counts. */
const LENGTHS: readonly string[] = ['charsmapLength'];

/** Settings that change a text, or where its pieces end, in ways that are not worked out here. */
function departureOf(
  { spaceAsSuffix }: Pick<typeof TRAINER_DEFAULTS, 'spaceAsSuffix'>,
  { charsmapLength, escapeWhitespaces }: typeof NORMALIZER_DEFAULTS,
  denormalizer: typeof NORMALIZER_DEFAULTS,
): string | undefined {
  if (charsmapLength > 0) return 'normalizes text (precompiled_charsmap)';
  if (denormalizer.charsmapLength > 0) return 'changes text that it decodes (denormalizer_spec)';
  if (escapeWhitespaces === 0) return 'leaves spaces as they are (escape_whitespaces)';
  return spaceAsSuffix === 0 ? undefined : 'puts the space after the text (treat_whitespace_as_suffix)';
}

function parsePiece(bytes: Uint8Array, { start, end, offset }: WireField, path: string | undefined): Piece {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let text: string | undefined;
  let score = 0;
  let type: number = TOKEN_TYPE.normal;
  for (const field of wireFields(bytes, start, end, path)) {
    if (field.number === 1) text = parseText(bytes, expectType(field, 'bytes', 'piece', path), path);
    if (field.number === 2) score = view.getFloat32(expectType(field, 'fixed32', 'score', path).start, true);
    if (field.number === 3) type = expectType(field, 'varint', 'type', path).int32;
  }
  const fault =
    text === undefined || text === ''
      ? 'has no text'
      : !Number.isFinite(score)
        ? `has the score ${score}`
        : type < TOKEN_TYPE.normal || type > TOKEN_TYPE.byte
          ? `has the type ${type}; types go from 1 to 6`
          : undefined;
  if (text !== undefined && fault === undefined) return { text, score, type, offset };
  throw malformed(`a piece ${fault}`, offset, path);
}

function parseText(bytes: Uint8Array, { start, end, offset }: WireField, path: string | undefined): string {
  if (end - start > TOKEN_BYTES_LIMIT) {
    const message = `a piece has ${end - start} bytes; a token has at most ${TOKEN_BYTES_LIMIT}`;
    throw new TokenizerError('tokenizer/unsupported', message, { path, offset });
  }
  try {
    return UTF8.decode(bytes.subarray(start, end));
  } catch (cause) {
    throw malformed('the text of a piece is not UTF-8', offset, path, cause);
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The settings in a message of numbers; fields without a name are skipped. */
function parseSettings<Name extends string>(
  bytes: Uint8Array,
  message: WireField,
  names: Readonly<Record<number, Name>>,
  defaults: Readonly<Record<Name, number>>,
  path: string | undefined,
): Record<Name, number> {
  const settings: Record<Name, number> = { ...defaults };
  const { start, end } = expectType(message, 'bytes', 'settings', path);
  for (const field of wireFields(bytes, start, end, path)) {
    const name = names[field.number];
    if (name === undefined) continue;
    if (LENGTHS.includes(name)) {
      const content = expectType(field, 'bytes', name, path);
      settings[name] = content.end - content.start;
    } else settings[name] = expectType(field, 'varint', name, path).int32;
  }
  return settings;
}

function expectType(field: WireField, type: WireType, name: string, path: string | undefined): WireField {
  if (field.type === type) return field;
  throw malformed(`field ${field.number} (${name}) is of wire type ${field.type}, not ${type}`, field.offset, path);
}

function expectDistinct(pieces: readonly Piece[], path: string | undefined): void {
  const ids = new Map<string, number>();
  for (const [id, { text, offset }] of pieces.entries()) {
    const before = ids.get(text);
    if (before !== undefined) {
      throw malformed(`pieces ${before} and ${id} are both ${JSON.stringify(text)}`, offset, path);
    }
    ids.set(text, id);
  }
}

function malformed(message: string, offset: number, path: string | undefined, cause?: unknown): TokenizerError {
  return new TokenizerError('tokenizer/malformed', message, { path, offset, cause });
}
