import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { fixtureVocabulary } from '../testing/vocabularies.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { tokenizerJson } from './tokenizer-json.js';
import { padVocabulary } from './vocabulary-size.js';

/** What tokenizers 0.23.2 wrote for the fixtures, converted by transformers 4.57.6 (TikTokenConverter, LlamaConverter). */
const WRITTEN_BY_HUGGING_FACE: Readonly<Record<string, string>> = {
  'llama3.2-tiny': 'bba98396e78f650fcd4d20cbb50175d107e426ebad62c8dde8d059739001fc91',
  'llama3.2-tiny-no-output': '8c3111eff62f40d3ef42fa71fdb12a591dc9144f870741ac573ac08d2c61a3a1',
  'llama3-tiny': 'db1001372d9966dbf928d498bbef8e567db74755b3bd071763cfa554dbe98586',
  'llama3-tiny-4shards': '114bd8b469f30f8ca0f19f89c8c94d600c20b2afdce9ecca165f5f4900b1adae',
  'llama1-tiny': 'e1354bf9c239f1ebc5af3b4bfa377a5b16293de054e32ce102b51dffec6b7aa4',
  'llama2-tiny': '458f0b2c61c1297594bbf27cad757f484f1c87ca55fc70c483439d4886c57454',
  'llama2-tiny-2shards': 'c7d4809ee52b1dea953e0486752461e08d0f468a97813c3bafc420941819117b',
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const textOf = (...parameters: Parameters<typeof tokenizerJson>): string => [...tokenizerJson(...parameters)].join('');

describe('tokenizerJson', () => {
  it.each(Object.keys(WRITTEN_BY_HUGGING_FACE))('writes %s byte for byte as the library does', (name) => {
    expect(sha256(textOf(fixtureVocabulary(name), { mergesAs: 'pairs' }))).toBe(WRITTEN_BY_HUGGING_FACE[name]);
  });

  it.each(Object.keys(WRITTEN_BY_HUGGING_FACE))('writes merges as strings unless told otherwise: %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    const strings = textOf(vocabulary, { mergesAs: 'pairs' })
      .replace(/\[\n {8}"(.+)",\n {8}"(.+)"\n {6}\]/g, '"$1 $2"')
      // A setting that came later than SentencePiece files with strings.
      .replace('    "ignore_merges": false,\n', '');
    expect(textOf(vocabulary)).toBe(strings);
    expect(strings).toMatch(/"merges": \[\n {6}"\S+ \S+",\n/);
  });

  it('hands out chunks of bounded size', () => {
    const merges = Array.from({ length: 20_000 }, (_, index) => `a ${index}`);
    const chunks = [...tokenizerJson({ ...fixtureVocabulary('llama3-tiny'), merges: () => merges })];
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThan(66_000);
    const { model } = JSON.parse(chunks.join('')) as { model: { merges: string[] } };
    expect(model.merges).toEqual(merges);
  });

  it('leaves padding out', () => {
    for (const name of ['llama2-tiny', 'llama3-tiny']) {
      const vocabulary = fixtureVocabulary(name);
      expect(textOf(padVocabulary(vocabulary, vocabulary.size + 9))).toBe(textOf(vocabulary));
    }
  });

  it('writes a vocabulary without merges', () => {
    const vocabulary = parseTokenizerModel(new TextEncoder().encode('IQ== 0\n'), {
      ...{ generation: 'llama3', endOfTurn: false },
    });
    const text = textOf(vocabulary);
    expect(JSON.stringify(JSON.parse(text), null, 2)).toBe(text);
    expect(text).toMatch(/"vocab": \{\n {6}"!": 0\n {4}\},\n {4}"merges": \[\]\n {2}\}\n\}$/);
  });

  it('neither prepends nor strips a space where the model does not', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const text = textOf({ ...vocabulary, spaces: { addPrefix: false, removeExtra: false }, unknownId: undefined });
    const json = JSON.parse(text) as Record<string, Record<string, unknown>>;
    expect(json['normalizer']?.['normalizers']).toEqual([{ type: 'Replace', pattern: { String: ' ' }, content: '▁' }]);
    expect(json['decoder']?.['decoders']).toHaveLength(3);
    expect(json['model']?.['unk_token']).toBeNull();
  });
});
