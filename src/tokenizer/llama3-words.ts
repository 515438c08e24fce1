/**
 * How Llama 3 splits text into words before it looks for tokens.
 *
 * Meta gives the rule as a regular expression; the same here without one, because a regular expression that takes
 * back what it took too much needs a stack as long as the word. The alternatives, in order:
 *
 *     (?i:'s|'t|'re|'ve|'m|'ll|'d)         endings of English words
 *     [^\r\n\p{L}\p{N}]?\p{L}+             letters, with whatever stands before them
 *     \p{N}{1,3}                           up to three digits
 *      ?[^\s\p{L}\p{N}]+[\r\n]*            symbols, with a space before and the ends of lines after them
 *     \s*[\r\n]+                           white space up to its last end of a line
 *     \s+(?!\S)                            white space but for the last, which belongs to what follows
 *     \s+                                  a single white space before what cannot take it
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/tokenizer.py (pat_str)
 * @module
 */
import { CHARACTER, classes, utf8Length } from './character-classes.js';

const APOSTROPHE = 0x27;
const SPACE = 0x20;

/** End of the word that begins at `start`, in valid UTF-8 that ends at `end`; looks a word ahead at most. */
export function wordEnd(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start]!;
  const kind = classes.at(bytes, start);
  const second = start + utf8Length(first);
  if (kind === CHARACTER.letter) return skip(bytes, second, end, CHARACTER.letter);
  if (kind === CHARACTER.number) return threeNumbersEnd(bytes, start, end);
  if (kind === CHARACTER.lineEnd) return whiteSpaceEnd(bytes, start, end);
  const ending = first === APOSTROPHE ? endingLength(bytes, second, end) : 0;
  if (ending > 0) return second + ending;
  const next = second < end ? classes.at(bytes, second) : CHARACTER.lineEnd;
  if (next === CHARACTER.letter) return skip(bytes, second, end, CHARACTER.letter);
  if (kind === CHARACTER.other || (first === SPACE && next === CHARACTER.other)) {
    return skip(bytes, skip(bytes, second, end, CHARACTER.other), end, CHARACTER.lineEnd);
  }
  return whiteSpaceEnd(bytes, start, end);
}

/** End of the run of characters of one class. */
function skip(bytes: Uint8Array, start: number, end: number, kind: number): number {
  let at = start;
  while (at < end && classes.at(bytes, at) === kind) at += utf8Length(bytes[at]!);
  return at;
}

/** End of the one to three digits, or other numbers, that begin there. */
export function threeNumbersEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (let count = 0; count < 3 && at < end && classes.at(bytes, at) === CHARACTER.number; count++) {
    at += utf8Length(bytes[at]!);
  }
  return at;
}

/** End of the white space that one word takes: up to the last end of a line, else all but what the next word takes. */
export function whiteSpaceEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  let last = start; // where the last character of the run begins
  let lineEnd = -1; // where the last end of a line ends
  for (; at < end; at += utf8Length(bytes[at]!)) {
    const kind = classes.at(bytes, at);
    if (kind !== CHARACTER.space && kind !== CHARACTER.lineEnd) break;
    last = at;
    if (kind === CHARACTER.lineEnd) lineEnd = at + 1;
  }
  if (lineEnd !== -1) return lineEnd;
  return at === end || last === start ? at : last;
}

/** Bytes of the ending of an English word that follows an apostrophe, whatever its case; 0 where none does. The long s is an s to Unicode, and so to Meta's code. */
export function endingLength(bytes: Uint8Array, at: number, end: number): number {
  const first = lowerCase(bytes, at, end);
  if ('stmd'.includes(first) && first !== '') return 1;
  if (at + 1 < end && bytes[at] === 0xc5 && bytes[at + 1] === 0xbf) return 2;
  return ['re', 've', 'll'].includes(first + lowerCase(bytes, at + 1, end)) ? 2 : 0;
}

/** The ASCII letter there in lower case; empty at the end. */
function lowerCase(bytes: Uint8Array, at: number, end: number): string {
  return at < end ? String.fromCharCode(bytes[at]!).toLowerCase() : '';
}
