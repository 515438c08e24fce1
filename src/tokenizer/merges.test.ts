import { describe, expect, it } from 'vitest';

import { byteLevelMerges, sentencePieceMerges } from './merges.js';

// The orders below are those of transformers 4.57 (TikTokenConverter, generate_merges) for the same vocabularies.
describe('byteLevelMerges', () => {
  it('lists all cuts of a token by the id of the left half, tokens by their own', () => {
    expect(byteLevelMerges(['a', 'b', 'c', 'bc', 'ab', 'abc'])).toEqual(['b c', 'a b', 'a bc', 'ab c']);
  });

  it('leaves out cuts whose halves are no tokens', () => {
    expect(byteLevelMerges(['a', 'b', 'abab', 'xab'])).toEqual([]);
  });
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
