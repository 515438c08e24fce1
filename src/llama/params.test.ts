import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { SourceError } from '../source/byte-source.js';
import { memorySource } from '../source/memory.js';
import { FIXTURES, TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import { LlamaError } from './model.js';
import { feedForwardDim, parseParams, readParams } from './params.js';

const text = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const VALID = { dim: 64, n_layers: 2, n_heads: 4 };

function refusal(value: unknown): unknown {
  try {
    return parseParams(text(value), 'params.json');
  } catch (error) {
    return error;
  }
}

describe.each(TEXT_MODELS)('params.json of %s', (name) => {
  it('gives the width that Meta’s code has', () => {
    const params = parseParams(readFileSync(join(modelFolder(name), 'params.json')), 'params.json');
    expect(feedForwardDim(params)).toBe(expectedJson<{ ffn_dim: number }>(name, 'expected.json').ffn_dim);
    expect(params.n_kv_heads).toBe(expectedJson<{ n_kv_heads: number }>(name, 'expected.json').n_kv_heads);
  });
});

describe('published params.json', () => {
  it.each([
    ['Llama-3.1-8B', 14336],
    ['Llama-3.2-1B-Instruct', 8192],
  ])('of %s is valid', (name, ffnDim) => {
    const bytes = readFileSync(join(FIXTURES, 'published', `${name}.params.json`));
    const params = parseParams(bytes, 'params.json');
    expect(feedForwardDim(params)).toBe(ffnDim);
    expect(params.use_scaled_rope).toBe(true);
    expect(params.unknownKeys).toEqual([]);
  });

  // dim, multiplier, multiple_of and width from the releases
  it.each([
    [4096, undefined, 256, 11008],
    [5120, undefined, 256, 13824],
    [6656, undefined, 256, 17920],
    [8192, undefined, 256, 22016],
    [8192, 1.3, 4096, 28672],
    [8192, 1.0, 256, 22016],
    [16384, 1.2, 4096, 53248],
    [3072, 1.0, 256, 8192],
  ])('dim %d, multiplier %s, multiple of %d has width %d', (dim, multiplier, multiple, width) => {
    expect(feedForwardDim({ dim, ffn_dim_multiplier: multiplier, multiple_of: multiple })).toBe(width);
  });
});

describe('parseParams', () => {
  it('fills in what Meta’s code takes for absent keys', () => {
    expect(parseParams(text(VALID), 'params.json')).toEqual({
      ...VALID,
      ...{ n_kv_heads: 4, vocab_size: -1, multiple_of: 256, ffn_dim_multiplier: undefined, norm_eps: 1e-5 },
      ...{ rope_theta: 10000, use_scaled_rope: false, vision_num_cross_attention_layers: 0, head_dim: undefined },
      ...{ vision_chunk_size: undefined, vision_max_num_chunks: 4, llama4: undefined },
      ...{ sections: [], unknownKeys: [] },
    });
  });

  it('looks under "model", notes unknown keys, and names the special sections', () => {
    const params = parseParams(text({ model: { ...VALID, extra: 1, moe_args: {}, head_dim: 8 } }), 'params.json');
    expect(params).toMatchObject({ dim: 64, unknownKeys: ['extra'], sections: ['moe_args'], head_dim: 8 });
  });

  it.each([
    [{ ...VALID, dim: '4096' }, 'dim must be integer, found "4096"'],
    [{ ...VALID, dim: 0 }, 'dim must be >= 1, found 0'],
    [{ ...VALID, vocab_size: 0 }, 'vocab_size must be -1 or at least 1, found 0'],
    [{ dim: 64 }, 'n_layers is missing; n_heads is missing'],
    [[], 'a JSON object was expected'],
    [7, 'a JSON object was expected'],
    [{ ...VALID, norm_eps: 0, rope_theta: 1, dim: 1.5, n_heads: null }, 'and 1 more fault'],
  ])('refuses %j', (value, message) => {
    const error = refusal(value);
    expect(error).toBeInstanceOf(LlamaError);
    expect(error).toMatchObject({ code: 'llama/bad-params', path: 'params.json' });
    expect((error as Error).message).toContain(message);
  });

  it('says where the JSON breaks', () => {
    expect(refusal('{"dim": 64,}')).toMatchObject({ code: 'llama/bad-params' });
    expect((refusal('{"dim": 64,}') as Error).message).toMatch(/not valid JSON: .*position 11/);
  });

  it('names an HTML page', () => {
    const error = refusal('<!DOCTYPE html><html><head><title>Access Denied</title></head></html>');
    expect(error).toBeInstanceOf(SourceError);
    expect(error).toMatchObject({ code: 'source/html-page' });
    expect((error as Error).message).toContain('Access Denied');
  });

  it('does not read a huge file', async () => {
    const source = { ...memorySource(new Uint8Array(0), 'params.json'), size: 3e9 };
    await expect(readParams(source)).rejects.toMatchObject({ code: 'source/too-large' });
  });
});
