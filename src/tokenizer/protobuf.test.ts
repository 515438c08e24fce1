import { describe, expect, it } from 'vitest';

import { bytesField, floatField, numberField, varint } from '../testing/sentencepiece-model.js';
import { wireFields } from './protobuf.js';

const fieldsOf = (...bytes: number[]) => [...wireFields(Uint8Array.from(bytes), 0, bytes.length, 'x')];

describe('wireFields', () => {
  it('reads every wire type', () => {
    const fields = fieldsOf(
      ...numberField(1, 300),
      ...bytesField(2, 'abc'),
      ...floatField(3, 1.5),
      ...[4 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8],
      ...numberField(200, -1),
    );
    expect(fields).toEqual([
      { number: 1, type: 'varint', offset: 0, start: 1, end: 3, int32: 300 },
      { number: 2, type: 'bytes', offset: 3, start: 5, end: 8, int32: 0 },
      { number: 3, type: 'fixed32', offset: 8, start: 9, end: 13, int32: 0 },
      { number: 4, type: 'fixed64', offset: 13, start: 14, end: 22, int32: 0 },
      { number: 200, type: 'varint', offset: 22, start: 24, end: 34, int32: -1 },
    ]);
  });

  it('reads only the range it is given', () => {
    const bytes = Uint8Array.from([...numberField(1, 1), ...numberField(2, 2), ...numberField(3, 3)]);
    expect([...wireFields(bytes, 2, 4)].map(({ number }) => number)).toEqual([2]);
  });

  it.each([
    ['a tag', [0x80]],
    ['a number', [0x08]],
    ['a number in the middle', [0x08, 0xff]],
    ['a length', [0x0a]],
    ['bytes', [0x0a, 4, 1, 2, 3]],
    ['bytes of a length that no number holds', [0x0a, ...varint(-1)]],
    ['32 bits', [0x0d, 1, 2, 3]],
    ['64 bits', [0x09, 1, 2, 3, 4, 5, 6, 7]],
  ])('says that the message ends within %s', (_, bytes) => {
    expect(() => fieldsOf(...bytes)).toThrow(
      expect.objectContaining({ code: 'tokenizer/truncated', offset: expect.any(Number) as number, path: 'x' }),
    );
  });

  it.each([
    ['field number 0', [0x02, 0], 'the protobuf tag at 0x0 has field number 0 and wire type 2, which do not occur'],
    ['groups', [0x08, 1, 0x0b], 'the protobuf tag at 0x2 has field number 1 and wire type 3, which do not occur'],
    ['wire type 7', [0x0f], 'the protobuf tag at 0x0 has field number 1 and wire type 7, which do not occur'],
    ['eleven bytes', [0x08, ...Array<number>(10).fill(0x80), 0], 'the number at 0x1 has more than 10 bytes'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => fieldsOf(...bytes)).toThrow(expect.objectContaining({ code: 'tokenizer/malformed', message }));
  });
});
