import { describe, expect, it } from 'vitest';

import { type TensorEvidence, hyperparameters } from './hyperparameters.js';
import { parseParams } from './params.js';

const LLAMA_3_2_1B = {
  ...{ dim: 2048, n_layers: 16, n_heads: 32, n_kv_heads: 8, vocab_size: 128256, ffn_dim_multiplier: 1.5 },
  ...{ multiple_of: 256, norm_eps: 1e-5, rope_theta: 500000, use_scaled_rope: true },
};
const LLAMA_2_7B = { dim: 4096, multiple_of: 256, n_heads: 32, n_layers: 32, norm_eps: 1e-5, vocab_size: -1 };

function decide(params: object, evidence: Partial<TensorEvidence> = {}, ropeFactor?: number) {
  const parsed = parseParams(new TextEncoder().encode(JSON.stringify(params)), 'params.json');
  const complete = {
    vocabSize: 128256,
    tied: true,
    dtype: 'bfloat16',
    frequenciesInBlocks: false,
    ...evidence,
  };
  return hyperparameters(parsed, complete, 'folder', ropeFactor);
}

const reason = (found: ReturnType<typeof decide>, about: string) =>
  found.decisions.find((decision) => decision.about === about);

describe('rope factor', () => {
  it('is 32 for the shape of Llama 3.2 1B, which no file says', () => {
    const found = decide(LLAMA_3_2_1B);
    expect(found.config.ropeScaling?.factor).toBe(32);
    expect(reason(found, 'rope factor')).toEqual({
      ...{ about: 'rope factor', value: '32', because: 'the shape is that of Llama 3.2 1B' },
    });
  });

  it('is 32 for Llama Guard 3 1B, which is untied', () => {
    const found = decide(LLAMA_3_2_1B, { tied: false });
    expect(found.release?.name).toBe('Llama Guard 3 1B');
    expect(found.config.ropeScaling?.factor).toBe(32);
  });

  it('is 8 for Llama 3.1 8B and, as in Meta’s code, for unknown shapes', () => {
    const found = decide(
      { ...LLAMA_3_2_1B, dim: 4096, n_layers: 32, ffn_dim_multiplier: 1.3, multiple_of: 1024 },
      { tied: false },
    );
    expect(found.release?.name).toBe('Llama 3.1 8B');
    expect(found.config.ropeScaling?.factor).toBe(8);
    const unknown = decide({ ...LLAMA_3_2_1B, n_layers: 3 });
    expect(unknown.config.ropeScaling?.factor).toBe(8);
    expect(reason(unknown, 'rope factor')?.because).toContain('Meta');
  });

  it('follows the blocks of a release, whatever the vocabulary and the output', () => {
    const shape = { ...LLAMA_3_2_1B, vocab_size: 128264 };
    const found = decide(shape, { vocabSize: 128264, tied: false });
    expect(found.release).toBeUndefined();
    expect(found.config.ropeScaling?.factor).toBe(32);
  });

  it('can be given, but not where nothing is scaled', () => {
    expect(decide(LLAMA_3_2_1B, {}, 16).config.ropeScaling?.factor).toBe(16);
    expect(() => decide(LLAMA_2_7B, { vocabSize: 32000 }, 16)).toThrow(
      expect.objectContaining({ code: 'llama/contradiction' }),
    );
  });
});

describe('context length', () => {
  it.each([
    [LLAMA_3_2_1B, {}, 131072],
    [{ ...LLAMA_3_2_1B, use_scaled_rope: false }, {}, 8192],
    [{ ...LLAMA_2_7B, rope_theta: 1e6 }, {}, 16384],
    [LLAMA_2_7B, {}, 4096],
    [LLAMA_2_7B, { dtype: 'float16' }, 2048],
    [{ ...LLAMA_2_7B, n_kv_heads: 8 }, { dtype: 'float16' }, 4096],
    [LLAMA_2_7B, { frequenciesInBlocks: true }, 2048],
  ])('of %j with %j is %d', (params, evidence, length) => {
    const found = decide(params, evidence);
    expect(found.config.contextLength).toBe(length);
    expect(reason(found, 'context length')?.value).toBe(String(length));
  });
});

describe('special tokens', () => {
  it('are those of 3.1 where the frequencies are scaled', () => {
    expect(decide(LLAMA_3_2_1B).generation).toBe('llama3.1');
    expect(decide({ ...LLAMA_3_2_1B, use_scaled_rope: false }).generation).toBe('llama3');
  });
});

describe('contradictions', () => {
  it.each([
    [{ ...LLAMA_3_2_1B, n_heads: 31, n_kv_heads: 31 }, 'llama/bad-params', 'dim 2048 is not a multiple of n_heads 31'],
    [{ ...LLAMA_3_2_1B, n_kv_heads: 5 }, 'llama/bad-params', 'n_heads 32 is not a multiple of n_kv_heads 5'],
    [{ ...LLAMA_3_2_1B, dim: 96 }, 'llama/bad-params', 'a head has 3 elements'],
    [
      { ...LLAMA_3_2_1B, vocab_size: 128000 },
      'llama/contradiction',
      'vocab_size 128000, but tok_embeddings.weight has 128256 rows',
    ],
  ])('in %j are refused', (params, code, message) => {
    expect(() => decide(params)).toThrow(
      expect.objectContaining({ code, path: 'folder', message: expect.stringContaining(message) as unknown }),
    );
  });
});
