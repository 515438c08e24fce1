import { describe, expect, it } from 'vitest';

import { fixtureVocabulary } from '../testing/vocabularies.js';
import { compareVocabularies } from './compare.js';
import { padVocabulary } from './vocabulary-size.js';

describe('compareVocabularies', () => {
  it.each(['llama2-tiny', 'llama3-tiny'])('finds no difference between %s and itself', (name) => {
    expect(compareVocabularies(fixtureVocabulary(name), fixtureVocabulary(name))).toEqual([]);
  });

  it('stops at different kinds', () => {
    expect(compareVocabularies(fixtureVocabulary('llama2-tiny'), fixtureVocabulary('llama3-tiny'))).toEqual([
      { aspect: 'kind', first: undefined, count: 1, a: 'sentencepiece', b: 'byte-level-bpe' },
    ]);
  });

  it('sees the names of another release', () => {
    const a = fixtureVocabulary('llama3-tiny');
    const b = fixtureVocabulary('llama3-tiny', { generation: 'llama3.1', endOfTurn: true });
    expect(compareVocabularies(a, b)).toEqual([
      {
        ...{ aspect: 'piece', first: 468, count: 249 },
        ...{ a: '"<|reserved_special_token_2|>"', b: '"<|finetune_right_pad_id|>"' },
      },
      { aspect: 'eos', first: undefined, count: 1, a: '465 "<|end_of_text|>"', b: '473 "<|eot_id|>"' },
    ]);
  });

  it('compares the ids that both have where sizes differ', () => {
    const a = fixtureVocabulary('llama2-tiny');
    const b = padVocabulary(a, 500);
    expect(compareVocabularies(a, b)).toEqual([{ aspect: 'size', first: undefined, count: 1, a: '480', b: '500' }]);
  });

  it('reports types, scores, begin token and spaces', () => {
    const a = fixtureVocabulary('llama2-tiny');
    const b = {
      ...a,
      types: a.types.with(300, 5).with(301, 5),
      scores: a.scores?.with(400, -0.5),
      bosId: 3,
      spaces: { addPrefix: false, removeExtra: false },
    };
    expect(compareVocabularies(a, b)).toEqual([
      { aspect: 'type', first: 300, count: 2, a: '1', b: '5' },
      { aspect: 'score', first: 400, count: 1, a: String(a.scores?.[400]), b: '-0.5' },
      { aspect: 'bos', first: undefined, count: 1, a: '1 "<s>"', b: '3 "<0x00>"' },
      { aspect: 'spaces', first: undefined, count: 1, a: 'a space before the text', b: 'no space before the text' },
    ]);
  });

  it('compares merges where one has no scores', () => {
    const a = fixtureVocabulary('llama2-tiny');
    const merges = [...a.merges()];
    expect(compareVocabularies(a, { ...a, scores: undefined })).toEqual([]);
    expect(compareVocabularies(a, { ...a, scores: undefined, merges: () => merges.toReversed() })).toMatchObject([
      { aspect: 'merge', first: 0, a: JSON.stringify(merges[0]), b: JSON.stringify(merges.at(-1)) },
    ]);
    expect(compareVocabularies(a, { ...a, scores: undefined, merges: () => merges.slice(1, 1) })).toEqual([
      { aspect: 'merge', first: undefined, count: 1, a: `${merges.length} merges`, b: '0 merges' },
    ]);
  });
});
