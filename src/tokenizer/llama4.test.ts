import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { tokenizerJsonText } from '../testing/vocabularies.js';
import { FIXTURES } from '../testing/fixtures.js';
import { compareVocabularies } from './compare.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { specialTokenNames } from './special-tokens.js';
import { Tokenizer } from './tokenizer.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { tokenizerModelBytes } from './tokenizer-model-write.js';
import type { Vocabulary } from './vocabulary.js';

interface Facts {
  'tokenizer.model': string;
  names: { count: number; sha256: string };
  'tokenizer.json': { sha256: string; merges: number };
  converted: { sha256: string; added_tokens: number; last: { id: number; content: string } };
  vectors: { text: string; ids: number[]; special?: number[] }[];
}

/** A small vocabulary of our own, and what tiktoken and Hugging Face's tokenizers make of it. */
const TRUTH = JSON.parse(readFileSync(join(FIXTURES, 'tokenizers', 'llama4.json'), 'utf8')) as Facts;
const FILE = new TextEncoder().encode(TRUTH['tokenizer.model']);
const VOCABULARY = parseTokenizerModel(FILE, { generation: 'llama4', endOfTurn: false });

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const jsonOf = (vocabulary: Vocabulary): string => tokenizerJsonText(vocabulary, { mergesAs: 'pairs' });

it('has the special tokens of Meta’s code', () => {
  const names = specialTokenNames('llama4');
  expect({ count: names.length, sha256: sha256(names.join('\n')) }).toEqual(TRUTH.names);
});

it('ends texts and turns with the tokens of Meta’s code', () => {
  const turns = parseTokenizerModel(FILE, { generation: 'llama4', endOfTurn: true });
  const spelled = ({ pieces, bosId, eosId }: Vocabulary) => [pieces[bosId], pieces[eosId]];
  expect(spelled(VOCABULARY)).toEqual(['<|begin_of_text|>', '<|end_of_text|>']);
  expect(spelled(turns)).toEqual(['<|begin_of_text|>', '<|eot|>']);
});

/** The vocabulary with the special tokens that Hugging Face's conversion of Llama 4 writes. */
function asConverted(): Vocabulary {
  const { pieces, types, baseSize } = VOCABULARY;
  const { last, added_tokens: count } = TRUTH.converted;
  const names = [...specialTokenNames('llama4').slice(0, count - 1), last.content];
  const size = baseSize + count;
  return {
    ...VOCABULARY,
    size,
    pieces: [...pieces.slice(0, baseSize), ...names],
    packedPieces: undefined,
    types: types.slice(0, size),
  };
}

const gguf = vocabularyFromGguf(new Map(ggufTokenizerFields(VOCABULARY).map(({ key, value }) => [key, { value }])));
const FORMS: [string, Vocabulary][] = [
  ['tokenizer.model', VOCABULARY],
  ['tokenizer.json', parseTokenizerJson(new TextEncoder().encode(jsonOf(VOCABULARY)))],
  ['tokenizer.json with fewer special tokens', parseTokenizerJson(new TextEncoder().encode(jsonOf(asConverted())))],
  ['GGUF', gguf],
];

describe.each(FORMS)('%s', (_, vocabulary) => {
  it('is the same vocabulary', () => {
    expect(compareVocabularies(VOCABULARY, vocabulary)).toEqual([]);
    expect([vocabulary.generation, vocabulary.split]).toEqual(['llama4', 'llama4']);
  });

  it('encodes as tiktoken does, with special tokens and without, and decodes', () => {
    const tokenizer = new Tokenizer(vocabulary);
    for (const { text, ids, special } of TRUTH.vectors) {
      expect([text, tokenizer.encode(text)]).toEqual([text, ids]);
      expect([text, tokenizer.encode(text, { special: true })]).toEqual([text, special ?? ids]);
      expect(tokenizer.decode(ids)).toBe(text);
    }
    expect(TRUTH.vectors.some(({ special }) => special !== undefined)).toBe(true);
  });

  it('becomes the same tokenizer.model again', () => {
    expect(tokenizerModelBytes(vocabulary)).toEqual(FILE);
  });
});

it('becomes the tokenizer.json of Hugging Face’s library, byte for byte', () => {
  expect(VOCABULARY.merges()).toHaveLength(TRUTH['tokenizer.json'].merges);
  expect(sha256(jsonOf(VOCABULARY))).toBe(TRUTH['tokenizer.json'].sha256);
  expect(sha256(jsonOf(asConverted()))).toBe(TRUTH.converted.sha256);
});

it('differs from the same tokens split by the rule of Llama 3', () => {
  expect(compareVocabularies(VOCABULARY, { ...VOCABULARY, split: 'llama3' })).toEqual([
    { aspect: 'split', first: undefined, count: 1, a: 'words of Llama 4', b: 'words of Llama 3' },
  ]);
});

it('refuses a tokenizer.json that splits by a rule that is not known', () => {
  const other = jsonOf(VOCABULARY).replace('[\\\\r\\\\n/]*', '[\\\\r\\\\n]*');
  expect(() => parseTokenizerJson(new TextEncoder().encode(other))).toThrow(
    expect.objectContaining({
      code: 'tokenizer/unsupported',
      message: expect.stringContaining('which is neither the rule of Llama 3 nor that of Llama 4') as unknown,
    }),
  );
});
