import { describe, expect, it } from 'vitest';

import { weightTallies } from './weight-tallies.js';

const tensor = (name: string, dtype: string, shape: number[], byteLength: number) => {
  return { name, dtype, shape, byteLength };
};

describe('weightTallies', () => {
  it('counts bits over all, by type and by part', () => {
    const { bitsPerWeight, types, groups } = weightTallies([
      tensor('tok_embeddings.weight', 'q8_0', [4, 32], 136),
      tensor('layers.0.attention.wq.weight', 'q4_0', [32, 32], 576),
      tensor('layers.0.attention.wv.weight', 'q8_0', [8, 32], 272),
      tensor('layers.0.attention_norm.weight', 'float32', [32], 128),
    ]);
    expect(bitsPerWeight).toBe((8 * (136 + 576 + 272 + 128)) / (128 + 1024 + 256 + 32));
    expect(types).toEqual([
      { dtype: 'q4_0', tensorCount: 1, matrixCount: 1, parameterCount: 1024, byteLength: 576, bitsPerWeight: 4.5 },
      { dtype: 'q8_0', tensorCount: 2, matrixCount: 2, parameterCount: 384, byteLength: 408, bitsPerWeight: 8.5 },
      { dtype: 'float32', tensorCount: 1, matrixCount: 0, parameterCount: 32, byteLength: 128, bitsPerWeight: 32 },
    ]);
    expect(groups).toEqual([
      { ...{ group: 'embedding', dtypes: ['q8_0'], tensorCount: 1 }, ...counts(128, 136) },
      { ...{ group: 'attention', dtypes: ['q4_0', 'q8_0'], tensorCount: 2 }, ...counts(1280, 848) },
      { ...{ group: 'norms', dtypes: ['float32'], tensorCount: 1 }, ...counts(32, 128) },
    ]);
  });

  it('has no bits per weight where there are no weights', () => {
    expect(weightTallies([])).toEqual({ bitsPerWeight: undefined, types: [], groups: [] });
    expect(weightTallies([tensor('a', 'float32', [0, 4], 0)]).bitsPerWeight).toBeUndefined();
  });

  it.each([
    ['output.weight', 'output'],
    ['text_model.output.weight', 'output'],
    ['lm_head.weight', 'output'],
    ['output_norm.weight', 'norms'],
    ['norm.weight', 'norms'],
    ['blk.0.attn_norm.weight', 'norms'],
    ['model.layers.0.post_attention_layernorm.weight', 'norms'],
    ['model.embed_tokens.weight', 'embedding'],
    ['token_embd.weight', 'embedding'],
    ['blk.0.attn_output.weight', 'attention'],
    ['model.layers.0.self_attn.o_proj.weight', 'attention'],
    ['layers.0.feed_forward.w1.weight', 'feed-forward'],
    ['model.layers.0.mlp.up_proj.weight', 'feed-forward'],
    ['blk.0.ffn_down.weight', 'feed-forward'],
    ['rope_freqs.weight', 'other'],
    ['optimizer.state.0', 'other'],
  ])('puts %s into the part %s', (name, group) => {
    expect(weightTallies([tensor(name, 'float32', [2], 8)]).groups).toMatchObject([{ group }]);
  });
});

function counts(parameterCount: number, byteLength: number): object {
  return { parameterCount, byteLength, bitsPerWeight: (8 * byteLength) / parameterCount };
}
