import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { modelFolder, TEXT_MODELS } from '../testing/fixtures.js';
import { bytesField, piece } from '../testing/sentencepiece-model.js';
import { recogniseTokenizer } from './recognise.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('recogniseTokenizer', () => {
  it.each(TEXT_MODELS)('recognises the tokenizer of %s', (name) => {
    const form = name.startsWith('llama3') ? 'tiktoken' : 'sentencepiece';
    expect(recogniseTokenizer(readFileSync(join(modelFolder(name), 'tokenizer.model')))).toBe(form);
  });

  it.each([
    ['a file of one line', bytes('IQ== 0')],
    ['CR LF', bytes('IQ== 0\r\nIg== 1\r\n')],
    ['a long first token', bytes(`${'QUFB'.repeat(85)} 0\n`)],
  ])('recognises ranks: %s', (_, content) => {
    expect(recogniseTokenizer(content)).toBe('tiktoken');
  });

  it.each([
    ['a piece with score', piece('<unk>')],
    ['a piece that is only text', bytesField(1, bytesField(1, 'a'))],
  ])('recognises SentencePiece: %s', (_, content) => {
    expect(recogniseTokenizer(Uint8Array.from(content))).toBe('sentencepiece');
  });

  it.each([
    ['nothing', new Uint8Array(), 'source/empty', 'this is an empty file'],
    ['a page', bytes('<!DOCTYPE html><title>Access Denied</title>'), 'source/html-page', '"Access Denied"'],
    [
      'a pointer',
      bytes('version https://git-lfs.github.com/spec/v1\noid sha256:82e9\nsize 2183982\n'),
      'source/lfs-pointer',
      'a Git LFS pointer to 2,183,982 bytes',
    ],
    ['a tokenizer.json', bytes('{\n  "version": "1.0"}'), 'source/other-format', 'a JSON document'],
    ['an error in JSON', bytes('{"error":"Repository not found"}'), 'source/error-document', 'Repository not found'],
    ['zero bytes', new Uint8Array(100), 'source/all-zero', 'a file of 100 zero bytes'],
  ])('names %s', (_, content, code, words) => {
    expect(() => recogniseTokenizer(content, 'tokenizer.model')).toThrow(
      expect.objectContaining({
        code,
        path: 'tokenizer.model',
        message: expect.stringMatching(
          new RegExp(`^a SentencePiece model or a list of tiktoken ranks was expected, but .*${words}`),
        ) as string,
      }),
    );
  });

  it.each([
    ['words', bytes('hello world\n')],
    ['ranks without base64', bytes('!1! 0\n')],
    ['blank lines', bytes('\n\n\n\n\n\nhello')],
    ['a message that is no piece', Uint8Array.from(bytesField(1, bytesField(2, 'a')))],
    ['a piece longer than its message', Uint8Array.of(0x0a, 4, 0x0a, 9, 1, 2)],
    ['a piece with something unknown behind its text', Uint8Array.of(0x0a, 4, 0x0a, 1, 0x61, 0xff)],
    ['two bytes', Uint8Array.of(0x0a, 0x00)],
  ])('does not recognise %s', (_, content) => {
    expect(() => recogniseTokenizer(content)).toThrow(expect.objectContaining({ code: 'tokenizer/unrecognised' }));
  });
});
