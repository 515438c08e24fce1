import { describe, expect, it } from 'vitest';

import { AddedTokens } from './added-tokens.js';

const split = (tokens: readonly string[], text: string): (string | number)[] => [
  ...new AddedTokens(tokens.map((token, id) => [token, id])).split(text),
];

/** The same by the definition: at each place every token is tried. */
function splitSlowly(tokens: readonly string[], text: string): (string | number)[] {
  const parts: (string | number)[] = [];
  let between = '';
  for (let at = 0; at < text.length;) {
    const found = tokens
      .filter((token) => token !== '' && text.startsWith(token, at))
      .sort((a, b) => b.length - a.length)[0];
    if (found === undefined) {
      between += text[at++]!;
      continue;
    }
    if (between !== '') parts.push(between);
    between = '';
    parts.push(tokens.indexOf(found));
    at += found.length;
  }
  return between === '' ? parts : [...parts, between];
}

describe('AddedTokens', () => {
  it('finds the longest at each place, past those that only begin like the text', () => {
    const tokens = ['a', 'ab', 'abcd', 'abce', 'b', '', '🧭', '\ud83e'];
    expect(split(tokens, 'abcabcdxab🧭\ud83ea')).toEqual([1, 'c', 2, 'x', 1, 6, 7, 0]);
    expect(split(tokens, '')).toEqual([]);
    expect(split([], 'abc')).toEqual(['abc']);
  });

  it('finds what trying each token finds', () => {
    let seed = 5;
    const random = (below: number): number => (seed = (seed * 48271) % 0x7fffffff) % below;
    const word = (most: number): string => Array.from({ length: random(most) }, () => 'abc🧭'[random(5)]).join('');
    for (let round = 0; round < 300; round++) {
      const tokens = [...new Set(Array.from({ length: random(12) }, () => word(6)))];
      const text = word(40);
      expect(split(tokens, text)).toEqual(splitSlowly(tokens, text));
    }
  });

  it('is not slowed down by tokens that are long and alike', () => {
    const tokens = Array.from({ length: 4000 }, (_, index) => `${'a'.repeat(index % 250)}b${index}`);
    const text = 'a'.repeat(50_000);
    // one lookup for each length at each place took a minute for twelve times fewer letters
    expect(split(tokens, text)).toEqual([text]);
  });
});
