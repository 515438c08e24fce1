/**
 * Spaces and special tokens, as SentencePiece and Hugging Face's library treat them (`fixtures/tokenizers/spaces.py`).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { bytesField, numberField } from '../testing/sentencepiece-model.js';
import { fixtureVocabulary, tokenizerBytes, tokenizerJsonText } from '../testing/vocabularies.js';
import { compareVocabularies } from './compare.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { Tokenizer } from './tokenizer.js';
import { tokenizerJson } from './tokenizer-json.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { tokenizerModelBytes } from './tokenizer-model-write.js';
import type { Vocabulary } from './vocabulary.js';

interface Vectors {
  readonly texts: readonly string[];
  readonly models: Readonly<Record<string, { readonly bytes: string; readonly ids: readonly number[][] }>>;
  readonly documents: Readonly<
    Record<string, { readonly keys: object; readonly added: readonly object[]; readonly ids: readonly number[][] }>
  >;
}

const { texts, models, documents } = JSON.parse(
  readFileSync(join(FIXTURES, 'tokenizers', 'spaces.json'), 'utf8'),
) as Vectors;

function modelWith(added: Uint8Array | readonly number[]): Vocabulary {
  const bytes = Uint8Array.of(...tokenizerBytes('llama2-tiny'), ...added);
  return parseTokenizerModel(bytes, { generation: 'llama3', endOfTurn: false });
}

function documentWith(keys: object, added: readonly object[] = []): Vocabulary {
  const written = JSON.parse(tokenizerJsonText(fixtureVocabulary('llama2-tiny'))) as {
    added_tokens: readonly object[];
  };
  const document = { ...written, ...keys, added_tokens: [...written.added_tokens, ...added] };
  return parseTokenizerJson(new TextEncoder().encode(JSON.stringify(document)), { path: 'tokenizer.json' });
}

const throughGguf = (vocabulary: Vocabulary): Vocabulary =>
  vocabularyFromGguf(new Map(ggufTokenizerFields(vocabulary).map((field) => [field.key, field])));

const encodeAll = (vocabulary: Vocabulary, special: boolean): number[][] => {
  const tokenizer = new Tokenizer(vocabulary);
  return texts.map((text) => tokenizer.encode(text, { special }));
};

describe('a tokenizer.model is run as SentencePiece runs it', () => {
  it.each(Object.entries(models))('%s', (_, { bytes, ids }) => {
    const vocabulary = modelWith(Buffer.from(bytes, 'hex'));
    expect(encodeAll(vocabulary, false)).toEqual(ids);
    const back = parseTokenizerModel(tokenizerModelBytes(vocabulary), { generation: 'llama3', endOfTurn: false });
    expect(encodeAll(back, false)).toEqual(ids);
  });

  it.each([
    ['a map of characters', bytesField(3, bytesField(2, 'map')), 'normalizes text (precompiled_charsmap)'],
    ['a map for what is decoded', bytesField(5, bytesField(2, 'map')), 'changes text that it decodes'],
    ['spaces that stay', bytesField(3, numberField(5, 0)), 'leaves spaces as they are (escape_whitespaces)'],
    ['a space behind', bytesField(2, numberField(24, 1)), 'puts the space after the text (treat_whitespace_as_suffix)'],
  ])('or not at all: %s', (_, settings, words) => {
    const vocabulary = modelWith(settings);
    const refused: unknown = expect.objectContaining({
      code: 'tokenizer/unsupported',
      message: expect.stringContaining(words) as string,
    });
    expect(() => new Tokenizer(vocabulary)).toThrow(refused);
    expect(() => ggufTokenizerFields(vocabulary)).toThrow(refused);
    expect(() => tokenizerJson(vocabulary)).toThrow(refused);
    expect(compareVocabularies(vocabulary, fixtureVocabulary('llama2-tiny'))).toMatchObject([{ aspect: 'split' }]);
  });
});

describe('a tokenizer.json is run as Hugging Face runs it', () => {
  it.each(Object.entries(documents))('%s', (_, { keys, added, ids }) => {
    expect(encodeAll(documentWith(keys, added), true)).toEqual(ids);
  });

  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false };
  const prepend = { type: 'Prepend', prepend: '▁' };
  it.each([
    ['words', { normalizer: null, pre_tokenizer: { ...metaspace, split: true } }, 'splits text before each space'],
    ['words by default', { normalizer: null, pre_tokenizer: { ...metaspace, split: undefined } }, 'splits text before'],
    ['another sign', { normalizer: null, pre_tokenizer: { ...metaspace, replacement: '_' } }, 'spells a space "_"'],
    ['two spaces', { normalizer: prepend, pre_tokenizer: metaspace }, 'puts a space before the text twice'],
    ['spaces that stay', { normalizer: prepend, pre_tokenizer: null }, 'leaves spaces as they are'],
    ['another begin', { normalizer: { type: 'Prepend', prepend: 'x' } }, 'normalizes text (Prepend)'],
  ])('or not at all: %s', (_, keys, words) => {
    expect(() => new Tokenizer(documentWith(keys))).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', message: expect.stringContaining(words) as string }),
    );
  });
});

it('a GGUF file is run as llama.cpp runs it: after each token that is found the text begins anew', () => {
  const { keys, added, ids } = documents['prepend']!;
  expect(encodeAll(throughGguf(documentWith(keys, added)), true)).toEqual(ids);
});

describe('spaces that are joined', () => {
  const joining = modelWith(Buffer.from(models['remove_extra_whitespaces']!.bytes, 'hex'));

  it('stay so in GGUF, and are compared', () => {
    const back = throughGguf(joining);
    expect(compareVocabularies(joining, back)).toEqual([]);
    expect(encodeAll(back, false)).toEqual(models['remove_extra_whitespaces']!.ids);
    expect(compareVocabularies(joining, fixtureVocabulary('llama2-tiny'))).toEqual([
      {
        ...{ aspect: 'spaces', first: undefined, count: 1 },
        ...{ a: 'a space before the text, runs of spaces joined', b: 'a space before the text' },
      },
    ]);
  });

  it('are refused for tokenizer.json', () => {
    expect(() => tokenizerJson(joining)).toThrow(expect.objectContaining({ code: 'tokenizer/unsupported' }));
  });

  it('take linear time, between letters and at the ends', () => {
    const tokenizer = new Tokenizer(joining);
    const run = ' '.repeat(1 << 20);
    expect(tokenizer.encode(`${run}is${run}is${run}`)).toEqual(tokenizer.encode('is is'));
  });
});
