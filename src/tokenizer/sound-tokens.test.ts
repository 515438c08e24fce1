import { describe, expect, it } from 'vitest';

import { fixtureVocabulary, tokenizerJsonText } from '../testing/vocabularies.js';
import { ggufTokenizerFields, vocabularyFromGguf } from './gguf-fields.js';
import { GGUF_KEY } from './gguf-keys.js';
import { parseTokenizerJson } from './tokenizer-json-read.js';
import { tokenizerModelBytes } from './tokenizer-model-write.js';

const llama2 = fixtureVocabulary('llama2-tiny');
const llama3 = fixtureVocabulary('llama3.2-tiny');
const fault = (message: string, code = 'tokenizer/malformed'): unknown =>
  expect.objectContaining({ code, message, path: 'the.file' });

describe('a GGUF file is refused for what no tokenizer.model can hold', () => {
  const last = llama2.size - 1;
  const withPiece = (piece: string): [string, unknown] => [GGUF_KEY.tokens, llama2.pieces.with(last, piece)];
  it.each<[string, [string, unknown], string, string?]>([
    ['no number', [GGUF_KEY.scores, llama2.scores!.with(300, NaN)], 'token 300 has the score NaN'],
    ['no end', [GGUF_KEY.scores, llama2.scores!.with(300, -Infinity)], 'token 300 has the score -Infinity'],
    ['no text', withPiece(''), `token ${last} has no text`],
    ['one text twice', withPiece(llama2.pieces[300]!), `tokens 300 and ${last} are both "${llama2.pieces[300]!}"`],
    [
      'a long text',
      withPiece('é'.repeat(129)),
      `token ${last} has more than 256 bytes, the most a token may have`,
      'tokenizer/unsupported',
    ],
  ])('%s', (_, [key, value], message, code) => {
    const fields = new Map<string, { value: unknown }>(ggufTokenizerFields(llama2).map((field) => [field.key, field]));
    fields.set(key, { value });
    expect(() => vocabularyFromGguf(fields, 'the.file')).toThrow(fault(message, code));
  });

  it('but not for rows without a token', () => {
    const fields = new Map<string, { value: unknown }>(ggufTokenizerFields(llama2).map((field) => [field.key, field]));
    fields.set(GGUF_KEY.tokens, { value: llama2.pieces.with(last, '').with(last - 1, '') });
    fields.set(GGUF_KEY.types, { value: llama2.types.with(last, 5).with(last - 1, 5) });
    expect(vocabularyFromGguf(fields).size).toBe(llama2.size);
  });
});

interface Document {
  added_tokens: { id: number; content: string; special: boolean }[];
  model: { vocab: Record<string, number>; merges: string[] };
}

function readChanged(change: (document: Document) => void): ReturnType<typeof parseTokenizerJson> {
  const document = JSON.parse(tokenizerJsonText(llama3)) as Document;
  change(document);
  return parseTokenizerJson(new TextEncoder().encode(JSON.stringify(document)), { path: 'the.file' });
}

describe('a tokenizer.json', () => {
  it.each([
    ['of what is no token', 'zzzqq xxxx'],
    ['into what is no token', 'q z'],
  ])('is refused where its merges are asked for when one is %s', (_, merge) => {
    const vocabulary = readChanged(({ model }) => (model.merges[5] = merge));
    const refused = fault(`merge 5, "${merge}", is not of two tokens into a third`);
    expect(() => vocabulary.merges()).toThrow(refused);
    expect(() => ggufTokenizerFields(vocabulary)).toThrow(refused);
    expect(() => tokenizerModelBytes(vocabulary)).toThrow(refused);
  });

  it('is refused for an added token that is another one too', () => {
    const [first] = llama3.pieces;
    expect(() =>
      readChanged(({ added_tokens }) => added_tokens.push({ id: llama3.size, content: first!, special: false })),
    ).toThrow(fault(`tokens 0 and ${llama3.size} are both ${JSON.stringify(first)}`));
  });

  it('may list its special tokens in the vocabulary of the model as well', () => {
    const vocabulary = readChanged(({ added_tokens, model }) => {
      for (const { id, content } of added_tokens) model.vocab[content] = id;
    });
    expect(vocabulary).toMatchObject({ baseSize: llama3.baseSize, size: llama3.size, generation: 'llama3.1' });
    expect(tokenizerModelBytes(vocabulary)).toEqual(tokenizerModelBytes(llama3));
  });
});
