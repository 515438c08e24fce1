import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { modelFolder } from '../testing/fixtures.js';
import {
  BPE_TRAINER,
  bytesField,
  floatField,
  numberField,
  piece,
  START_PIECES,
} from '../testing/sentencepiece-model.js';
import { parseSentencePiece } from './sentencepiece.js';

const parse = (...bytes: (readonly number[])[]) => parseSentencePiece(Uint8Array.from(bytes.flat()), 'tokenizer.model');

describe('parseSentencePiece', () => {
  it('reads a model that SentencePiece trained', () => {
    const model = parseSentencePiece(readFileSync(join(modelFolder('llama2-tiny'), 'tokenizer.model')));
    expect(model).toMatchObject({
      ...{ modelType: 2, byteFallback: true, unknownId: 0, bosId: 1, eosId: 2, padId: -1 },
      ...{ addDummyPrefix: true, removeExtraWhitespaces: false },
    });
    expect(model.pieces).toHaveLength(480);
    expect(model.pieces.slice(0, 4)).toEqual(['<unk>', '<s>', '</s>', '<0x00>']);
    expect(model.types.slice(0, 4)).toEqual(Int32Array.of(2, 3, 3, 6));
  });

  it('fills in the defaults of the protobuf definition', () => {
    expect(parse(bytesField(1, bytesField(1, 'a')))).toEqual({
      ...{ pieces: ['a'], scores: Float32Array.of(0), types: Int32Array.of(1) },
      ...{ modelType: 1, byteFallback: false, unknownId: 0, bosId: 1, eosId: 2, padId: -1 },
      ...{ addDummyPrefix: true, removeExtraWhitespaces: true },
    });
  });

  it('reads settings, and passes over fields it does not know', () => {
    const trainer = bytesField(2, [
      ...[...bytesField(1, 'input.txt'), ...numberField(3, 2), ...numberField(35, 1), ...numberField(40, 5)],
      ...[...numberField(41, 6), ...numberField(42, -1), ...numberField(43, 7), ...floatField(10, 0.5)],
    ]);
    const normalizer = bytesField(3, [...numberField(3, 0), ...numberField(4, 0), ...bytesField(1, 'identity')]);
    const model = parse(START_PIECES, trainer, normalizer, bytesField(5, []), numberField(99, 1));
    expect(model).toMatchObject({
      ...{ modelType: 2, byteFallback: true, unknownId: 5, bosId: 6, eosId: -1, padId: 7 },
      ...{ addDummyPrefix: false, removeExtraWhitespaces: false },
    });
  });

  it('keeps a byte order mark, which is a piece like any other', () => {
    expect(parse(piece('\u{feff}')).pieces).toEqual(['\u{feff}']);
  });

  it.each([
    ['a piece without text', bytesField(1, numberField(3, 1)), 'a piece has no text'],
    ['an empty piece', piece(''), 'a piece has no text'],
    ['a score that is no number', piece('a', NaN), 'a piece has the score NaN'],
    ['an infinite score', piece('a', -Infinity), 'a piece has the score -Infinity'],
    ['type 0', piece('a', 0, 0), 'a piece has the type 0; types go from 1 to 6'],
    ['type 7', piece('a', 0, 7), 'a piece has the type 7; types go from 1 to 6'],
    ['text that is not UTF-8', bytesField(1, bytesField(1, [0xff])), 'the text of a piece is not UTF-8'],
    ['two equal pieces', [...piece('a'), ...piece('b'), ...piece('a')], 'pieces 0 and 2 are both "a"'],
    ['pieces as numbers', numberField(1, 1), 'field 1 (pieces) is of wire type varint, not bytes'],
    ['a text as a number', bytesField(1, numberField(1, 1)), 'field 1 (piece) is of wire type varint, not bytes'],
    ['a score as a number', bytesField(1, numberField(2, 1)), 'field 2 (score) is of wire type varint, not fixed32'],
    ['a type as a float', bytesField(1, floatField(3, 1)), 'field 3 (type) is of wire type fixed32, not varint'],
    ['settings as a number', numberField(2, 1), 'field 2 (settings) is of wire type varint, not bytes'],
    ['a setting as text', bytesField(2, bytesField(41, '1')), 'field 41 (bosId) is of wire type bytes, not varint'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parse(bytes)).toThrow(
      expect.objectContaining({ code: 'tokenizer/malformed', message, path: 'tokenizer.model' }),
    );
  });

  it('refuses a piece whose merges would take too long', () => {
    expect(() => parse(piece('a'.repeat(257)))).toThrow(
      expect.objectContaining({
        code: 'tokenizer/unsupported',
        message: 'a piece has 257 bytes; a token has at most 256',
      }),
    );
  });

  it('refuses more pieces than a tokenizer has', () => {
    const one = bytesField(1, bytesField(1, 'a'));
    const bytes = new Uint8Array(one.length * ((1 << 20) + 1));
    for (let at = 0; at < bytes.byteLength; at += one.length) bytes.set(one, at);
    expect(() => parseSentencePiece(bytes)).toThrow(expect.objectContaining({ code: 'tokenizer/unsupported' }));
  });

  it('fails cleanly wherever the file is cut off', () => {
    const whole = Uint8Array.from([...START_PIECES, ...piece('ab', -1), ...BPE_TRAINER]);
    const ends = new Set<number>();
    for (let length = 0; length < whole.byteLength; length++) {
      try {
        parseSentencePiece(whole.subarray(0, length));
        ends.add(length);
      } catch (cause) {
        expect(cause).toMatchObject({ code: 'tokenizer/truncated' });
      }
    }
    // Only between two fields of the outermost message.
    expect(ends.size).toBe(5);
  });
});
