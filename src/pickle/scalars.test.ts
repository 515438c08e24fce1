import { describe, expect, it } from 'vitest';
import { latin1, op, pickle, utf8 } from '../testing/pickle-assembler.js';
import { unescapeBytes, unescapeUnicode } from './escapes.js';
import { parsePickle } from './machine.js';
import { parseDecimal, parseFloatText, parseLong } from './numbers.js';
import { decodeLatin1, decodeUtf8 } from './text.js';

const viewOf = (text: string): DataView => new DataView(latin1(text).buffer);
const decode = (bytes: Uint8Array, surrogates: boolean): string | undefined =>
  decodeUtf8(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, surrogates);

describe('decodeUtf8', () => {
  it.each(['', 'a', 'é', '日本', '\u{1f999}', '\u{10ffff}', '\ufeffa', '\u0800\uffff\u0080\u07ff', 'a\0b'])(
    'reads %j',
    (text) => {
      for (const repeats of [1, 40, 5000]) {
        const repeated = text.repeat(repeats);
        expect(decode(utf8(repeated), true)).toBe(repeated);
        expect(decode(utf8(repeated), false)).toBe(repeated);
      }
    },
  );

  it.each([
    ['a continuation byte alone', '\x80'],
    ['a byte that begins nothing', '\xff'],
    ['a byte that begins five', '\xf8\x88\x80\x80\x80'],
    ['a sequence cut short', '\xe2\x82'],
    ['a sequence broken off', '\xe2\x82a'],
    ['an overlong slash', '\xc0\xaf'],
    ['an overlong euro', '\xf0\x82\x82\xac'],
    ['an overlong three-byte form', '\xe0\x80\xaf'],
    ['a code point above 0x10ffff', '\xf4\x90\x80\x80'],
  ])('refuses %s', (_, bytes) => {
    for (const text of [bytes, 'a'.repeat(100) + bytes]) {
      expect(decode(latin1(text), true)).toBeUndefined();
      expect(decode(latin1(text), false)).toBeUndefined();
    }
  });

  it('reads surrogates only where they are allowed', () => {
    for (const before of ['', 'a'.repeat(100), 'a'.repeat(5000)]) {
      const lone = latin1(`${before}\xed\xa0\xbd`);
      expect(decode(lone, true)).toBe(`${before}\ud83d`);
      expect(decode(lone, false)).toBeUndefined();
    }
    expect(decode(latin1('\xed\xa0\xbd\xed\xb6\x80'), true)).toBe('\ud83d\udd80');
  });
});

describe('decodeLatin1', () => {
  it.each([0, 1, 64, 65, 10000])('reads %i bytes', (length) => {
    const text = 'a\xff\x80\n'.repeat(length).slice(0, length);
    expect(decodeLatin1(new DataView(latin1(text).buffer), 0, length)).toBe(text);
  });
});

describe('unescapeBytes', () => {
  it.each([
    ['plain', 'plain'],
    ['\\\\\\\'\\"', '\\\'"'],
    ['\\a\\b\\f\\n\\r\\t\\v', '\x07\b\f\n\r\t\v'],
    ['\\0\\12\\101\\1011', '\0\nAA1'],
    ['\\777', '\xff'],
    ['\\x41\\xfF', 'A\xff'],
    ['\\q\\X41\\8', '\\q\\X41\\8'],
  ])('reads %j', (literal, expected) => {
    expect(unescapeBytes(viewOf(literal))).toEqual(latin1(expected));
  });

  it.each(['\\', 'a\\\\\\', '\\x', '\\x4', '\\xg0'])('refuses %j', (literal) => {
    expect(unescapeBytes(viewOf(literal))).toBeUndefined();
  });
});

describe('unescapeUnicode', () => {
  it.each([
    ['plain \xe9', 'plain é'],
    ['\\u00e9\\U0001F999', 'é\u{1f999}'],
    ['\\\\u0041\\n\\', '\\\\u0041\\n\\'],
    ['\\\\\\u0041', '\\\\A'],
    ['\\ud83e\\udd99', '\u{1f999}'],
  ])('reads %j', (line, expected) => {
    expect(unescapeUnicode(viewOf(line))).toBe(expected);
  });

  it.each(['\\u', '\\u004', '\\u00g0', '\\U0001f99', '\\U00110000', '\\uzzzz\\u0041'])('refuses %j', (line) => {
    expect(unescapeUnicode(viewOf(line))).toBeUndefined();
  });
});

describe('numbers', () => {
  it.each([
    ['0', 0],
    ['-0', 0],
    ['000', 0],
    ['+7', 7],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740992', 2n ** 53n],
    ['-123456789012345678901234567890', -123456789012345678901234567890n],
    ['+12345678901234567890', 12345678901234567890n],
  ])('reads the decimal %s', (text, value) => {
    expect(parseDecimal(text)).toBe(value);
  });

  it.each(['', '-', '007', '0x10', '1_000', ' 1', '1.0', '1e5', '9'.repeat(4302)])('refuses the decimal %j', (text) => {
    expect(parseDecimal(text)).toBeUndefined();
  });

  it.each([
    ['0.1', 0.1],
    ['-0.0', -0],
    ['1.', 1],
    ['.5', 0.5],
    ['1E-3', 0.001],
    ['1e999', Infinity],
    ['inf', Infinity],
    ['-Infinity', -Infinity],
    ['NaN', NaN],
    ['-nan', NaN],
  ])('reads the float %s', (text, value) => {
    expect(parseFloatText(text)).toBe(value);
  });

  it.each(['', '.', 'e5', '1e', '0x1', '1_0', ' 1', 'infinit', 'nan0', '1.5f', '1'.repeat(4302)])(
    'refuses the float %j',
    (text) => {
      expect(parseFloatText(text)).toBeUndefined();
    },
  );

  it.each([
    ['', 0],
    ['ff', -1],
    ['ff00', 255],
    ['0080', -32768],
    ['ffffffffffff1f', 2 ** 53 - 1],
    ['00000000000020', 2n ** 53n],
    ['010000000000e0', -(2 ** 53 - 1)],
    ['000000000000000080', -(2n ** 71n)],
  ])('reads the long %j', (hex, value) => {
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
    expect(parseLong(new DataView(bytes.buffer), 0, bytes.length)).toBe(value);
  });

  it('reads the magic number of the oldest checkpoints', () => {
    const magic = latin1('\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19');
    const { value } = parsePickle(pickle(op('LONG1', Uint8Array.of(10), magic)));
    expect(value).toBe(0x1950a86a20f9469cfc6cn);
  });
});
