import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import { fixtureVocabulary, tokenizerJsonText } from '../testing/vocabularies.js';
import { parseTokenizerModel } from './tokenizer-model.js';
import { TokenTable } from './token-table.js';
import { tokenizerJson } from './tokenizer-json.js';
import type { PackedStrings, Vocabulary } from './vocabulary.js';
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

describe('tokenizerJson', () => {
  it.each(Object.keys(WRITTEN_BY_HUGGING_FACE))('writes %s byte for byte as the library does', (name) => {
    expect(sha256(tokenizerJsonText(fixtureVocabulary(name), { mergesAs: 'pairs' }))).toBe(
      WRITTEN_BY_HUGGING_FACE[name],
    );
  });

  it.each(Object.keys(WRITTEN_BY_HUGGING_FACE))('writes merges as strings unless told otherwise: %s', (name) => {
    const vocabulary = fixtureVocabulary(name);
    const strings = tokenizerJsonText(vocabulary, { mergesAs: 'pairs' })
      .replace(/\[\n {8}"(.+)",\n {8}"(.+)"\n {6}\]/g, '"$1 $2"')
      // A setting that came later than SentencePiece files with strings.
      .replace('    "ignore_merges": false,\n', '');
    expect(tokenizerJsonText(vocabulary)).toBe(strings);
    expect(strings).toMatch(/"merges": \[\n {6}"\S+ \S+",\n/);
  });

  it('hands out chunks of bounded size, as many bytes as it says, and the same again', () => {
    const merges = Array.from({ length: 20_000 }, (_, index) => `a ${index}`);
    const file = tokenizerJson({ ...fixtureVocabulary('llama3-tiny'), merges: () => merges });
    const lengths = Array.from(file.chunks(), ({ byteLength }) => byteLength);
    expect(Math.max(...lengths)).toBeLessThan(66_000);
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(file.byteLength);
    const [once, again] = [0, 1].map(() => Buffer.concat(Array.from(file.chunks(), (chunk) => chunk.slice())));
    expect(once?.equals(again!)).toBe(true);
    const { model } = JSON.parse(once!.toString()) as { model: { merges: string[] } };
    expect(model.merges).toEqual(merges);
  });

  it('makes the same of tokens that are packed as of strings, whatever JSON escapes, and makes no strings of them', () => {
    const pieces = ['"', '\\', '\u0000', '\u001f\n', '\u007f', 'Ġé', '😀', 'x'.repeat(70_000)];
    const merges = ['" \\', '\u001f x', `a ${'é'.repeat(40_000)}`];
    const strings: Vocabulary = {
      ...{ ...fixtureVocabulary('llama3-tiny'), pieces, packedPieces: undefined, size: 8, baseSize: 8 },
      ...{ types: new Int32Array(8).fill(1).fill(3, 6), bosId: 6, eosId: 7, merges: () => merges },
    };
    const packed: Vocabulary = {
      ...{ ...strings, packedPieces: packedStrings(pieces), merges: () => packedStrings(merges) },
      get pieces(): string[] {
        throw new Error('all of them became strings');
      },
    };
    for (const mergesAs of ['strings', 'pairs'] as const) {
      const text = tokenizerJsonText(packed, { mergesAs });
      expect(text).toBe(tokenizerJsonText(strings, { mergesAs }));
      const { model } = JSON.parse(text) as { model: { vocab: object; merges: unknown[] } };
      expect(Object.keys(model.vocab)).toEqual(pieces);
      const halves = (merge: string): unknown => (mergesAs === 'pairs' ? merge.split(' ') : merge);
      expect(model.merges).toEqual(merges.map(halves));
      expect(JSON.stringify(JSON.parse(text), null, 2)).toBe(text);
    }
  });

  it('leaves padding out', () => {
    for (const name of ['llama2-tiny', 'llama3-tiny']) {
      const vocabulary = fixtureVocabulary(name);
      expect(tokenizerJsonText(padVocabulary(vocabulary, vocabulary.size + 9))).toBe(tokenizerJsonText(vocabulary));
    }
  });

  it('writes a vocabulary without merges', () => {
    const vocabulary = parseTokenizerModel(new TextEncoder().encode('IQ== 0\n'), {
      ...{ generation: 'llama3', endOfTurn: false },
    });
    const text = tokenizerJsonText(vocabulary);
    expect(JSON.stringify(JSON.parse(text), null, 2)).toBe(text);
    expect(text).toMatch(/"vocab": \{\n {6}"!": 0\n {4}\},\n {4}"merges": \[\]\n {2}\}\n\}$/);
  });

  it('neither prepends nor strips a space where the model does not', () => {
    const vocabulary = fixtureVocabulary('llama2-tiny');
    const text = tokenizerJsonText({
      ...vocabulary,
      spaces: { addPrefix: false, removeExtra: false },
      unknownId: undefined,
    });
    const json = JSON.parse(text) as Record<string, Record<string, unknown>>;
    expect(json['normalizer']?.['normalizers']).toEqual([{ type: 'Replace', pattern: { String: ' ' }, content: '▁' }]);
    expect(json['decoder']?.['decoders']).toHaveLength(3);
    expect(json['model']?.['unk_token']).toBeNull();
  });
});

function packedStrings(strings: readonly string[]): PackedStrings {
  const encoded = strings.map((text) => new TextEncoder().encode(text));
  const offsets = Uint32Array.from([0, ...encoded.map(({ byteLength }) => byteLength)]);
  for (let id = 1; id < offsets.length; id++) offsets[id]! += offsets[id - 1]!;
  return new TokenTable({ bytes: Buffer.concat(encoded), offsets });
}
