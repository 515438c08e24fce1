import { describe, expect, it } from 'vitest';

import { BPE_TRAINER, bytesField, numberField, piece, START_PIECES } from '../testing/sentencepiece-model.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { TOKEN_TYPE } from './vocabulary.js';

const options = { generation: 'llama3', endOfTurn: false, path: 'tokenizer.model' } as const;

describe('parseTokenizerModel', () => {
  it('puts 256 special tokens behind tiktoken ranks', () => {
    const vocabulary = fixtureVocabulary('llama3.2-tiny', { vocabSize: 1024 });
    expect(vocabulary).toMatchObject({
      ...{ kind: 'byte-level-bpe', size: 1024, baseSize: 768, generation: 'llama3.1', bosId: 768, eosId: 769 },
      ...{ scores: undefined, unknownId: undefined, spaces: undefined },
    });
    expect(vocabulary.pieces[777]).toBe('<|eot_id|>');
    expect(vocabulary.types.indexOf(TOKEN_TYPE.control)).toBe(768);
  });

  it('lets instruct models end turns', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny', { endOfTurn: true });
    expect(vocabulary.eosId).toBe(464 + 9);
    expect(vocabulary.pieces[vocabulary.eosId]).toBe('<|eot_id|>');
  });

  it('reads SentencePiece, whatever release is named', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny', { generation: 'llama4', endOfTurn: true, vocabSize: 480 });
    expect(vocabulary).toMatchObject({
      ...{ kind: 'sentencepiece', size: 480, baseSize: 480, generation: undefined, bosId: 1, eosId: 2, unknownId: 0 },
      spaces: { addPrefix: true, removeExtra: false },
    });
  });

  it('derives merges once', () => {
    for (const name of ['llama2-tiny', 'llama3-tiny']) {
      const vocabulary = fixtureVocabulary(name);
      expect(vocabulary.merges()).toBe(vocabulary.merges());
    }
  });

  it('explains a tokenizer of another model', () => {
    expect(() => fixtureVocabulary('llama3-tiny-4shards', { vocabSize: 1024, path: 'm/tokenizer.model' })).toThrow(
      expect.objectContaining({
        code: 'tokenizer/size-mismatch',
        message: 'the tokenizer has 768 tokens (512 + 256 special), the embedding 1024 rows',
        path: 'm/tokenizer.model',
      }),
    );
  });

  it('refuses what is no tokenizer, and what is far too large', () => {
    expect(() => parseTokenizerModel(new Uint8Array((32 << 20) + 1), options)).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', path: 'tokenizer.model' }),
    );
    const page = new TextEncoder().encode('<html><title>403</title>');
    expect(() => parseTokenizerModel(page, options)).toThrow(expect.objectContaining({ code: 'source/html-page' }));
  });

  const trainer = (id: number, value: number) => bytesField(2, [...numberField(3, 2), ...numberField(id, value)]);

  it.each([
    ['is unigram', bytesField(2, []), 'unsupported', "is of type 1; a Llama's is of type 2 (BPE)"],
    [
      'has no begin token',
      trainer(41, -1),
      'malformed',
      'names token -1, which does not exist, as the one for the begin',
    ],
    ['has no end token', trainer(42, 9), 'malformed', 'names token 9, which does not exist, as the one for the end'],
    [
      'has a letter as end token',
      trainer(42, 3),
      'malformed',
      'names token 3, which is of type 1, as the one for the end',
    ],
    [
      'has <s> as unknown token',
      trainer(40, 1),
      'malformed',
      'names token 1, which is of type 3, as the one for unknown',
    ],
  ])('refuses a SentencePiece model that %s', (_, settings, cause, words) => {
    const bytes = Uint8Array.from([...START_PIECES, ...piece('a'), ...settings]);
    expect(() => parseTokenizerModel(bytes, options)).toThrow(
      expect.objectContaining({
        code: `tokenizer/${cause}`,
        message: expect.stringContaining(words) as string,
        path: 'tokenizer.model',
      }),
    );
  });

  it('reads the least SentencePiece model there is', () => {
    const bytes = Uint8Array.from([...START_PIECES, ...BPE_TRAINER]);
    const vocabulary = parseTokenizerModel(bytes, options);
    expect(vocabulary.pieces).toEqual(['<unk>', '<s>', '</s>']);
    expect(vocabulary.merges()).toEqual([]);
  });
});
