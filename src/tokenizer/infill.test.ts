import { describe, expect, it } from 'vitest';

import { START_PIECES, piece, BPE_TRAINER, bytesField, numberField } from '../testing/sentencepiece-model.js';
import { ggufTokenizerFields } from './gguf-fields.js';
import { infillTokens } from './infill.js';
import { summaryOf } from './summary.js';
import { parseTokenizerModel } from './tokenizer-model.js';

/** The vocabulary of these pieces after the three that all begin with. */
const vocabularyOf = (...pieces: string[]) =>
  parseTokenizerModel(
    Uint8Array.from([...START_PIECES, ...pieces.flatMap((text) => piece(text)), ...BPE_TRAINER, ...SPACES_STAY]),
    { ...{ path: 'tokenizer.model', generation: 'llama3', endOfTurn: false } },
  );

/** `remove_extra_whitespaces` is on where nothing is said of it. */
const SPACES_STAY = bytesField(3, numberField(4, 0));

describe('the infill tokens of Code Llama', () => {
  it('are found by their pieces, and written as llama.cpp’s converter does', () => {
    const vocabulary = vocabularyOf('a', '▁<SUF>', '▁<PRE>', '▁<MID>', '▁<EOT>');
    expect(infillTokens(vocabulary)).toEqual({ prefix: 5, suffix: 4, middle: 6, end: 7 });
    expect(summaryOf(vocabulary).infill).toEqual({ prefix: 5, suffix: 4, middle: 6, end: 7 });
    expect(ggufTokenizerFields(vocabulary).slice(-5)).toEqual([
      { key: 'tokenizer.ggml.add_eos_token', type: 'bool', value: false },
      { key: 'tokenizer.ggml.prefix_token_id', type: 'u32', value: 5 },
      { key: 'tokenizer.ggml.suffix_token_id', type: 'u32', value: 4 },
      { key: 'tokenizer.ggml.middle_token_id', type: 'u32', value: 6 },
      { key: 'tokenizer.ggml.eot_token_id', type: 'u32', value: 7 },
    ]);
  });

  it('are none where one of them is absent', () => {
    const vocabulary = vocabularyOf('a', '▁<SUF>', '▁<PRE>', '▁<MID>');
    expect(infillTokens(vocabulary)).toBeUndefined();
    expect(summaryOf(vocabulary)).not.toHaveProperty('infill');
    expect(ggufTokenizerFields(vocabulary).at(-1)?.key).toBe('tokenizer.ggml.add_eos_token');
    expect(infillTokens({ kind: 'byte-level-bpe', pieces: ['▁<PRE>', '▁<SUF>', '▁<MID>', '▁<EOT>'] })).toBeUndefined();
  });
});
