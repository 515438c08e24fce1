import { describe, expect, it } from 'vitest';

import { TEXT_MODELS } from '../testing/fixtures.js';
import { fixtureVocabulary, tokenizerBytes, tokenizerJsonText } from '../testing/vocabularies.js';
import { compareVocabularies } from './compare.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { parseSentencePiece } from './sentencepiece.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { tokenizerModelBytes } from './tokenizer-model-write.js';
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.js';
import { padVocabulary } from './vocabulary-size.js';

const throughJson = (vocabulary: Vocabulary) =>
  parseTokenizerJson(new TextEncoder().encode(tokenizerJsonText(vocabulary)));
const throughGguf = (vocabulary: Vocabulary) =>
  vocabularyFromGguf(new Map(ggufTokenizerFields(vocabulary).map((field) => [field.key, field])));
const reread = (bytes: Uint8Array) => parseTokenizerModel(bytes, { generation: 'llama3.1', endOfTurn: false });

const byKind = (kind: Vocabulary['kind']) => TEXT_MODELS.filter((name) => fixtureVocabulary(name).kind === kind);

describe('tokenizerModelBytes of byte-level BPE', () => {
  it.each(byKind('byte-level-bpe'))('gives the very file from all three forms: %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    for (const form of [vocabulary, throughJson(vocabulary), throughGguf(vocabulary)]) {
      expect(Buffer.from(tokenizerModelBytes(form)).equals(tokenizerBytes(name))).toBe(true);
    }
  });

  const vocabulary = fixtureVocabulary('llama3.2-tiny');
  const { baseSize, pieces, size } = vocabulary;

  it.each<readonly [string, Partial<Vocabulary>, string]>([
    [
      'special tokens of no release',
      { generation: undefined },
      `256 tokens that are not those of a release follow the ${baseSize} of the text; ` +
        "a tokenizer.model cannot name them, and Meta's code expects its own special tokens",
    ],
    [
      'tokens that were added',
      padVocabulary(vocabulary, size + 1),
      `257 tokens follow the ${baseSize} of the text; ` +
        "a tokenizer.model cannot name them, and Meta's code expects its own 256",
    ],
    [
      'a token spelled otherwise',
      { pieces: pieces.with(3, 'a b') },
      'token 3, "a b", is not spelled in the alphabet of byte-level BPE',
    ],
    [
      'a token whose merges would take too long',
      { pieces: pieces.with(3, 'a'.repeat(257)) },
      'token 3 has 257 bytes; a token has at most 256',
    ],
    [
      'merges in another order',
      { mergesFollowIds: false, merges: () => Array.from(vocabulary.merges()).reverse() },
      'the merges are not in the order of the tokens, which is all that a tokenizer.model can say',
    ],
    [
      'merges left out',
      { mergesFollowIds: false, merges: () => Array.from(vocabulary.merges()).slice(1) },
      'the merges are not in the order of the tokens, which is all that a tokenizer.model can say',
    ],
  ])('refuses %s', (_, change, message) => {
    expect(() => tokenizerModelBytes({ ...vocabulary, ...change })).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', message }),
    );
  });
});

describe('tokenizerModelBytes of SentencePiece', () => {
  it.each(byKind('sentencepiece'))('keeps pieces, scores and types from all three forms: %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    const written = [vocabulary, throughJson(vocabulary), throughGguf(vocabulary)].map(tokenizerModelBytes);
    const { unknownId, bosId, eosId, ...back } = parseSentencePiece(written[0]!);
    expect({ unknownId, bosId, eosId }).toEqual({ unknownId: 0, bosId: 1, eosId: 2 });
    expect(back).toMatchObject({ modelType: 2, byteFallback: true, pieces: vocabulary.pieces });
    expect(back.scores).toEqual(vocabulary.scores);
    expect(back.types).toEqual(vocabulary.types);
    expect(compareVocabularies(reread(written[0]!), vocabulary)).toEqual([]);
    expect(written[1]).toEqual(written[0]);
    expect(written[2]).toEqual(written[0]);
  });

  it("begins like Meta's file: only what was left out of the settings differs", () => {
    const [written, original] = [tokenizerModelBytes(fixtureVocabulary('llama2-tiny')), tokenizerBytes('llama2-tiny')];
    const differs = written.findIndex((byte, at) => byte !== original[at]);
    const lastPiece = Buffer.from(original).indexOf(fixtureVocabulary('llama2-tiny').pieces.at(-1) ?? '');
    expect(differs).toBeGreaterThan(lastPiece);
  });

  it('keeps unusual settings', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const types = vocabulary.types.map((type, id) => (id === 0 ? 3 : id === 2 ? 2 : type === 6 ? 1 : type));
    const spaces = { addPrefix: false, removeExtra: true };
    const written = tokenizerModelBytes({ ...vocabulary, types, unknownId: 2, bosId: 0, eosId: 1, spaces });
    expect(parseSentencePiece(written)).toMatchObject({
      ...{ unknownId: 2, bosId: 0, eosId: 1, byteFallback: false },
      ...{ addDummyPrefix: false, removeExtraWhitespaces: true },
    });
  });

  it('gives added tokens and padding the scores that llama.cpp gives them', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const { size, pieces, types } = vocabulary;
    const added: Vocabulary = {
      ...vocabulary,
      ...{ size: size + 1, scores: undefined, pieces: [...pieces, '<|im_start|>'] },
      types: Int32Array.of(...types, TOKEN_TYPE.userDefined),
    };
    const { scores, types: written } = parseSentencePiece(tokenizerModelBytes(padVocabulary(added, size + 2)));
    expect([...scores.slice(size)]).toEqual([-1000, -10_000]);
    expect([...written.slice(size)]).toEqual([TOKEN_TYPE.userDefined, TOKEN_TYPE.unused]);
  });

  it('refuses a vocabulary without a token for unknown text', () => {
    expect(() => tokenizerModelBytes({ ...fixtureVocabulary('llama2-tiny'), unknownId: undefined })).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported' }),
    );
  });
});
