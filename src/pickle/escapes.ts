/**
 * The two escape languages of protocol 0.
 *
 * STRING holds a Python byte string literal, UNICODE holds `raw-unicode-escape`: Latin-1 in which only
 * `\u` and `\U` mean anything, so that a doubled backslash there stays two backslashes. Both are read byte by
 * byte: a regular expression over a line of a hundred megabytes would exhaust the memory.
 *
 * @see https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences
 * @see https://docs.python.org/3/library/codecs.html#python-specific-encodings (raw_unicode_escape)
 * @module
 */
import { TextBuilder } from './text.js';

const BACKSLASH = 0x5c;
const LETTER_X = 0x78;

/** What a byte after a backslash stands for: `\\ \' \" \a \b \f \n \r \t \v`. */
const SINGLE: ReadonlyMap<number, number> = new Map([
  [BACKSLASH, BACKSLASH],
  [0x27, 0x27],
  [0x22, 0x22],
  [0x61, 0x07],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
  [0x76, 0x0b],
]);

/** Hexadecimal digits after `\u` and `\U`. */
const UNICODE_DIGITS: ReadonlyMap<number, number> = new Map([
  [0x75, 4],
  [0x55, 8],
]);

/** An escape: the byte it stands for, and how many bytes it takes behind its backslash. */
interface ByteEscape {
  readonly value: number;
  readonly width: number;
}

/** The bytes that the inside of a STRING literal stands for; undefined where an escape is broken. Linear. */
export function unescapeBytes(literal: DataView): Uint8Array | undefined {
  const out = new Uint8Array(literal.byteLength);
  let length = 0;
  let at = 0;
  while (at < literal.byteLength) {
    let value = literal.getUint8(at++);
    if (value === BACKSLASH) {
      const escape = readByteEscape(literal, at);
      if (escape === undefined) return undefined;
      value = escape.value;
      at += escape.width;
    }
    out[length++] = value;
  }
  return out.subarray(0, length);
}

/** The text that a UNICODE line stands for; undefined where an escape is broken. Linear. */
export function unescapeUnicode(line: DataView): string | undefined {
  const text = new TextBuilder();
  let at = 0;
  while (at < line.byteLength) {
    const byte = line.getUint8(at++);
    if (byte !== BACKSLASH || at === line.byteLength) {
      text.add(byte);
      continue;
    }
    const letter = line.getUint8(at++);
    const digits = UNICODE_DIGITS.get(letter);
    if (digits === undefined) {
      text.add(BACKSLASH);
      text.add(letter);
      continue;
    }
    const codePoint = readHex(line, at, digits);
    if (codePoint < 0 || codePoint > 0x10ffff) return undefined;
    text.add(codePoint);
    at += digits;
  }
  return text.finish();
}

/** An escape that means nothing to Python stands for its backslash, and the rest for itself. */
function readByteEscape(view: DataView, at: number): ByteEscape | undefined {
  if (at >= view.byteLength) return undefined;
  const letter = view.getUint8(at);
  const single = SINGLE.get(letter);
  if (single !== undefined) return { value: single, width: 1 };
  if (isOctal(letter)) return readOctal(view, at);
  if (letter !== LETTER_X) return { value: BACKSLASH, width: 0 };
  const value = readHex(view, at + 1, 2);
  return value < 0 ? undefined : { value, width: 3 };
}

/** One to three digits, of which the lowest eight bits count. */
function readOctal(view: DataView, at: number): ByteEscape {
  let value = 0;
  let width = 0;
  while (width < 3 && at + width < view.byteLength && isOctal(view.getUint8(at + width))) {
    value = value * 8 + view.getUint8(at + width) - 0x30;
    width++;
  }
  return { value: value & 0xff, width };
}

function isOctal(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x37;
}

/** Exactly `count` hexadecimal digits as a number, or -1 where there are not as many. */
function readHex(view: DataView, at: number, count: number): number {
  if (at + count > view.byteLength) return -1;
  let value = 0;
  for (let index = at; index < at + count; index++) {
    const digit = Number.parseInt(String.fromCharCode(view.getUint8(index)), 16);
    if (Number.isNaN(digit)) return -1;
    value = value * 16 + digit;
  }
  return value;
}
