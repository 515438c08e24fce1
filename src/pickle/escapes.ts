/**
 * The two escape languages of protocol 0.
 *
 * STRING holds a Python byte string literal, UNICODE holds `raw-unicode-escape`: Latin-1 in which only
 * `\u` and `\U` mean anything, so that a doubled backslash there stays two backslashes.
 *
 * @see https://docs.python.org/3/reference/lexical_analysis.html#escape-sequences
 * @see https://docs.python.org/3/library/codecs.html#python-specific-encodings (raw_unicode_escape)
 * @module
 */

/** What a letter after a backslash stands for in a byte string. */
const LETTERS: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** An octal escape, a two-digit hexadecimal one, any other pair, or a backslash at the very end. */
const BYTE_ESCAPE = /\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|([^]?))/g;

/** A `\u` or `\U` with enough digits, or any other pair. */
const UNICODE_ESCAPE = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))/g;

/**
 * The bytes that the inside of a STRING literal stands for; undefined where an escape is broken.
 *
 * @param literal - one character (0 to 255) a byte
 */
export function unescapeBytes(literal: string): Uint8Array | undefined {
  let broken = false;
  const text = literal.replace(BYTE_ESCAPE, (whole, octal?: string, hex?: string, letter = '') => {
    if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    broken ||= letter === '' || letter === 'x';
    return LETTERS[letter] ?? whole;
  });
  return broken ? undefined : Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

/**
 * The text that a UNICODE line stands for; undefined where an escape is broken.
 *
 * @param line - one character (0 to 255) a byte
 */
export function unescapeUnicode(line: string): string | undefined {
  let broken = false;
  const text = line.replace(UNICODE_ESCAPE, (whole, four?: string, eight?: string, letter?: string) => {
    const digits = four ?? eight;
    const codePoint = digits === undefined ? -1 : parseInt(digits, 16);
    broken ||= letter === 'u' || letter === 'U' || codePoint > 0x10ffff;
    return codePoint < 0 || broken ? whole : String.fromCodePoint(codePoint);
  });
  return broken ? undefined : text;
}
