import { describe, expect, it } from 'vitest';

import { TEXT_MODELS } from '../testing/fixtures.js';
import { fixtureVocabulary, tokenizerJsonText } from '../testing/vocabularies.js';
import { compareVocabularies } from './compare.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Tree = Record<string, unknown>;

/** A small tokenizer.json of each kind, changed by `change`. */
function small(kind: 'bytes' | 'pieces', change: (document: Tree, model: Tree) => void = () => {}): Uint8Array {
  const isBytes = kind === 'bytes';
  const model: Tree = {
    ...{ type: 'BPE', unk_token: isBytes ? null : '<unk>', byte_fallback: !isBytes },
    vocab: isBytes ? { a: 0, b: 1, ab: 2 } : { '<unk>': 0, '<s>': 1, '</s>': 2, '<0x0A>': 3, a: 4, b: 5, ab: 6 },
    merges: ['a b'],
  };
  const names = isBytes ? ['<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>'] : ['<unk>', '<s>', '</s>'];
  const document: Tree = {
    added_tokens: names.map((content, index) => ({ id: (isBytes ? 3 : 0) + index, content, special: true })),
    normalizer: null,
    pre_tokenizer: null,
    decoder: { type: isBytes ? 'ByteLevel' : 'Fuse' },
    model,
  };
  change(document, model);
  return bytes(JSON.stringify(document));
}

describe('parseTokenizerJson', () => {
  it.each(TEXT_MODELS)('reads the vocabulary of %s, merges as strings and as pairs', (name) => {
    const vocabulary = fixtureVocabulary(name);
    for (const mergesAs of ['strings', 'pairs'] as const) {
      const back = parseTokenizerJson(bytes(tokenizerJsonText(vocabulary, { mergesAs })));
      expect(compareVocabularies(vocabulary, back)).toEqual([]);
      for (const key of ['baseSize', 'generation', 'unknownId'] as const) {
        expect(back[key]).toEqual(vocabulary[key]);
      }
      // a SentencePiece model finds what a user defined in another way
      expect(back.spaces && { addedInside: true, ...back.spaces }).toEqual(vocabulary.spaces);
    }
  });

  it('takes the end token it is told, and pads to the rows of the embedding', () => {
    const vocabulary = parseTokenizerJson(small('bytes'), { endToken: '<|eot_id|>', vocabSize: 8 });
    expect(vocabulary).toMatchObject({ size: 8, baseSize: 3, bosId: 3, eosId: 5, unknownId: undefined });
    expect(vocabulary.pieces.slice(6)).toEqual(['[PAD6]', '[PAD7]']);
  });

  it('reads types, tokens added behind the vocabulary, and files without a model type', () => {
    const vocabulary = parseTokenizerJson(
      small('pieces', (document, model) => {
        delete model['type'];
        (document['added_tokens'] as unknown[]).unshift({ id: 7, content: '<new>', special: false });
      }),
    );
    expect(vocabulary.pieces[7]).toBe('<new>');
    expect(vocabulary.types).toEqual(Int32Array.of(2, 3, 3, 6, 1, 1, 1, 4));
    expect(vocabulary).toMatchObject({ size: 8, baseSize: 7, unknownId: 0, scores: undefined });
  });

  const ofMetaspace = { onlyFirst: false, unlessSpace: true };
  it.each([
    ['nothing', {}, { addPrefix: false }],
    ['a Prepend', { normalizer: { type: 'Prepend', prepend: '▁' } }, { addPrefix: true }],
    [
      'a Prepend in a sequence',
      { normalizer: { type: 'Sequence', normalizers: [null, { type: 'Prepend' }] } },
      { addPrefix: true },
    ],
    [
      'a splitter',
      { pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'first' } },
      { ...ofMetaspace, addPrefix: true, onlyFirst: true },
    ],
    [
      'a splitter that says nothing of it',
      { pre_tokenizer: { type: 'Metaspace' } },
      { ...ofMetaspace, addPrefix: true },
    ],
    [
      'a splitter that does not',
      { pre_tokenizer: { type: 'Metaspace', prepend_scheme: 'never' } },
      { ...ofMetaspace, addPrefix: false },
    ],
  ])('sees where a space is prepended: %s', (_, parts, rules) => {
    const vocabulary = parseTokenizerJson(small('pieces', (document) => Object.assign(document, parts)));
    expect(vocabulary.spaces).toEqual({ ...rules, removeExtra: false });
  });

  it('finds byte-level decoders in a sequence', () => {
    const decoder = { type: 'Sequence', decoders: [{ type: 'ByteLevel' }] };
    expect(parseTokenizerJson(small('bytes', (document) => Object.assign(document, { decoder }))).kind).toBe(
      'byte-level-bpe',
    );
  });

  it.each<[string, Uint8Array, string]>([
    ['a cut-off file', small('bytes').subarray(0, 40), 'this is not valid JSON: '],
    ['a page', bytes('<html>'), 'this is not valid JSON: '],
    ['bytes that are not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), 'this is not valid JSON: it is not UTF-8'],
    ['an array', bytes('[]'), 'the document is an array, not an object'],
    ['null', bytes('null'), 'the document is null, not an object'],
    ['no model', bytes('{}'), 'model is missing, not an object'],
    ['a model as text', bytes('{"model":"BPE"}'), 'model is "BPE", not an object'],
    ['no vocab', small('bytes', (_, model) => delete model['vocab']), 'model.vocab is missing, not an object'],
    ['vocab as a list', small('bytes', (_, model) => (model['vocab'] = [])), 'model.vocab is an array, not an object'],
    [
      'an id as text',
      small('bytes', (_, model) => (model['vocab'] = { a: '0' })),
      'model.vocab["a"] is "0", not a whole number from 0 to 0',
    ],
    [
      'an id past the end',
      small('bytes', (_, model) => (model['vocab'] = { a: 0, b: 2 })),
      'model.vocab["b"] is 2, not a whole number from 0 to 1',
    ],
    [
      'a fraction',
      small('bytes', (_, model) => (model['vocab'] = { a: 0.5 })),
      'model.vocab["a"] is 0.5, not a whole number',
    ],
    [
      'a negative id',
      small('bytes', (_, model) => (model['vocab'] = { a: -1 })),
      'model.vocab["a"] is -1, not a whole number',
    ],
    [
      'an id given twice',
      small('bytes', (_, model) => (model['vocab'] = { a: 0, b: 0 })),
      'model.vocab["b"] has id 0, which "a" has too',
    ],
    ['no merges', small('bytes', (_, model) => delete model['merges']), 'model.merges is missing, not an array'],
    [
      'a merge of one token',
      small('bytes', (_, model) => (model['merges'] = ['a b', 'ab'])),
      'model.merges[1] is "ab", not two tokens',
    ],
    [
      'a merge of three tokens',
      small('bytes', (_, model) => (model['merges'] = [['a', 'b', 'c']])),
      'model.merges[0] is an array, not two tokens',
    ],
    [
      'a merge of numbers',
      small('bytes', (_, model) => (model['merges'] = [[1, 2]])),
      'model.merges[0] is an array, not two tokens',
    ],
    [
      'no added tokens',
      small('bytes', (document) => delete document['added_tokens']),
      'added_tokens is missing, not an array',
    ],
    [
      'an added token as text',
      small('bytes', (document) => (document['added_tokens'] = ['<s>'])),
      'added_tokens[0] is "<s>", not an object',
    ],
    [
      'an added token without a kind',
      small('bytes', (document) => (document['added_tokens'] = [{ id: 3, content: 'x' }])),
      'added_tokens[0].special is missing, not true or false',
    ],
    [
      'an added token without text',
      small('bytes', (document) => (document['added_tokens'] = [{ id: 3, content: {}, special: true }])),
      'added_tokens[0].content is an object, not a string',
    ],
    [
      'an added token far away',
      small('bytes', (document) => (document['added_tokens'] = [{ id: 1e9, content: 'x', special: true }])),
      'added_tokens[0].id is 1000000000, not a whole number from 0 to 1048575',
    ],
    [
      'a hole',
      small('bytes', (document) => (document['added_tokens'] = [{ id: 5, content: 'x', special: true }])),
      'added_tokens puts "x" at id 5, but id 3 is missing',
    ],
    [
      'an added token that is another one',
      small('bytes', (document) => (document['added_tokens'] = [{ id: 1, content: 'x', special: true }])),
      'added_tokens puts "x" at id 1, but the vocabulary has "b" there',
    ],
    [
      'no begin token',
      small('bytes', (document) => (document['added_tokens'] = [])),
      'the tokenizer has no token "<|begin_of_text|>", which begins a text',
    ],
    [
      'an unknown token that is none',
      small('pieces', (_, model) => (model['unk_token'] = '<other>')),
      'the tokenizer has no token "<other>", which stands for unknown text',
    ],
    [
      'an unknown token as number',
      small('pieces', (_, model) => (model['unk_token'] = 0)),
      'model.unk_token is 0, not a',
    ],
  ])('refuses %s', (_, content, words) => {
    expect(() => parseTokenizerJson(content, { path: 'tokenizer.json' })).toThrow(
      expect.objectContaining({
        code: 'tokenizer/malformed',
        path: 'tokenizer.json',
        message: expect.stringContaining(words) as string,
      }),
    );
  });

  it('refuses an end token that is none', () => {
    expect(() => parseTokenizerJson(small('pieces'), { endToken: '<end>' })).toThrow(
      expect.objectContaining({ message: 'the tokenizer has no token "<end>", which ends a text' }),
    );
  });

  it.each([
    ['other models', small('bytes', (_, model) => (model['type'] = 'Unigram')), 'model.type is "Unigram"'],
    [
      'other decoders',
      small('bytes', (document) => (document['decoder'] = { type: 'WordPiece' })),
      'neither falls back',
    ],
    ['no decoder', small('bytes', (document) => (document['decoder'] = null)), 'neither falls back to bytes'],
    ['absurdly large files', new Uint8Array((128 << 20) + 1), '134217729 bytes are too many for a tokenizer.json'],
  ])('does not support %s', (_, content, words) => {
    expect(() => parseTokenizerJson(content)).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', message: expect.stringContaining(words) as string }),
    );
  });

  it('refuses fewer rows than tokens', () => {
    expect(() => parseTokenizerJson(small('bytes'), { vocabSize: 5 })).toThrow(
      expect.objectContaining({
        code: 'tokenizer/size-mismatch',
        message: 'the tokenizer has 6 tokens (3 + 3 special), the embedding 5 rows',
      }),
    );
  });
});
