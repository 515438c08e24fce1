import { describe, expect, it } from 'vitest';

import { parseIds, parseRopeFactor, parseSize } from './parse-options.js';

describe('parseIds', () => {
  it.each([
    ['1,2,3', [1, 2, 3]],
    ['0', [0]],
    [' 5 , 6 ', [5, 6]],
  ])('takes %j', (text, ids) => {
    expect(parseIds(text)).toEqual(ids);
  });

  it.each(['', '1,', '-1', '1.5', '0x10', '1 2', '9999999999999999'])('refuses %j', (text) => {
    expect(() => parseIds(text)).toThrow('such as 1,2,3');
  });
});

describe('parseSize', () => {
  it.each([
    ['5GB', 5e9],
    ['5GiB', 5 * 2 ** 30],
    ['500mb', 5e8],
    ['1.5 kB', 1500],
    ['64KiB', 65536],
    ['2G', 2e9],
    ['1TB', 1e12],
    ['123', 123],
    ['7b', 7],
  ])('takes %j', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  it.each(['', 'GB', '0', '0.1', '-5GB', '5XB', '5iB', '99999999TB', '1e9'])('refuses %j', (text) => {
    expect(() => parseSize(text)).toThrow('such as 5GB');
  });
});

describe('parseRopeFactor', () => {
  it('takes whole and broken numbers', () => {
    expect([parseRopeFactor('32'), parseRopeFactor('1.5')]).toEqual([32, 1.5]);
  });

  it.each(['', ' ', '0', '0.5', '-8', 'x', 'Infinity', 'NaN'])('refuses %j', (text) => {
    expect(() => parseRopeFactor(text)).toThrow('such as 8 or 32');
  });
});
