/**
 * The text of a safetensors header, before anyone asks what it means.
 *
 * JSON leaves room for two readers to see two files: one name twice, `2.0` for a whole number, half of a surrogate
 * pair as a name. The library refuses all of that, and so does this; and it looks at the brackets before anything
 * is built of them.
 *
 * @see https://datatracker.ietf.org/doc/html/rfc8259
 * @module
 */
import { shownName } from '../shown-name.js';
import type { SafetensorsErrorCode } from './safetensors-error.js';
import { findRepeatedName } from './unique-names.js';

/** Bytes before the JSON text: its length. */
export const LENGTH_BYTES = 8;

/**
 * Most commas and brackets in a header. A header of the largest size allowed describes 800,000 tensors
 * with about eight each; one that holds more is built to fill the memory.
 */
const MAX_PUNCTUATION = 10_000_000;

/** Most brackets within one another; the JSON of the library has the same limit, and headers need three. */
const MAX_DEPTH = 128;

/** Throws the error of that code with the file's name in its context. */
export type Fail = (code: SafetensorsErrorCode, message: string, offset?: number, hint?: string) => never;

/**
 * The members of a header, in the order of the text.
 *
 * @param bytes - the JSON text, without the eight bytes before it
 * @param fail - throws SafetensorsError `safetensors/bad-header`, `safetensors/header-too-large`,
 *   `safetensors/duplicate-name`
 */
export function parseHeaderJson(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  const { punctuation, depth, oddNumber } = outlineOf(bytes);
  if (punctuation > MAX_PUNCTUATION) {
    fail('safetensors/header-too-large', `the header has more than ${MAX_PUNCTUATION} values`, LENGTH_BYTES);
  }
  if (bytes[0] !== 0x7b) fail('safetensors/bad-header', 'the header must start with "{"', LENGTH_BYTES);
  if (depth > MAX_DEPTH) {
    fail('safetensors/bad-header', `the header is nested ${depth} deep, at most ${MAX_DEPTH} are read`, LENGTH_BYTES);
  }
  const text = decodeUtf8(bytes, fail);
  const value = parseJson(text, fail);
  const repeated = findRepeatedName(text);
  if (repeated !== undefined) {
    const offset = LENGTH_BYTES + new TextEncoder().encode(text.slice(0, repeated.at)).byteLength;
    fail('safetensors/duplicate-name', `the name ${shownName(repeated.name)} occurs twice in the header`, offset);
  }
  if (oddNumber !== undefined) {
    fail('safetensors/bad-header', 'a number must be written with digits alone', LENGTH_BYTES + oddNumber);
  }
  return value as Record<string, unknown>; // it starts with a brace
}

/** What the bytes show without being parsed; means nothing where they are no JSON. */
interface Outline {
  /** Commas and opening brackets. */
  readonly punctuation: number;
  /** Most brackets within one another. */
  readonly depth: number;
  /** Where the first number with a sign, a fraction or an exponent shows that it has one. */
  readonly oddNumber: number | undefined;
}

const [QUOTE, BACKSLASH, COMMA, MINUS, POINT] = [0x22, 0x5c, 0x2c, 0x2d, 0x2e];
const [OPEN_BRACE, OPEN_BRACKET, CLOSE_BRACE, CLOSE_BRACKET] = [0x7b, 0x5b, 0x7d, 0x5d];
const [SMALL_E, CAPITAL_E, ZERO, NINE] = [0x65, 0x45, 0x30, 0x39];

function outlineOf(bytes: Uint8Array): Outline {
  let [punctuation, open, depth] = [0, 0, 0];
  let oddNumber: number | undefined;
  let inString = false;
  for (let at = 0; at < bytes.byteLength; at++) {
    const byte = bytes[at];
    if (inString) {
      if (byte === BACKSLASH) at++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === COMMA) punctuation++;
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
      punctuation++;
      depth = Math.max(depth, ++open);
    } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) open--;
    else if (byte === MINUS || byte === POINT || byte === CAPITAL_E) oddNumber ??= at;
    else if (byte === SMALL_E && isDigit(bytes[at - 1])) oddNumber ??= at; // otherwise it is that of true or false
  }
  return { punctuation, depth, oddNumber };
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function decodeUtf8(bytes: Uint8Array, fail: Fail): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail('safetensors/bad-header', 'the header is not valid UTF-8', LENGTH_BYTES);
  }
}

function parseJson(text: string, fail: Fail): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail('safetensors/bad-header', `the header is not valid JSON: ${String(cause)}`, LENGTH_BYTES);
  }
}
