import { describe, expect, it } from 'vitest';

import { TEXT_MODELS, expectedJson } from '../testing/fixtures.js';
import { canonicalName, expectNameInLayout, expectedTensors, isStoredFrequencies, rotaryHeads } from './layout.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';

interface Expected {
  'model.safetensors': { tensors: { name: string }[] };
  'convert-f32': { tensors: { name: string }[] };
}

describe.each(TEXT_MODELS)('names of %s', (model) => {
  const names = (file: string, part: keyof Expected): string[] =>
    expectedJson<Expected>(model, file)[part].tensors.map(({ name }) => name);

  it.each([
    ['hf', names('hf.json', 'model.safetensors')],
    ['gguf', names('gguf.json', 'convert-f32').filter((name) => name !== 'rope_freqs.weight')],
  ] as const)('translate to %s and back', (layout, list) => {
    for (const name of list) {
      const canonical = canonicalName(name, layout);
      expect(canonical).toBeDefined();
      expect(expectNameInLayout(canonical!, layout)).toBe(name);
    }
  });
});

describe('canonicalName', () => {
  it.each([
    ['model.layers.01.mlp.up_proj.weight', 'hf'],
    ['model.layers..mlp.up_proj.weight', 'hf'],
    ['model.layers.1.mlp.up_proj.bias', 'hf'],
    ['model.layers.1.mlp.unknown.weight', 'hf'],
    ['layers.1.attention.wq.weight', 'gguf'],
    ['blk.x.attn_q.weight', 'gguf'],
    ['', 'meta'],
  ] as const)('knows no %s in %s', (name, layout) => {
    expect(canonicalName(name, layout)).toBeUndefined();
  });
});

it('has no name for what is no part of a Llama', () => {
  for (const name of ['rope.freqs', 'layers.0.attention.wqkv.weight', 'model.norm.weight']) {
    expect(() => expectNameInLayout(name, 'hf')).toThrow(
      expect.objectContaining({ code: 'llama/unknown-tensor', message: `the tensor ${name} is not a part of a Llama` }),
    );
  }
});

describe('expectedTensors', () => {
  it('are nine a layer and three around them, in the order of the state dict', () => {
    const names = expectedTensors(SMALL_CONFIG).map(({ name }) => name);
    expect(names).toHaveLength(9 * SMALL_CONFIG.nLayers + 3);
    expect(names[0]).toBe('tok_embeddings.weight');
    expect(names[1]).toBe('layers.0.attention.wq.weight');
    expect(names.slice(-2)).toEqual(['norm.weight', 'output.weight']);
  });

  it('have no output when it is tied', () => {
    const names = expectedTensors({ ...SMALL_CONFIG, tied: true }).map(({ name }) => name);
    expect(names.at(-1)).toBe('norm.weight');
  });

  it('give k and v the rows of the key/value heads', () => {
    const shapes = new Map(expectedTensors(SMALL_CONFIG).map(({ name, shape }) => [name, shape]));
    expect(shapes.get('layers.1.attention.wk.weight')).toEqual([16, 32]);
    expect(shapes.get('layers.1.attention.wo.weight')).toEqual([32, 32]);
    expect(shapes.get('layers.1.feed_forward.w2.weight')).toEqual([32, 48]);
  });
});

it('rotates q and k only', () => {
  expect(rotaryHeads('layers.3.attention.wq.weight', SMALL_CONFIG)).toBe(4);
  expect(rotaryHeads('layers.3.attention.wk.weight', SMALL_CONFIG)).toBe(2);
  expect(rotaryHeads('layers.3.attention.wv.weight', SMALL_CONFIG)).toBeUndefined();
});

it('knows the frequencies that Llama 1 and 2 store', () => {
  expect(isStoredFrequencies('rope.freqs')).toBe(true);
  expect(isStoredFrequencies('layers.0.attention.inner_attention.rope.freqs')).toBe(true);
  expect(isStoredFrequencies('layers.0.attention.wq.weight')).toBe(false);
});
