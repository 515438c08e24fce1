import { describe, expect, it } from 'vitest';

import { fixtureVocabulary } from '../testing/vocabularies.js';
import { expectVocabularySize, padVocabulary } from './vocabulary-size.js';

describe('expectVocabularySize', () => {
  it('accepts equal sizes only', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    expectVocabularySize(vocabulary, 480);
    for (const rows of [479, 481]) {
      expect(() => expectVocabularySize(vocabulary, rows, 'tokenizer.model')).toThrow(
        expect.objectContaining({
          code: 'tokenizer/size-mismatch',
          message: `the tokenizer has 480 tokens, the embedding ${rows} rows`,
          hint: 'take the tokenizer that came with these weights',
          path: 'tokenizer.model',
        }),
      );
    }
  });
});

describe('padVocabulary', () => {
  it('names rows without a token as llama.cpp does', () => {
    const padded = padVocabulary(fixtureVocabulary('llama2-tiny'), 483);
    expect(padded.size).toBe(483);
    expect(padded.baseSize).toBe(480);
    expect(padded.pieces.slice(480)).toEqual(['[PAD480]', '[PAD481]', '[PAD482]']);
    expect(padded.types.slice(479)).toEqual(Int32Array.of(1, 5, 5, 5));
    expect(padded.scores?.slice(480)).toEqual(Float32Array.of(-10000, -10000, -10000));
  });

  it('gives byte-level tokens no scores', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    const padded = padVocabulary(vocabulary, 721);
    expect(padded.scores).toBeUndefined();
    expect(padded.pieces.at(-1)).toBe('[PAD720]');
    expect(padded.merges()).toBe(vocabulary.merges());
  });

  it('leaves a vocabulary that fits alone', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    expect(padVocabulary(vocabulary, 720)).toBe(vocabulary);
  });

  it('refuses too few and absurdly many rows', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    expect(() => padVocabulary(vocabulary, 719)).toThrow(expect.objectContaining({ code: 'tokenizer/size-mismatch' }));
    expect(() => padVocabulary(vocabulary, 2 ** 40)).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported' }),
    );
  });
});
