import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { expectedJson, modelFolder } from '../testing/fixtures.js';
import { spellTokens, UNIT_OF_BYTE } from './byte-alphabet.js';

describe('the byte alphabet', () => {
  it('gives each byte a character of its own', () => {
    expect(new Set(UNIT_OF_BYTE).size).toBe(256);
  });

  it.each([
    [' ', 'Ġ'],
    ['\n', 'Ċ'],
    ['\t', 'ĉ'],
    ['!', '!'],
    ['~', '~'],
    ['\u{a1}', 'Â¡'],
    ['\u{ad}', 'ÂŃ'],
    ['é', 'Ã©'],
    ['\x7f', 'ġ'],
  ])('spells %j as %s, as GPT-2 does', (text, spelling) => {
    const bytes = new TextEncoder().encode(text);
    expect([...spellTokens({ bytes, offsets: Uint32Array.of(0, bytes.byteLength) })]).toEqual([spelling]);
  });

  it('spells names behind the tokens as they are', () => {
    const tokens = { bytes: Uint8Array.of(0x20, 0x41), offsets: Uint32Array.of(0, 1, 2) };
    const spelled = spellTokens(tokens, ['<|a b|>', '<|c|>']);
    expect(spelled.toStrings()).toEqual(['Ġ', 'A', '<|a b|>', '<|c|>']);
    expect([...spelled]).toEqual(spelled.toStrings());
  });

  it('spells the single bytes of a real vocabulary as llama.cpp has them', () => {
    const { arrays } = expectedJson<{ arrays: Record<string, string[]> }>('llama3-tiny', 'gguf.json');
    const lines = readFileSync(join(modelFolder('llama3-tiny'), 'tokenizer.model'), 'latin1')
      .trimEnd()
      .split('\n');
    const tokens = lines.slice(0, 256).map((line) => Buffer.from(line.split(' ')[0] ?? '', 'base64'));
    const offsets = Uint32Array.from({ length: 257 }, (_, index) => index);
    const spelled = spellTokens({ bytes: Buffer.concat(tokens), offsets });
    expect([...spelled]).toEqual(arrays['tokenizer.ggml.tokens']?.slice(0, 256));
  });
});
