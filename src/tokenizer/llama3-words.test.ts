import { describe, expect, it } from 'vitest';

import { CHARACTER, classes } from './character-classes.js';
import { wordEnd } from './llama3-words.js';

function words(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  const found: string[] = [];
  for (let start = 0; start < bytes.byteLength;) {
    const end = wordEnd(bytes, start, bytes.byteLength);
    found.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end)));
    start = end;
  }
  return found;
}

/** Meta's regular expression in JavaScript's words: `\s` by Unicode's property, and without case as classes. */
const PATTERN =
  /'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n]*|\p{White_Space}*[\r\n]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;

describe('wordEnd', () => {
  it.each([
    ["I'll've", ['I', "'ll", "'ve"]],
    ["'S'T'RE'M'D'LL", ["'S", "'T", "'RE", "'M", "'D", "'LL"]],
    ["it'ſ 'x '", ['it', "'ſ", " '", 'x', " '"]],
    ["'r 'l", ["'r", " '", 'l']],
    ['1234567', ['123', '456', '7']],
    ['a  b', ['a', ' ', ' b']],
    ['a   ', ['a', '   ']],
    ['a \n \n  b', ['a', ' \n \n', ' ', ' b']],
    [' !?\r\n\n x', [' !?\r\n\n', ' x']],
    ['\t!', ['\t', '!']],
    ['\tx', ['\tx']],
    ['  !', [' ', ' !']],
    ['\u{feff}x \u{85}', ['\u{feff}x', ' \u{85}']],
    ['é½߀𝟘!', ['é', '½߀𝟘', '!']],
    ['', []],
  ])('splits %j', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("splits as Meta's regular expression does, whatever comes", () => {
    const alphabet = [
      ...Array.from(" \t\r\n'stmdrevlSTLx09!?-_(é½ſ你،"),
      ...['\u{85}', '\u{a0}', '\u{2003}', '\u{3000}', '\u{feff}', '\u{301}', '🦙', '\u{200d}', '𝟘', '  ', '\r\n'],
    ];
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (let round = 0; round < 5000; round++) {
      const text = Array.from({ length: random(24) }, () => alphabet[random(alphabet.length)]).join('');
      expect(words(text)).toEqual(text.match(PATTERN) ?? []);
    }
  });
});

describe('classes', () => {
  it('has the class of every character that there is', () => {
    for (let codePoint = 0; codePoint < 0x110000; codePoint += 7) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const character = String.fromCodePoint(codePoint);
      const found = classes.at(new TextEncoder().encode(character), 0);
      const wanted = /\p{L}/u.test(character)
        ? CHARACTER.letter
        : /\p{N}/u.test(character)
          ? CHARACTER.number
          : /[\r\n]/.test(character)
            ? CHARACTER.lineEnd
            : /\p{White_Space}/u.test(character)
              ? CHARACTER.space
              : CHARACTER.other;
      if (found !== wanted) expect.fail(`U+${codePoint.toString(16)}: ${found}, not ${wanted}`);
    }
  });
});
