import { describe, expect, it } from 'vitest';

import { expectedJson, TEXT_MODELS } from '../testing/fixtures.js';
import { fixtureVocabulary, tokenizerJsonText } from '../testing/vocabularies.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { Tokenizer } from './tokenizer.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { TOKEN_TYPE, type Vocabulary } from './vocabulary.js';
import { padVocabulary } from './vocabulary-size.js';

interface Expected {
  readonly prompt_texts: readonly string[];
  readonly prompts: readonly (readonly number[])[];
  readonly token_ids: Readonly<Record<string, readonly number[]>>;
}

const FORMS: readonly (readonly [string, (vocabulary: Vocabulary) => Vocabulary])[] = [
  ['tokenizer.model', (vocabulary) => vocabulary],
  ['tokenizer.json', (vocabulary) => parseTokenizerJson(new TextEncoder().encode(tokenizerJsonText(vocabulary)))],
  [
    'GGUF',
    (vocabulary) => vocabularyFromGguf(new Map(ggufTokenizerFields(vocabulary).map((field) => [field.key, field]))),
  ],
];
const CASES = TEXT_MODELS.flatMap((name) => FORMS.map(([form, through]) => ({ name, form, through })));

describe.each(CASES)('the tokenizer of $name from $form', ({ name, through }) => {
  const tokenizer = new Tokenizer(through(fixtureVocabulary(name)));
  const expected = expectedJson<Expected>(name, 'expected.json');

  it('gives the ids that tiktoken and SentencePiece give', () => {
    const texts = Object.keys(expected.token_ids);
    expect(texts).toHaveLength(23);
    const ids = Object.fromEntries(texts.map((text) => [text, tokenizer.encode(text)]));
    expect(ids).toEqual(expected.token_ids);
    for (const prompt of expected.prompts) {
      // the third one's text is not in the file
      const text = tokenizer.decode(prompt.slice(1));
      expect(['(a long one)', text]).toContain(expected.prompt_texts[expected.prompts.indexOf(prompt)]);
      expect(tokenizer.encode(text, { bos: true })).toEqual(prompt);
    }
  });

  it('gives the texts back', () => {
    for (const [text, ids] of Object.entries(expected.token_ids)) {
      const back = tokenizer.decode(ids);
      // SentencePiece spells a space as ▁ and cannot tell it from one that was there
      expect(back).toBe(tokenizer.vocabulary.kind === 'sentencepiece' ? text.replaceAll('▁', ' ') : text);
    }
  });
});

const llama3 = fixtureVocabulary('llama3.2-tiny');
const llama2 = fixtureVocabulary('llama2-tiny');

describe('special tokens', () => {
  it('are ordinary text unless they are asked for', () => {
    const tokenizer = new Tokenizer(llama3);
    const text = '<|begin_of_text|>a<|eot_id|>';
    expect(tokenizer.encode(text).every((id) => id < llama3.baseSize)).toBe(true);
    const [a] = tokenizer.encode('a');
    const [begin, end] = [llama3.bosId, llama3.pieces.indexOf('<|eot_id|>')];
    expect(tokenizer.encode(text, { special: true })).toEqual([begin, a, end]);
    expect(tokenizer.encode(text, { special: true, bos: true })).toEqual([begin, a, end]);
    expect(tokenizer.encode('a', { special: true, bos: true, eos: true })).toEqual([begin, a, llama3.eosId]);
    expect(tokenizer.decode([begin, a!, end])).toBe(text);
    expect(tokenizer.decode([begin, a!, end], { special: false })).toBe('a');
  });

  it('have a space after them in Llama 2, as a text has one before it', () => {
    const tokenizer = new Tokenizer(llama2);
    const is = tokenizer.encode('is');
    expect(tokenizer.encode('<s>is</s>is', { special: true })).toEqual([1, ...is, 2, ...is]);
    expect(tokenizer.encode('<unk>', { special: true })).toEqual([0]);
    expect(tokenizer.encode('</s>')).not.toContain(2);
    expect(tokenizer.decode([1, ...is, 2])).toBe('is');
    expect(tokenizer.decode([1, ...is, 2], { special: true })).toBe('<s> is</s>');
  });

  it('may be part of another: the longest goes first', () => {
    const pieces = [...llama3.pieces, '<x>', '<x>y', '<x>yz!'];
    const types = Int32Array.of(...llama3.types, 4, 4, 4);
    const tokenizer = new Tokenizer({ ...llama3, pieces, types, packedPieces: undefined, size: pieces.length });
    const first = llama3.size;
    expect(tokenizer.encode('<x>y<x><x>yz!<x>yz')).toEqual([
      ...[first + 1, first, first + 2, first + 1],
      ...tokenizer.encode('z'),
    ]);
    expect(tokenizer.decode([first, first + 1])).toBe('<x><x>y');
  });

  it('that a user added to Llama 2 are found in the text, without a space after them', () => {
    const pieces = [...llama2.pieces, '▁<PRE>'];
    const types = Int32Array.of(...llama2.types, TOKEN_TYPE.userDefined);
    const scores = Float32Array.of(...llama2.scores!, 0);
    const size = pieces.length;
    const tokenizer = new Tokenizer({ ...llama2, pieces, types, scores, size, baseSize: size });
    const plain = new Tokenizer({ ...llama2, spaces: { addPrefix: false, removeExtra: false } });
    expect(tokenizer.encode('<PRE>is')).toEqual([llama2.size, ...plain.encode('is')]);
  });
});

describe('what is no text', () => {
  it('lone surrogates are encoded as the replacement character', () => {
    for (const vocabulary of [llama2, llama3]) {
      const tokenizer = new Tokenizer(vocabulary);
      expect(tokenizer.encode('a\ud83eb\udd99')).toEqual(tokenizer.encode('a\ufffdb\ufffd'));
      expect(tokenizer.decode(tokenizer.encode('\ud83e'))).toBe('\ufffd');
    }
  });

  it('bytes that are no UTF-8 become replacement characters: one for each in Llama 2, one for a beginning in Llama 3', () => {
    const byte = (vocabulary: Vocabulary, value: number): number =>
      vocabulary.kind === 'sentencepiece'
        ? vocabulary.pieces.indexOf(`<0x${value.toString(16).toUpperCase().padStart(2, '0')}>`)
        : vocabulary.pieces.findIndex((_, id) => tokenizer3.bytesOf(id)[0] === value);
    const tokenizer3 = new Tokenizer(llama3);
    const cutOff = [0xf0, 0x9f, 0xa6, 0x21];
    expect(tokenizer3.decode(cutOff.map((value) => byte(llama3, value)))).toBe('\ufffd!');
    const tokenizer2 = new Tokenizer(llama2);
    const text2 = (...values: number[]): string => tokenizer2.decode(values.map((value) => byte(llama2, value)));
    expect(text2(...cutOff)).toBe('\ufffd\ufffd\ufffd!');
    expect(text2(0xf0, 0x9f, 0xa6, 0x99, 0xc3, 0xa9, 0xe2, 0x81, 0x87)).toBe('🦙é⁇');
    // overlong, surrogate, above U+10FFFF, a continuation alone, the end in the middle
    expect(text2(0xc0, 0x80)).toBe('\ufffd'.repeat(2));
    expect(text2(0xe0, 0x80, 0x80)).toBe('\ufffd'.repeat(3));
    expect(text2(0xf0, 0x80, 0x80, 0x80)).toBe('\ufffd'.repeat(4));
    expect(text2(0xed, 0xa0, 0x80)).toBe('\ufffd'.repeat(3));
    expect(text2(0xf4, 0x90, 0x80, 0x80)).toBe('\ufffd'.repeat(4));
    expect(text2(0xf5, 0x80)).toBe('\ufffd'.repeat(2));
    expect(text2(0xe2, 0x81)).toBe('\ufffd'.repeat(2));
    expect(text2(0xe2, 0x81, 0x21)).toBe('\ufffd\ufffd!');
  });

  it('keeps a byte order mark', () => {
    for (const vocabulary of [llama2, llama3]) {
      const tokenizer = new Tokenizer(vocabulary);
      expect(tokenizer.decode(tokenizer.encode('\ufeffa'))).toBe('\ufeffa');
    }
  });

  it.each([-1, 0.5, NaN, llama3.size])('refuses the id %d', (id) => {
    const tokenizer = new Tokenizer(llama3);
    expect(() => tokenizer.decode([0, id])).toThrow(expect.objectContaining({ code: 'tokenizer/no-such-token' }));
    expect(() => tokenizer.bytesOf(id)).toThrow(expect.objectContaining({ code: 'tokenizer/no-such-token' }));
  });

  it('padding has no text', () => {
    for (const vocabulary of [llama2, llama3]) {
      const tokenizer = new Tokenizer(padVocabulary(vocabulary, vocabulary.size + 1));
      expect(tokenizer.decode([vocabulary.size])).toBe('');
    }
  });

  it('unknown text of a vocabulary without bytes is one token, however long, and spelled as SentencePiece does', () => {
    const types = llama2.types.map((type) => (type === TOKEN_TYPE.byte ? TOKEN_TYPE.control : type));
    const tokenizer = new Tokenizer({ ...llama2, types });
    const is = tokenizer.encode('is');
    expect(tokenizer.encode('is🦙🦙')).toEqual([...is, 0]);
    expect(tokenizer.decode([...is, 0])).toBe('is \u2047 ');
  });
});

describe('spaces', () => {
  it('are left as they are, trimmed or not begun with, as the vocabulary says', () => {
    const withRules = (addPrefix: boolean, removeExtra: boolean) =>
      new Tokenizer({ ...llama2, spaces: { addPrefix, removeExtra } });
    expect(withRules(true, true).encode('  is   is  ')).toEqual(withRules(true, false).encode('is is'));
    expect(withRules(true, true).encode('   ')).toEqual([]);
    expect(withRules(false, false).encode(' is')).toEqual(withRules(true, false).encode('is'));
    const two = withRules(false, false).encode('  is');
    expect(withRules(false, false).decode(two)).toBe('  is');
    expect(withRules(true, false).decode(two)).toBe(' is');
    expect(withRules(true, true).decode(two)).toBe('is');
  });
});

describe('long texts', () => {
  it.each([
    ['one letter', 'a'],
    ['spaces', ' '],
    ['a space and a line end', ' \n'],
    ['symbols', '!'],
    ['a character of no piece', '🦙'],
  ])('of a megabyte of %s are encoded in no more than linear memory and n log n time', (_, unit) => {
    const text = unit.repeat((1 << 20) / unit.length);
    for (const vocabulary of [llama2, llama3]) {
      const tokenizer = new Tokenizer(vocabulary);
      expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true);
    }
  });
});

describe('merges that do not follow from the ids', () => {
  const merges = (): string[] => Array.from(llama3.merges()).reverse();

  it('are gone by', () => {
    const tokenizer = new Tokenizer({ ...llama3, mergesFollowIds: undefined, merges });
    const text = 'The day after Monday is there, and therefore the others.';
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
    expect(tokenizer.encode(text)).not.toEqual(new Tokenizer(llama3).encode(text));
  });

  it.each([
    ['of what is no token', 'Q q'],
    ['into what is no token', 'q z'],
  ])('are refused when they are %s', (_, merge) => {
    const wrong = { ...llama3, mergesFollowIds: undefined, merges: () => [...merges(), merge] };
    expect(() => new Tokenizer(wrong)).toThrow(expect.objectContaining({ code: 'tokenizer/malformed' }));
  });

  it('are refused when there are more than there can be', () => {
    const many = new Array<string>(2 ** 22 + 1).fill('a b');
    const wrong = { ...llama3, mergesFollowIds: undefined, merges: () => many };
    expect(() => new Tokenizer(wrong)).toThrow(expect.objectContaining({ code: 'tokenizer/unsupported' }));
  });
});

it('refuses byte-level BPE that lacks a byte', () => {
  const pieces = llama3.pieces.with(0, '!!!!!!!!');
  expect(() => new Tokenizer({ ...llama3, pieces })).toThrow(
    expect.objectContaining({
      code: 'tokenizer/unsupported',
      message: expect.stringContaining('the byte 33') as string,
    }),
  );
});
