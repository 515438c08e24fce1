/**
 * How Llama 4 splits text into words before it looks for tokens.
 *
 * Meta gives the rule as a regular expression, that of OpenAI's o200k with slashes after symbols; the same here without
 * one, for the reason told in `llama3-words`. The alternatives, in order, where UPPER is `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
 * and LOWER `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`:
 *
 *     [^\r\n\p{L}\p{N}]?UPPER*LOWER+ENDING?    letters that end in small ones, with whatever stands before them
 *     [^\r\n\p{L}\p{N}]?UPPER+LOWER*ENDING?    capitals
 *     \p{N}{1,3}                               up to three digits
 *      ?[^\s\p{L}\p{N}]+[\r\n/]*               symbols, with a space before, ends of lines and slashes after them
 *     \s*[\r\n]+|\s+(?!\S)|\s+                 white space, as in Llama 3
 *
 * ENDING is that of an English word, `(?i:'s|'t|'re|'ve|'m|'ll|'d)`. Letters without case and marks are in UPPER and in
 * LOWER, and marks may stand before letters and among symbols too.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama4/tokenizer.py (O200K_PATTERN)
 * @module
 */
import { CASED, cases, utf8Length } from './character-classes.js';
import { endingLength, threeNumbersEnd, whiteSpaceEnd } from './llama3-words.js';

const APOSTROPHE = 0x27;
const SPACE = 0x20;
const SLASH = 0x2f;
const NONE = -1;

/** End of the word that begins at `start`, in valid UTF-8 that ends at `end`; looks a word ahead at most. */
export function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  const kind = cases.at(bytes, start);
  const second = start + utf8Length(bytes[start]!);
  if (kind === CASED.number) return threeNumbersEnd(bytes, start, end);
  const letters = lettersEnd(bytes, start, end, kind);
  if (letters !== NONE) return withEnding(bytes, letters, end);
  const isSpaced = bytes[start] === SPACE && second < end && isSymbol(cases.at(bytes, second));
  if (isSymbol(kind) || isSpaced) return symbolsEnd(bytes, second, end);
  return whiteSpaceEnd(bytes, start, end);
}

/** End of the letters that the first two alternatives take; {@link NONE} where neither fits. */
function lettersEnd(bytes: Uint8Array, start: number, end: number, kind: number): number {
  if (kind === CASED.lineEnd) return NONE;
  if (isLetter(kind)) {
    const { smallEnd, upperEnd } = letterRun(bytes, start, end);
    return smallEnd === NONE ? upperEnd : smallEnd;
  }
  const second = start + utf8Length(bytes[start]!);
  const { smallEnd, upperEnd } = letterRun(bytes, second, end);
  if (smallEnd !== NONE) return smallEnd;
  if (kind === CASED.mark) return second; // a mark alone is letters that end in small ones
  return upperEnd > second ? upperEnd : NONE;
}

/** A run of letters: UPPER* as far as it goes, then LOWER*. */
interface LetterRun {
  /** Where `UPPER*LOWER+` ends; {@link NONE} where it does not fit. */
  readonly smallEnd: number;
  /** Where `UPPER*` ends. */
  readonly upperEnd: number;
}

function letterRun(bytes: Uint8Array, start: number, end: number): LetterRun {
  let at = start;
  let lastBoth = NONE; // end of the last character that is in both classes, to which `UPPER*` falls back
  let kind = NONE;
  for (; at < end;) {
    kind = cases.at(bytes, at);
    if (kind !== CASED.upper && kind !== CASED.both && kind !== CASED.mark) break;
    at += utf8Length(bytes[at]!);
    if (kind !== CASED.upper) lastBoth = at;
  }
  if (at === end || kind !== CASED.lower) return { smallEnd: lastBoth, upperEnd: at };
  let small = at;
  while (small < end && isLower(cases.at(bytes, small))) small += utf8Length(bytes[small]!);
  return { smallEnd: small, upperEnd: at };
}

function isLower(kind: number): boolean {
  return kind === CASED.lower || kind === CASED.both || kind === CASED.mark;
}

/** `\p{L}`, which marks are not. */
function isLetter(kind: number): boolean {
  return kind === CASED.upper || kind === CASED.lower || kind === CASED.both;
}

/** `[^\s\p{L}\p{N}]` */
function isSymbol(kind: number): boolean {
  return kind === CASED.other || kind === CASED.mark;
}

function withEnding(bytes: Uint8Array, at: number, end: number): number {
  if (at === end || bytes[at] !== APOSTROPHE) return at;
  const ending = endingLength(bytes, at + 1, end);
  return ending === 0 ? at : at + 1 + ending;
}

function symbolsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && isSymbol(cases.at(bytes, at))) at += utf8Length(bytes[at]!);
  while (at < end && (bytes[at] === SLASH || cases.at(bytes, at) === CASED.lineEnd)) at++;
  return at;
}
