import { describe, expect, it } from 'vitest';

import { countTiktokenRanks, parseTiktoken, type TiktokenRanks } from './tiktoken.js';
import { TokenizerError } from './vocabulary.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function tokens({ bytes: all, offsets }: TiktokenRanks): string[] {
  return Array.from({ length: offsets.length - 1 }, (_, rank) =>
    Buffer.from(all.subarray(offsets[rank], offsets[rank + 1])).toString('latin1'),
  );
}

function refusal(text: string): TokenizerError {
  try {
    parseTiktoken(bytes(text), 'tokenizer.model');
  } catch (cause) {
    if (cause instanceof TokenizerError) return cause;
    throw cause;
  }
  throw new Error('parsed');
}

describe('parseTiktoken', () => {
  it.each([
    ['lines', 'IQ== 0\nYWI= 1\nYWJj 2\n'],
    ['a last line without line feed', 'IQ== 0\nYWI= 1\nYWJj 2'],
    ['CR LF', 'IQ== 0\r\nYWI= 1\r\nYWJj 2\r\n'],
    ['CR at the very end', 'IQ== 0\r\nYWI= 1\r\nYWJj 2\r'],
    ['ranks in another order', 'YWJj 2\nIQ== 0\nYWI= 1\n'],
  ])('reads %s', (_, text) => {
    expect(tokens(parseTiktoken(bytes(text)))).toEqual(['!', 'ab', 'abc']);
    expect(countTiktokenRanks(bytes(text))).toBe(3);
  });

  it('reads bytes that are not UTF-8', () => {
    expect(tokens(parseTiktoken(bytes('/w== 0\ngID/ 1\n')))).toEqual(['\xff', '\x80\x80\xff']);
  });

  it('tells apart tokens whose hashes share a slot', () => {
    const all = Array.from({ length: 5000 }, (_, rank) => `t${rank}`);
    const text = all.map((token, rank) => `${btoa(token)} ${rank}\n`).join('');
    expect(tokens(parseTiktoken(bytes(text)))).toEqual(all);
  });

  it.each([
    ['a rank given twice', 'IQ== 0\nIg== 1\nIw== 1\n', 'line 3 gives rank 1 again, first given in line 2', 14],
    ['a token given twice', 'IQ== 0\nIg== 1\nIQ== 2\n', 'line 3 holds the same token as line 1', 14],
    ['a token given twice, ranks swapped', 'IQ== 2\nIg== 1\nIQ== 0\n', 'line 3 holds the same token as line 1', 14],
    ['a rank too high', 'IQ== 0\nIg== 2\n', 'line 2 gives rank 2, but 2 lines hold ranks 0 to 1', 7],
    ['no rank', 'IQ== 0\nIg==\n', 'line 2 is "Ig==", not a token in base64, a space and its rank', 7],
    ['an empty rank', 'IQ== 0\nIg== \n', 'line 2 is "Ig== ", not a token in base64, a space and its rank', 7],
    ['a negative rank', 'IQ== -1\n', 'line 1 is "IQ== -1", not a token in base64, a space and its rank', 0],
    ['a letter in the rank', 'IQ== 0x\n', 'line 1 is "IQ== 0x", not a token in base64, a space and its rank', 0],
    ['a third column', 'IQ== 0 1\n', 'line 1 is "IQ== 0 1", not a token in base64, a space and its rank', 0],
    ['an empty token', ' 0\n', 'line 1 is " 0", not a token in base64, a space and its rank', 0],
    ['a blank line', 'IQ== 0\n\nIg== 1\n', 'line 2 is "", not a token in base64, a space and its rank', 7],
    ['no base64', '!!!! 0\n', 'line 1 is "!!!! 0", not a token in base64, a space and its rank', 0],
  ])('refuses %s', (_, text, message, offset) => {
    expect(refusal(text)).toMatchObject({ code: 'tokenizer/malformed', message, offset, path: 'tokenizer.model' });
  });

  it('shows only the beginning of a long line', () => {
    const { message } = refusal(`IQ== 0\n${'A'.repeat(100)}\n`);
    expect(message).toBe(`line 2 is "${'A'.repeat(40)}"…, not a token in base64, a space and its rank`);
  });

  it('refuses a rank of more digits than any file reaches', () => {
    expect(refusal('IQ== 00000000000000000000000\n').code).toBe('tokenizer/malformed');
  });

  it.each([
    ['the token', 'IQ== 0\nIg'],
    ['the space', 'IQ== 0\nIg=='],
  ])('says that a file is cut off in %s of its last line', (_, text) => {
    expect(refusal(text)).toMatchObject({ code: 'tokenizer/truncated', offset: 7 });
  });

  it('refuses a file without tokens', () => {
    expect(refusal('')).toMatchObject({ code: 'tokenizer/malformed', message: 'the file holds no tokens' });
    expect(countTiktokenRanks(bytes(''))).toBe(0);
  });

  it('refuses a token whose merges would take too long', () => {
    expect(refusal(`${btoa('a'.repeat(257))} 0\n`)).toMatchObject({
      code: 'tokenizer/unsupported',
      message: 'line 1 holds a token of 257 bytes; a token has at most 256',
    });
  });

  it('refuses more lines than a tokenizer has tokens before it allocates for them', () => {
    expect(refusal('\n'.repeat((1 << 20) + 1))).toMatchObject({
      code: 'tokenizer/unsupported',
      message: 'the file has 1048577 lines; a tokenizer has at most 1048576 tokens',
    });
  });
});
