import { describe, expect, it } from 'vitest';

import { expectedJson, TEXT_MODELS } from '../testing/fixtures.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { compareVocabularies } from './compare.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { padVocabulary } from './vocabulary-size.js';

interface Expected {
  readonly 'convert-f32': { readonly kv: readonly { key: string; type: string; value?: unknown; n?: number }[] };
  readonly arrays: Readonly<Record<string, readonly (string | number)[]>>;
}

const fieldMap = (name: string) =>
  new Map<string, { value: unknown }>(ggufTokenizerFields(fixtureVocabulary(name)).map((field) => [field.key, field]));

describe('ggufTokenizerFields', () => {
  it.each(TEXT_MODELS)('writes what llama.cpp writes for %s', (name) => {
    const expected = expectedJson<Expected>(name, 'gguf.json');
    const wanted = expected['convert-f32'].kv
      .filter(({ key }) => key.startsWith('tokenizer.'))
      .map(({ key, type, value }) => ({ key, type, value: type.startsWith('arr') ? expected.arrays[key] : value }));
    const fields = ggufTokenizerFields(fixtureVocabulary(name)).map(({ key, type, value }) => ({
      ...{ key, type },
      value: typeof value === 'object' ? Array.from<string | number>(value) : value,
    }));
    expect(wanted.length).toBeGreaterThan(8);
    expect(fields).toEqual(wanted);
  });

  it('says that no space is put before the text, where that is so', () => {
    const vocabulary = fixtureVocabulary('llama1-tiny');
    const fields = ggufTokenizerFields({ ...vocabulary, spaces: { addPrefix: false, removeExtra: false } });
    expect(fields.at(-1)).toEqual({ key: 'tokenizer.ggml.add_space_prefix', type: 'bool', value: false });
    const back = vocabularyFromGguf(new Map(fields.map((field) => [field.key, field])));
    expect(back.spaces?.addPrefix).toBe(false);
  });

  it('recovers the scores that tokenizer.json leaves out', () => {
    const vocabulary = fixtureVocabulary('llama1-tiny');
    const fields = ggufTokenizerFields({ ...vocabulary, scores: undefined });
    expect(fields.find(({ key }) => key === 'tokenizer.ggml.scores')?.value).toEqual(vocabulary.scores);
  });

  it('refuses merges in an order that no scores by id give', () => {
    const vocabulary = fixtureVocabulary('llama1-tiny');
    const merges = () => Array.from(vocabulary.merges()).reverse();
    expect(() => ggufTokenizerFields({ ...vocabulary, scores: undefined, merges })).toThrow(
      expect.objectContaining({
        code: 'tokenizer/unsupported',
        hint: 'put the tokenizer.model of this model into its folder',
      }),
    );
  });
});

describe('vocabularyFromGguf', () => {
  it.each(TEXT_MODELS)('reads back the vocabulary of %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    const back = vocabularyFromGguf(fieldMap(name));
    expect(compareVocabularies(vocabulary, back)).toEqual([]);
    for (const key of ['kind', 'size', 'baseSize', 'generation', 'bosId', 'eosId', 'unknownId'] as const) {
      expect(back[key]).toEqual(vocabulary[key]);
    }
    // a SentencePiece model finds what a user defined in another way
    expect(back.spaces && { addedInside: true, ...back.spaces }).toEqual(vocabulary.spaces);
    expect(back.merges()).toEqual([...vocabulary.merges()]);
    expect(back.merges()).toBe(back.merges());
  });

  it.each(['llama2-tiny', 'llama3-tiny'])('tells padding from tokens: %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    const padded = padVocabulary(vocabulary, vocabulary.size + 5);
    const back = vocabularyFromGguf(new Map(ggufTokenizerFields(padded).map((field) => [field.key, field])));
    expect(back).toMatchObject({ size: vocabulary.size + 5, baseSize: vocabulary.baseSize });
    expect(back.merges()).toEqual([...vocabulary.merges()]);
  });

  it('takes plain arrays and the defaults of files that say less', () => {
    const fields = fieldMap('llama1-tiny');
    const vocabulary = fixtureVocabulary('llama1-tiny');
    fields.set('tokenizer.ggml.scores', { value: Array.from(vocabulary.scores ?? []) });
    fields.set('tokenizer.ggml.token_type', { value: Uint32Array.from(vocabulary.types) });
    for (const key of ['pre', 'bos_token_id', 'eos_token_id', 'add_bos_token']) fields.delete(`tokenizer.ggml.${key}`);
    expect(compareVocabularies(vocabulary, vocabularyFromGguf(fields))).toEqual([]);

    const bytes = fieldMap('llama3-tiny');
    for (const key of ['pre', 'bos_token_id', 'eos_token_id']) bytes.delete(`tokenizer.ggml.${key}`);
    expect(compareVocabularies(fixtureVocabulary('llama3-tiny'), vocabularyFromGguf(bytes))).toEqual([]);
  });

  it('finds the unknown token by key, by type, or takes the first', () => {
    const fields = fieldMap('llama1-tiny');
    expect(vocabularyFromGguf(fields).unknownId).toBe(0);
    fields.set('tokenizer.ggml.unknown_token_id', { value: 7 });
    expect(vocabularyFromGguf(fields).unknownId).toBe(7);
    fields.delete('tokenizer.ggml.unknown_token_id');
    fields.set('tokenizer.ggml.token_type', { value: new Int32Array(512).fill(1) });
    expect(vocabularyFromGguf(fields).unknownId).toBe(0);
  });

  it('knows no release where the special tokens have other names or none', () => {
    const fields = fieldMap('llama3-tiny');
    fields.set('tokenizer.ggml.token_type', { value: new Int32Array(720).fill(1) });
    expect(vocabularyFromGguf(fields)).toMatchObject({ baseSize: 720, generation: undefined });
  });

  it.each([
    ['model', undefined, 'tokenizer.ggml.model is missing, not a string'],
    ['model', 1, 'tokenizer.ggml.model is a number, not a string'],
    ['tokens', undefined, 'tokenizer.ggml.tokens is missing, not an array of strings'],
    ['tokens', [1], 'tokenizer.ggml.tokens is an array of another kind, not an array of strings'],
    ['tokens', 'a', 'tokenizer.ggml.tokens is a string, not an array of strings'],
    ['token_type', undefined, 'tokenizer.ggml.token_type is missing, not an array of numbers'],
    ['token_type', ['1'], 'tokenizer.ggml.token_type is an array of another kind, not an array of numbers'],
    ['token_type', [1, 1], 'tokenizer.ggml.token_type has 2 entries, but there are 720 tokens'],
    ['token_type', new Int32Array(720), 'tokenizer.ggml.token_type gives token 0 the type 0; types go from 1 to 6'],
    ['merges', undefined, 'tokenizer.ggml.merges is missing, not an array of strings'],
    ['bos_token_id', 720, 'tokenizer.ggml.bos_token_id is 720, not the id of one of the 720 tokens'],
    ['eos_token_id', -1, 'tokenizer.ggml.eos_token_id is -1, not the id of one of the 720 tokens'],
    ['eos_token_id', 1.5, 'tokenizer.ggml.eos_token_id is 1.5, not the id of one of the 720 tokens'],
    ['eos_token_id', '1', 'tokenizer.ggml.eos_token_id is a string, not the id of one of the 720 tokens'],
  ])('refuses %s = %j', (key, value, message) => {
    const fields = fieldMap('llama3-tiny').set(`tokenizer.ggml.${key}`, { value });
    expect(() => vocabularyFromGguf(fields, 'x.gguf')).toThrow(
      expect.objectContaining({ code: 'tokenizer/malformed', message, path: 'x.gguf' }),
    );
  });

  it.each([
    ['model', 'bert', 'the GGUF file\'s tokenizer is of the kind "bert"; a Llama\'s is "llama" or "gpt2"'],
    [
      'pre',
      'qwen2',
      'the GGUF file splits text by the rule "qwen2"; Llama 3 splits by "llama-bpe", Llama 4 by "llama4"',
    ],
    [
      'tokens',
      Array<string>((1 << 20) + 1).fill(''),
      'the GGUF file has 1048577 tokens; a tokenizer has at most 1048576',
    ],
  ])('does not support every %s', (key, value, message) => {
    const fields = fieldMap('llama3-tiny').set(`tokenizer.ggml.${key}`, { value });
    expect(() => vocabularyFromGguf(fields)).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', message }),
    );
  });

  it('needs scores for SentencePiece', () => {
    const fields = fieldMap('llama1-tiny');
    fields.delete('tokenizer.ggml.scores');
    expect(() => vocabularyFromGguf(fields)).toThrow(
      expect.objectContaining({ message: 'tokenizer.ggml.scores is missing, not an array of numbers' }),
    );
  });
});
