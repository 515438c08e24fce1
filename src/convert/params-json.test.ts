import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import type { LlamaConfig } from '../llama/model.js';
import { feedForwardDim, parseParams } from '../llama/params.js';
import { llama3Scaling } from '../llama/rope.js';
import { FIXTURES } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B } from '../testing/release-models.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { paramsJson } from './params-json.js';

const published = (name: string): string => readFileSync(join(FIXTURES, 'published', name), 'utf8');
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const textOf = (config: LlamaConfig, isSentencePiece = false): string =>
  paramsJson({ config, path: 'x' }, isSentencePiece);

describe('the files of releases', () => {
  it('come out as they were published: Llama 3.2 1B and Llama 3.1 8B', () => {
    expect(textOf(LLAMA_3_2_1B)).toBe(published('Llama-3.2-1B-Instruct.params.json'));
    expect(textOf(LLAMA_3_1_8B)).toBe(published('Llama-3.1-8B.params.json'));
  });

  it('come out with the published MD5: Llama 1 and Llama Guard 3 1B', () => {
    const llama1 = { ...SMALL_CONFIG, normEps: 1e-6, vocabSize: 32000 };
    const sizes = [
      [4096, 32, 32, 11008, '7596560e011154b90eb51a1b15739763'],
      [5120, 40, 40, 13824, '0171286599e0f8858893e49fb74b71f8'],
      [6656, 52, 60, 17920, '4babdbd05b8923226a9e9622492054b6'],
    ] as const;
    for (const [dim, nHeads, nLayers, ffnDim, hash] of sizes) {
      const config = { ...llama1, dim, nHeads, nKvHeads: nHeads, nLayers, ffnDim, headDim: dim / nHeads };
      expect(md5(textOf(config, true))).toBe(hash);
    }
    const guard = createHash('sha256').update(textOf({ ...LLAMA_3_2_1B, tied: false }));
    expect(guard.digest('hex')).toMatch(/^1df36ad4/);
  });
});

describe('the feed-forward width', () => {
  it.each([
    [4096, 14336],
    [8192, 28672],
    [16384, 53248],
    [3072, 8192],
    [8192, 22016],
    [256, 512],
    [2048, 5632],
    [4096, 11009],
    [4096, 1],
    [64, 4001],
  ])('of dim %i and %i comes back from the formula', (dim, ffnDim) => {
    const text = textOf({ ...LLAMA_3_1_8B, dim, ffnDim, nHeads: 8, headDim: dim / 8 });
    const params = parseParams(new TextEncoder().encode(text), 'x');
    expect(feedForwardDim(params)).toBe(ffnDim);
  });
});

describe('what params.json has no place for', () => {
  it.each([
    ['heads', { headDim: 16 }, /heads of 16 elements/],
    ['limits', { ropeScaling: { ...llama3Scaling(8), lowFreqFactor: 2 } }, /other limits/],
  ])('is refused: %s', (_, change, message) => {
    expect(() => textOf({ ...SMALL_CONFIG, ...change })).toThrow(
      expect.objectContaining({ code: 'convert/not-expressible', message: expect.stringMatching(message) as string }),
    );
  });
});
