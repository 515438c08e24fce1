/**
 * The published tokenizers of Llama 2 and 3, against the published files made from them.; src/testing/real-tokenizers.ts
 * says where they are looked for.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { tokenizerJsonText } from '../testing/vocabularies.js';
import { FIXTURES } from '../testing/fixtures.js';
import { REAL_TOKENIZER, realTitle, realTokenizer, realTokenizerText } from '../testing/real-tokenizers.js';
import { compareVocabularies } from './compare.js';
import { ggufTokenizerFields, type GgufTokenizerField, vocabularyFromGguf } from './gguf-fields.js';
import { Tokenizer } from './tokenizer.js';
import { countTiktokenRanks } from './tiktoken.js';
import { tokenizerJson, type TokenizerJsonOptions } from './tokenizer-json.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { tokenizerModelBytes } from './tokenizer-model-write.js';
import type { Vocabulary } from './vocabulary.js';

const LLAMA_3 = realTokenizer('llama3');
const LLAMA_2 = realTokenizer('llama2');
const bytesOf = (file: Uint8Array | undefined): Uint8Array => file ?? new Uint8Array();

function jsonHash(vocabulary: Vocabulary, mergesAs: TokenizerJsonOptions['mergesAs']): string {
  const hash = createHash('sha256');
  for (const chunk of tokenizerJson(vocabulary, { mergesAs }).chunks()) hash.update(chunk);
  return hash.digest('hex');
}

/** Hash of an array's elements as they lie in a GGUF file. */
function arrayHash({ value }: GgufTokenizerField): string {
  const hash = createHash('sha256');
  if (value instanceof Int32Array || value instanceof Float32Array) return hash.update(value).digest('hex');
  for (const text of value as readonly string[]) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(Buffer.byteLength(text)));
    hash.update(length).update(text);
  }
  return hash.digest('hex');
}

function arrayHashes(vocabulary: Vocabulary): Record<string, string> {
  const arrays = ggufTokenizerFields(vocabulary).filter(({ type }) => type.startsWith('arr'));
  return Object.fromEntries(arrays.map((field) => [field.key.replace('tokenizer.ggml.', ''), arrayHash(field)]));
}

function throughJson(vocabulary: Vocabulary): Vocabulary {
  return parseTokenizerJson(new TextEncoder().encode(tokenizerJsonText(vocabulary)));
}

function throughGguf(vocabulary: Vocabulary): Vocabulary {
  return vocabularyFromGguf(new Map(ggufTokenizerFields(vocabulary).map((field) => [field.key, field])));
}

/** Each way round: to another form, on to the third, and back to the file of Meta's. */
function expectRoundTrips(vocabulary: Vocabulary, sha256: string): void {
  const [json, gguf] = [throughJson(vocabulary), throughGguf(vocabulary)];
  for (const other of [json, gguf, throughGguf(json), throughJson(gguf)]) {
    expect(compareVocabularies(vocabulary, other)).toEqual([]);
    expect(createHash('sha256').update(tokenizerModelBytes(other)).digest('hex')).toBe(sha256);
  }
}

describe.skipIf(LLAMA_3 === undefined)(realTitle('the tokenizer of Llama 3', LLAMA_3), () => {
  it.each([
    ['llama3', '23983359e84a0ec8ec7cee8224afcc069c587b317e47ade6010e2ca03cbc1d88'],
    ['llama3.1', 'b61aa1815dcb1b349af90dfb3ad88078522ea774f3d0c9d4aa7244ebb180f9df'],
  ] as const)('gives the arrays that llama.cpp writes (%s)', (generation, tokens) => {
    const vocabulary = parseTokenizerModel(bytesOf(LLAMA_3), { generation, endOfTurn: false, vocabSize: 128256 });
    expect(vocabulary.merges()).toHaveLength(280_147);
    expect(arrayHashes(vocabulary)).toEqual({
      tokens,
      token_type: 'c1c2e055fda0cf38738c73b23eed1705380c9a8794b5e5ae2d183a6e5d4816cb',
      merges: '44546c8009a5993ff850e2288dbd2b0213643cd224445cd9c8c6bf452112d669',
    });
  });

  it('gives the published tokenizer.json, in its older and its newer form', () => {
    const vocabulary = parseTokenizerModel(bytesOf(LLAMA_3), { generation: 'llama3.1', endOfTurn: true });
    expect(jsonHash(vocabulary, undefined)).toBe('79e3e522635f3171300913bb421464a87de6222182a0570b9b2ccba2a964b2b4');
    expect(jsonHash(vocabulary, 'pairs')).toBe('6b9e4e7fb171f92fd137b777cc2714bf87d11576700a1dcd7a399e7bbe39537b');
  });

  it('goes through tokenizer.json and GGUF unchanged, and back into the file of Meta', () => {
    expect(countTiktokenRanks(bytesOf(LLAMA_3))).toBe(128_000);
    expectRoundTrips(
      parseTokenizerModel(bytesOf(LLAMA_3), { generation: 'llama3', endOfTurn: false }),
      REAL_TOKENIZER.llama3,
    );
  });
});

describe.skipIf(LLAMA_2 === undefined)(realTitle('the tokenizer of Llama 1 and 2', LLAMA_2), () => {
  const parse = (): Vocabulary =>
    parseTokenizerModel(bytesOf(LLAMA_2), { generation: 'llama3', endOfTurn: false, vocabSize: 32_000 });

  it('gives the arrays that llama.cpp writes', () => {
    expect(arrayHashes(parse())).toEqual({
      tokens: '621e8daacd0e30060399ba04fb9bcdb58f8d185b4992ca43b4f9e2d1a86eebc9',
      scores: '22d236f7d0f4505e240f48f220dc410d8b96b471e3df11c17be9f7fbf6375ac2',
      token_type: '669bb0f5a2b043975aeb7c39bdb03ca87c00eb5e206cf2a20569c86dbfb04874',
    });
  });

  it('gives the tokenizer.json that tokenizers 0.23 writes', () => {
    expect(jsonHash(parse(), 'pairs')).toBe('b6fa577798fdc9a20c4502fc9f9931cce13f1c6c8c7a4ac617924affc12cb3c3');
  });

  it('goes through tokenizer.json and GGUF unchanged, and back into the file of Meta', () => {
    expectRoundTrips(parse(), REAL_TOKENIZER.llama2);
  });
});

interface RealExpected {
  readonly strings: Readonly<Record<string, readonly number[]>>;
}

/** The texts and ids of llama.cpp's test files, and those of `expected.json`. */
function vectors(vocabulary: string, name: string): (readonly [string, readonly number[]])[] {
  const texts = realTokenizerText(`ggml-vocab-${vocabulary}.gguf.inp`)?.split('\n__ggml_vocab_test__\n') ?? [];
  const lines = realTokenizerText(`ggml-vocab-${vocabulary}.gguf.out`)?.split('\n') ?? [];
  const json = JSON.parse(realTokenizerText('expected.json') ?? '{}') as Record<string, RealExpected>;
  const idsOf = (line = ''): number[] => line.split(' ').filter(Boolean).map(Number);
  return [
    ...texts.map((text, index) => [text, idsOf(lines[index])] as const),
    ...Object.entries(json[name]?.strings ?? {}),
  ];
}

describe.each([
  { name: 'llama3', file: LLAMA_3, vocabulary: 'llama-bpe' },
  { name: 'llama2', file: LLAMA_2, vocabulary: 'llama-spm' },
])('the test texts of $name', ({ name, file, vocabulary }) => {
  const all = vectors(vocabulary, name);
  const needed = [file, all.length > 0 ? all : undefined];

  describe.skipIf(needed.includes(undefined))(realTitle('of llama.cpp, tiktoken and SentencePiece', ...needed), () => {
    const model = (): Vocabulary => parseTokenizerModel(bytesOf(file), { generation: 'llama3', endOfTurn: false });

    it.each([
      ['tokenizer.model', model],
      ['tokenizer.json', () => throughJson(model())],
      ['GGUF', () => throughGguf(model())],
    ])('have the same ids and come back, from %s', (_, read) => {
      expect(all).toHaveLength(47 + 23);
      const tokenizer = new Tokenizer(read());
      for (const [text, ids] of all) {
        expect(tokenizer.encode(text)).toEqual(ids);
        expect(tokenizer.decode(ids)).toBe(name === 'llama2' ? text.replaceAll('▁', ' ') : text);
      }
    });
  });
});

const RANDOM = JSON.parse(readFileSync(join(FIXTURES, 'tokenizers/vectors.json'), 'utf8')) as {
  readonly texts: readonly (readonly [string, number[], number[]])[];
  readonly ids: readonly (readonly [number[], string, number[], string])[];
};

describe.skipIf(LLAMA_2 === undefined || LLAMA_3 === undefined)(
  realTitle('random texts and ids of tiktoken and SentencePiece', LLAMA_2, LLAMA_3),
  () => {
    const open = (file: Uint8Array | undefined): Tokenizer =>
      new Tokenizer(parseTokenizerModel(bytesOf(file), { generation: 'llama3', endOfTurn: false }));

    it('have the same ids and texts', () => {
      const [llama2, llama3] = [open(LLAMA_2), open(LLAMA_3)];
      for (const [text, ids3, ids2] of RANDOM.texts) {
        expect([llama3.encode(text), llama2.encode(text)]).toEqual([ids3, ids2]);
      }
      for (const [ids3, text3, ids2, text2] of RANDOM.ids) {
        expect([llama3.decode(ids3), llama2.decode(ids2)]).toEqual([text3, text2]);
      }
    });
  },
);
