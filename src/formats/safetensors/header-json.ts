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

/** What to do about a file that does not end where it should. */
export const AGAIN = 'download or copy the file again';

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

function outlineOf(bytes: Uint8Array): Outline {
  let [punctuation, open, depth] = [0, 0, 0];
  let oddNumber: number | undefined;
  for (let at = 0; at < bytes.byteLength; at++) {
    switch (bytes[at]) {
      case 0x22: // a quotation mark
        at = endOfString(bytes, at);
        break;
      case 0x2c: // a comma
        punctuation++;
        break;
      case 0x5b: // an opening bracket or brace
      case 0x7b:
        punctuation++;
        depth = Math.max(depth, ++open);
        break;
      case 0x5d: // a closing bracket or brace
      case 0x7d:
        open--;
        break;
      case 0x2d: // a minus, a point, a capital E: of a number, as nothing else has them
      case 0x2e:
      case 0x45:
        oddNumber ??= at;
        break;
      case 0x65: // an e: of a number where a digit comes before it, else of true or false
        if (isDigit(bytes[at - 1])) oddNumber ??= at;
        break;
      default:
    }
  }
  return { punctuation, depth, oddNumber };
}

/** Where the quotation mark stands that ends a string; the end of the bytes where there is none. */
function endOfString(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.byteLength && bytes[at] !== 0x22) at += bytes[at] === 0x5c ? 2 : 1;
  return at;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
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
