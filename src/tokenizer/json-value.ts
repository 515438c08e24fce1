/**
 * Values of a JSON document whose kinds are checked before they are used.
 *
 * Each value knows where it stands (`model.vocab`), so that a message can name the place.
 *
 * @module
 */
import { TokenizerError } from './vocabulary.js';

/** A value of a JSON document and the place where it stands. */
export interface JsonValue {
  /** The value itself, of any kind. */
  readonly value: unknown;
  /** Where it stands: keys joined by dots, `the document` at the top. */
  readonly place: string;
  /** The file, for errors. */
  readonly path: string | undefined;
}

/** Parses a JSON document; throws `tokenizer/malformed` where it is none, or is not UTF-8. */
export function parseJson(bytes: Uint8Array, path: string | undefined): JsonValue {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return { value, place: 'the document', path };
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? cause.message : 'it is not UTF-8';
    throw new TokenizerError('tokenizer/malformed', `this is not valid JSON: ${reason}`, { path, cause });
  }
}

/** The member of an object, which is undefined where it is absent; throws where the parent is no object. */
export function member(parent: JsonValue, key: string): JsonValue {
  const value = expectObject(parent)[key];
  const place = parent.place === 'the document' ? key : `${parent.place}.${key}`;
  return { value, place, path: parent.path };
}

/** The value as an object that is no array. */
export function expectObject(json: JsonValue): Readonly<Record<string, unknown>> {
  const { value } = json;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw wrongKind(json, 'an object');
}

/** The value as an array. */
export function expectArray(json: JsonValue): readonly unknown[] {
  if (Array.isArray(json.value)) return json.value;
  throw wrongKind(json, 'an array');
}

/** The value as a string. */
export function expectString(json: JsonValue): string {
  if (typeof json.value === 'string') return json.value;
  throw wrongKind(json, 'a string');
}

/** The value as a token id below `limit`. */
export function expectId(json: JsonValue, limit: number): number {
  const { value } = json;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < limit) return value;
  throw wrongKind(json, `a whole number from 0 to ${limit - 1}`);
}

/** The error for a value of another kind than `expected`. */
export function wrongKind({ value, place, path }: JsonValue, expected: string): TokenizerError {
  return new TokenizerError('tokenizer/malformed', `${place} is ${describe(value)}, not ${expected}`, { path });
}

/** Characters of a value that a message shows. */
const SHOWN_CHARACTERS = 60;

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, SHOWN_CHARACTERS);
}
