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
    expect(spellTokens(bytes, Uint32Array.of(0, bytes.byteLength))).toEqual([spelling]);
  });

  it('spells the single bytes of a real vocabulary as llama.cpp has them', () => {
    const { arrays } = expectedJson<{ arrays: Record<string, string[]> }>('llama3-tiny', 'gguf.json');
    const lines = readFileSync(join(modelFolder('llama3-tiny'), 'tokenizer.model'), 'latin1')
      .trimEnd()
      .split('\n');
    const tokens = lines.slice(0, 256).map((line) => Buffer.from(line.split(' ')[0] ?? '', 'base64'));
    const offsets = Uint32Array.from({ length: 257 }, (_, index) => index);
    expect(spellTokens(Buffer.concat(tokens), offsets)).toEqual(arrays['tokenizer.ggml.tokens']?.slice(0, 256));
  });
});
