import { describe, expect, it } from 'vitest';

import { decodeBase64Into, encodeBase64Into } from './base64.js';

function decode(text: string, at = 0): { length: number; bytes: Uint8Array } {
  const target = new Uint8Array(at + (text.length / 4) * 3 + 3);
  const source = new TextEncoder().encode(`xx${text}yy`);
  const length = decodeBase64Into(source, 2, 2 + text.length, target, at);
  return { length, bytes: target.subarray(at, at + Math.max(length, 0)) };
}

describe('decodeBase64Into', () => {
  it('decodes what Node encodes, whatever the length and the bytes', () => {
    const all = Uint8Array.from({ length: 300 }, (_, index) => (index * 167 + 13) & 0xff);
    for (let length = 1; length <= all.length; length++) {
      const bytes = all.subarray(all.length - length);
      const { length: found, bytes: decoded } = decode(Buffer.from(bytes).toString('base64'), length % 5);
      expect(found).toBe(length);
      expect(decoded).toEqual(bytes);
    }
  });

  it.each([
    ['nothing', ''],
    ['no multiple of four characters', 'IQ='],
    ['a character outside the alphabet', 'I-=='],
    ['a character outside the alphabet in third place', 'IQ!='],
    ['a byte above ASCII', 'IQé'],
    ['padding only', '===='],
    ['three characters of padding', 'I==='],
    ['padding in the middle', 'IQ==IQ=='],
    ['a character behind padding', 'IQ=A'],
    ['unused bits that are set, one byte', 'IR=='],
    ['unused bits that are set, two bytes', 'IWF='],
  ])('refuses %s', (_, text) => {
    expect(decode(text).length).toBe(-1);
  });
});

describe('encodeBase64Into', () => {
  it('encodes as Node does, whatever the length and the bytes', () => {
    const all = Uint8Array.from({ length: 300 }, (_, index) => (index * 167 + 13) & 0xff);
    for (let length = 1; length <= all.length; length++) {
      const target = new Uint8Array(500);
      const written = encodeBase64Into(all, all.length - length, all.length, target, 7);
      const text = Buffer.from(target.subarray(7, 7 + written)).toString('latin1');
      expect(text).toBe(Buffer.from(all.subarray(all.length - length)).toString('base64'));
    }
  });
});
