import { describe, expect, it } from 'vitest';

import { TokenIndex } from './token-index.js';
import { TokenTable } from './token-table.js';

describe('TokenTable', () => {
  it('cuts its text where tokens of one to four bytes a character end', () => {
    const tokens = ['a', 'Ġ€', '', '𝄞𝄞b', '\ufeff', 'é'];
    const bytes = Buffer.from(tokens.join(''));
    const offsets = Uint32Array.of(0, ...tokens.map((_, id) => Buffer.byteLength(tokens.slice(0, id + 1).join(''))));
    const table = new TokenTable({ bytes, offsets });
    expect(table.toStrings()).toEqual(tokens);
    expect([...table]).toEqual(tokens);
    expect(tokens.map((_, id) => table.at(id))).toEqual(tokens);
    expect(table.toStrings()).toBe(table.toStrings());
    expect(table).toMatchObject({ length: tokens.length, utf8Length: bytes.byteLength });
  });
});

describe('TokenIndex', () => {
  const bytes = Buffer.from('ab' + 'a' + 'ab' + 'abc');
  const index = new TokenIndex({ bytes, offsets: Uint32Array.of(0, 2, 3, 5, 8) });

  it('adds a token once', () => {
    expect([0, 1, 2, 3].map((id) => index.add(id))).toEqual([-1, -1, 0, -1]);
  });

  it('finds tokens by bytes that stand anywhere in the buffer', () => {
    expect([index.find(5, 7), index.find(5, 6), index.find(5, 8), index.find(6, 8)]).toEqual([0, 1, 3, -1]);
  });
});
