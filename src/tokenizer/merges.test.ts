import { describe, expect, it } from 'vitest';

import { TEXT_MODELS } from '../testing/fixtures.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { spellTokens } from './byte-alphabet.js';
import { byteLevelMerges, sentencePieceMerges } from './merges.js';
import { parseTiktoken } from './tiktoken.js';

/** Merges of tokens that are given in Latin-1, one character for a byte. */
function merges(...tokens: readonly string[]): string[] {
  const lines = tokens.map((token, rank) => `${Buffer.from(token, 'latin1').toString('base64')} ${rank}\n`);
  const ranks = parseTiktoken(Buffer.from(lines.join('')));
  return [...byteLevelMerges(ranks, spellTokens(ranks, ['<|special|>']))];
}

/** The derivation as one would write it with strings: slow, and plainly right. */
function mergesByStrings(pieces: readonly string[]): string[] {
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  return pieces.flatMap((piece) =>
    Array.from({ length: piece.length - 1 }, (_, index) => [piece.slice(0, index + 1), piece.slice(index + 1)] as const)
      .filter(([left, right]) => ids.has(left) && ids.has(right))
      .sort(([a], [b]) => ids.get(a)! - ids.get(b)!)
      .map(([left, right]) => `${left} ${right}`),
  );
}

// The orders below are those of transformers 4.57 (TikTokenConverter, generate_merges) for the same vocabularies.
describe('byteLevelMerges', () => {
  it('lists all cuts of a token by the id of the left half, tokens by their own', () => {
    expect(merges('a', 'b', 'c', 'bc', 'ab', 'abc')).toEqual(['b c', 'a b', 'a bc', 'ab c']);
    expect(merges('abc', 'bc', 'ab', 'c', 'a')).toEqual(['ab c', 'a bc']);
  });

  it('leaves out cuts whose halves are no tokens', () => {
    expect(merges('a', 'b', 'abab', 'xab')).toEqual([]);
    expect(merges('a')).toEqual([]);
  });

  it('puts the space between characters, whose spelling takes one byte or two', () => {
    expect(merges(' ', '\n', 'a', ' \n', '\xffa', ' \na', '\xff', '\na')).toEqual([
      ...['Ġ Ċ', 'ÿ a', 'Ġ Ċa', 'ĠĊ a', 'Ċ a'],
    ]);
  });

  it('has room for tokens with more cuts than usual, the longest that there may be', () => {
    const runs = Array.from({ length: 256 }, (_, index) => '!'.repeat(index + 1));
    expect(merges(...runs)).toEqual(mergesByStrings(runs));
    expect(merges(...runs.toReversed())).toEqual(mergesByStrings(runs.toReversed()));
  });

  it.each(TEXT_MODELS.filter((name) => fixtureVocabulary(name).kind === 'byte-level-bpe'))(
    'derives the merges of %s as one would with strings',
    (name) => {
      const vocabulary = fixtureVocabulary(name);
      const expected = mergesByStrings(vocabulary.pieces.slice(0, vocabulary.baseSize));
      const derived = vocabulary.merges();
      expect(expected.length).toBeGreaterThan(100);
      expect([...derived]).toEqual(expected);
      expect(derived).toMatchObject({
        length: expected.length,
        utf8Length: expected.reduce((sum, merge) => sum + Buffer.byteLength(merge), 0),
      });
    },
  );
});

describe('sentencePieceMerges', () => {
  it('goes by falling score, then by falling length of the halves', () => {
    const pieces = ['a', 'b', 'ab', 'ba', 'abab', 'aba', 'bb'];
    const scores = Float32Array.of(-10, -11, -1, -2, -3, -3, -1);
    expect(sentencePieceMerges(pieces, scores)).toEqual(['a b', 'b b', 'b a', 'aba b', 'ab ab', 'ab a', 'a ba']);
  });

  it('measures halves in characters, not in UTF-16 units', () => {
    const pieces = ['𝄞', 'a', 'b', '𝄞a', 'ab', 'bab'];
    const scores = Float32Array.of(-9, -9, -9, -1, -1, -1);
    expect(sentencePieceMerges(pieces, scores)).toEqual(['b ab', '𝄞 a', 'a b']);
  });
});
