import { describe, expect, it } from 'vitest';

import { CASED, cases } from './character-classes.js';
import { wordEnd } from './llama4-words.js';

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
const ENDING = "(?:'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD]))?";
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
const PATTERN = new RegExp(
  [
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}*${LOWER}+${ENDING}`,
    String.raw`[^\r\n\p{L}\p{N}]?${UPPER}+${LOWER}*${ENDING}`,
    String.raw`\p{N}{1,3}| ?[^\p{White_Space}\p{L}\p{N}]+[\r\n/]*|\p{White_Space}*[\r\n]+`,
    String.raw`\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+`,
  ].join('|'),
  'gu',
);

describe('wordEnd', () => {
  it.each([
    ["I'll've", ["I'll", "'ve"]],
    ['HelloWorld HTTPServer', ['Hello', 'World', ' HTTPServer']],
    ["DON'T can't X'Y", ["DON'T", " can't", ' X', "'Y"]],
    ['你好ABC', ['你好', 'ABC']],
    ['你好ABCd', ['你好ABCd']],
    ['ABC你D', ['ABC你', 'D']],
    ['1234567', ['123', '456', '7']],
    ['a//\n/b', ['a', '//\n/', 'b']],
    [' !?/\r\n\n/x', [' !?/\r\n\n/', 'x']],
    ['\u0301A', ['\u0301', 'A']],
    ['\u0301a', ['\u0301a']],
    ['!\u0301!', ['!\u0301', '!']],
    ['!!\u0301', ['!!\u0301']],
    [' \u0301', [' \u0301']],
    ['ǅa ǅ', ['ǅa', ' ǅ']],
    ['a \n \n  b', ['a', ' \n \n', ' ', ' b']],
    ["it'ſ", ["it'ſ"]],
    ['\tx\ty', ['\tx', '\ty']],
    ['', []],
  ])('splits %j', (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("splits as Meta's regular expression does, whatever comes", () => {
    const alphabet = [
      ...Array.from(" \t\r\n/'stmdrevlSTLABab09!?-_(éÉſ你好ーǅ،"),
      ...['\u{85}', '\u{a0}', '\u{3000}', '\u{feff}', '\u{301}', '\u{903}', '🦙', '\u{200d}', '𝟘', '  ', '\r\n'],
    ];
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    for (let round = 0; round < 20000; round++) {
      const text = Array.from({ length: random(24) }, () => alphabet[random(alphabet.length)]).join('');
      expect(words(text)).toEqual(text.match(PATTERN) ?? []);
    }
  });

  it('reads a long run a few times only, wherever letters change', () => {
    let reads = 0;
    const counted = (text: string): number => {
      const bytes = new Proxy(new TextEncoder().encode(text), {
        get: (target, key) => {
          if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
          return Reflect.get(target, key) as unknown;
        },
      });
      reads = 0;
      for (let start = 0; start < bytes.byteLength;) start = wordEnd(bytes, start, bytes.byteLength);
      return reads / bytes.byteLength;
    };
    const long = 4096;
    for (const text of [
      'A'.repeat(long),
      `你${'A'.repeat(long)}`,
      '你A'.repeat(long),
      `\u0301${'A'.repeat(long)}`,
      '\u0301A'.repeat(long),
      ' '.repeat(long),
      `${'\n '.repeat(long)}x`,
      '!/\n'.repeat(long),
    ]) {
      expect([text.slice(0, 4), counted(text) < 16]).toEqual([text.slice(0, 4), true]);
    }
  });
});

describe('cases', () => {
  it('has the class of every character that there is', () => {
    const kinds: [RegExp, number][] = [
      [/[\r\n]/, CASED.lineEnd],
      [/[\p{Lu}\p{Lt}]/u, CASED.upper],
      [/\p{Ll}/u, CASED.lower],
      [/[\p{Lm}\p{Lo}]/u, CASED.both],
      [/\p{M}/u, CASED.mark],
      [/\p{N}/u, CASED.number],
      [/\p{White_Space}/u, CASED.space],
      [/./su, CASED.other],
    ];
    for (let codePoint = 0; codePoint < 0x110000; codePoint += 7) {
      if (codePoint >= 0xd800 && codePoint < 0xe000) continue;
      const character = String.fromCodePoint(codePoint);
      const found = cases.at(new TextEncoder().encode(character), 0);
      const wanted = kinds.find(([pattern]) => pattern.test(character))?.[1];
      if (found !== wanted) expect.fail(`U+${codePoint.toString(16)}: ${found}, not ${wanted}`);
    }
  });
});
