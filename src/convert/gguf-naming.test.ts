import { describe, expect, it } from 'vitest';

import { TEXT_MODELS, expectedJson } from '../testing/fixtures.js';
import { ggufNaming, sizeLabelOf } from './gguf-naming.js';

interface GgufFacts {
  'convert-f32': { kv: { key: string; value?: unknown }[]; tensors: { dims: number[] }[] };
}

describe.each(TEXT_MODELS)('names of %s', (name) => {
  it('are those that llama.cpp wrote', () => {
    const { kv, tensors } = expectedJson<GgufFacts>(name, 'gguf.json')['convert-f32'];
    const count = tensors.reduce((sum, { dims }) => sum + dims.reduce((product, extent) => product * extent, 1), 0);
    const value = (key: string): unknown => kv.find((entry) => entry.key === `general.${key}`)?.value;
    expect(ggufNaming(name, count)).toEqual({
      ...{ name: value('name'), version: value('version'), finetune: value('finetune') },
      ...{ basename: value('basename'), sizeLabel: value('size_label') },
    });
  });
});

// What gguf-py (Metadata.get_model_id_components, id_to_title, size_label) answers for these.
describe.each([
  ['Llama-3.2-1B-Instruct', 1.24e9, ['Llama 3.2 1B Instruct', undefined, 'Instruct', 'Llama-3.2', '1B']],
  ['Llama3.2-1B-Instruct', 1.24e9, ['Llama3.2 1B Instruct', undefined, 'Instruct', 'Llama3.2', '1B']],
  ['Meta-Llama-3-8B', 8.03e9, ['Meta Llama 3 8B', undefined, undefined, 'Meta-Llama-3', '8B']],
  ['Mixtral-8x7B-Instruct-v0.1', 46.7e9, ['Mixtral 8x7B Instruct v0.1', 'v0.1', 'Instruct', 'Mixtral', '8x7B']],
  ['Phi-3-mini-4k-instruct', 3.8e9, ['Phi 3 Mini 4k Instruct', undefined, '4k-instruct', 'Phi-3', 'mini']],
  ['Hermes-2-Pro-Llama-3-8B', 8.03e9, ['Hermes 2 Pro Llama 3 8B', undefined, undefined, 'Hermes-2-Pro-Llama-3', '8B']],
  ['bloom-7b1', 7.1e9, ['Bloom 7b1', undefined, undefined, 'bloom', '7.1B']],
  ['model-large-7B-v2', 7e9, ['Model Large 7B v2', 'v2', undefined, 'model-large', '7B']],
  ['llama-q4_0-x', 7e9, ['Llama Q4_0 X', undefined, 'x', 'llama', '7.0B']],
  ['plain', 7e9, ['Plain', undefined, undefined, undefined, '7.0B']],
  ['Llama-v2', 7e9, ['Llama v2', 'v2', undefined, 'Llama', '7.0B']],
  ['a-v1-v2', 7e9, ['A v1 v2', 'v1-v2', undefined, 'a', '7.0B']],
  ['3.2-', 172000, ['3.2', '3.2', undefined, undefined, '172K']],
  ['-x-7B', 7e9, ['X 7B', undefined, undefined, 'x', '7B']],
  ['7B', 7e9, ['7B', undefined, '7B', undefined, '7.0B']],
  ['CodeLlama-13b-Python-hf', 13e9, ['CodeLlama 13b Python Hf', undefined, 'Python-hf', 'CodeLlama', '13B']],
  ['my-model-1_5b', 1.5e9, ['My Model 1_5b', undefined, undefined, 'my-model', '1.5B']],
  ['-0.5b-Mini-405B', 13e9, ['0.5b Mini 405B', undefined, '0.5b-405b', undefined, 'Mini']],
  ["hf-f32-Guard-it's-large-", 1.5e12, ["Hf F32 Guard It'S Large", undefined, "Guard-it's", 'hf', 'large']],
  ['my model-7B', 7e9, ['My Model 7B', undefined, undefined, undefined, '7.0B']],
])('names of %s', (name, count, [title, version, finetune, basename, sizeLabel]) => {
  it('follow the rules', () => {
    expect(ggufNaming(name, count)).toEqual({ name: title, version, finetune, basename, sizeLabel });
  });
});

describe('sizeLabelOf', () => {
  it.each([
    [172352, '172K'],
    [1377552, '1.4M'],
    [9960000, '10M'],
    [8030261248, '8.0B'],
    [70553706496, '71B'],
    [1.5e12, '1.5T'],
    [400, '0.40K'],
  ])('%d is %s', (count, label) => {
    expect(sizeLabelOf(count)).toBe(label);
  });
});
