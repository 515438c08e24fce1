import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { HF_CONFIG_STYLES, hfConfigJson, parseHfConfig, pythonFloat, pythonJson } from './hf-config.js';

const published = (name: string): string => readFileSync(join(FIXTURES, 'published', name), 'utf8');
const VALID = { model_type: 'llama', hidden_size: 64, num_attention_heads: 4, num_hidden_layers: 2 };
const COMPLETE = { ...VALID, intermediate_size: 96, vocab_size: 100 };

describe('published config.json', () => {
  it.each([
    ['Llama-3.2-1B-Instruct.config.json', HF_CONFIG_STYLES.llama32],
    ['Llama-3.1-8B-Instruct.config.json', HF_CONFIG_STYLES.llama31],
  ])('%s is read and written again, byte for byte', (name, style) => {
    const text = published(name);
    const config = parseHfConfig(text, name);
    const eosIds = [128001, 128008, 128009];
    expect(hfConfigJson(config, { torchDtype: 'bfloat16', bosId: 128000, eosIds, style })).toBe(text);
  });
});

describe('parseHfConfig', () => {
  it('takes the defaults of transformers for absent keys', () => {
    expect(parseHfConfig(JSON.stringify(COMPLETE), 'config.json')).toEqual({
      ...{ dim: 64, nHeads: 4, nKvHeads: 4, headDim: 16, nLayers: 2, ffnDim: 96, vocabSize: 100, normEps: 1e-6 },
      ...{ ropeTheta: 10000, ropeScaling: null, contextLength: 2048, tied: false },
    });
  });

  it('takes every spelling of the class, or none', () => {
    for (const architectures of [undefined, null, [], 'LlamaForCausalLM', ['LLaMAForCausalLM'], ['LlamaModel']]) {
      expect(parseHfConfig(JSON.stringify({ ...COMPLETE, architectures }), 'c').dim).toBe(64);
    }
  });

  it('reads the scaling under both of its names, and the default one as none', () => {
    const scaled = (scaling: object) =>
      parseHfConfig(JSON.stringify({ ...COMPLETE, rope_scaling: scaling }), 'c').ropeScaling;
    const four = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    expect(scaled({ rope_type: 'llama3', ...four })).toMatchObject({ factor: 32, highFreqFactor: 4 });
    expect(scaled({ type: 'llama3', ...four })).toMatchObject({ factor: 32, originalContextLength: 8192 });
    expect(() => scaled({ rope_type: 'llama3', ...four, factor: undefined })).toThrow('factor is missing');
    expect(scaled({ rope_type: 'default' })).toBeNull();
  });

  it('reads the settings where transformers 5 puts them, and refuses two that contradict each other', () => {
    const four = { factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    const now = { rope_theta: 500000, rope_type: 'llama3', ...four };
    const read = (change: object) => parseHfConfig(JSON.stringify({ ...COMPLETE, ...change }), 'c');
    expect(read({ rope_parameters: now })).toMatchObject({ ropeTheta: 500000, ropeScaling: { factor: 32 } });
    expect(read({ rope_parameters: { rope_theta: 1e6, rope_type: 'default' } })).toMatchObject({
      ropeTheta: 1e6,
      ropeScaling: null,
    });
    expect(
      read({ rope_parameters: now, rope_theta: 500000, rope_scaling: { type: 'llama3', ...four } }).ropeTheta,
    ).toBe(500000);
    const contradictions = [{ rope_theta: 10000 }, { rope_scaling: { type: 'llama3', ...four, factor: 8 } }];
    for (const old of contradictions) expect(() => read({ rope_parameters: now, ...old })).toThrow('contradicts');
    expect(() => read({ rope_parameters: 'x' })).toThrow('must be an object');
  });

  it.each([
    ['not json', 'llama/bad-config', 'not valid JSON'],
    ['[]', 'llama/bad-config', 'a JSON object was expected'],
    [JSON.stringify({ ...COMPLETE, model_type: 'mistral' }), 'llama/unsupported', 'model_type is "mistral"'],
    [JSON.stringify({ ...COMPLETE, model_type: undefined }), 'llama/unsupported', 'there is no model_type'],
    [
      JSON.stringify({ ...COMPLETE, architectures: ['MistralForCausalLM'] }),
      'llama/contradiction',
      'architectures is ["MistralForCausalLM"], but model_type is "llama"',
    ],
    [
      JSON.stringify({ ...COMPLETE, architectures: ['LlamaForSequenceClassification'] }),
      'llama/unsupported',
      'only "LlamaForCausalLM" can be read',
    ],
    [JSON.stringify({ ...COMPLETE, partial_rotary_factor: 0.5 }), 'llama/unsupported', 'partial_rotary_factor is 0.5'],
    ['<!DOCTYPE html><title>Sign in</title>', 'source/html-page', 'config.json was expected, but this is an HTML page'],
    [JSON.stringify({ ...COMPLETE, quantization_config: {} }), 'llama/unsupported', 'quantized'],
    [JSON.stringify({ ...COMPLETE, hidden_act: 'gelu' }), 'llama/unsupported', 'hidden_act is "gelu"'],
    [JSON.stringify({ ...COMPLETE, attention_bias: true }), 'llama/unsupported', 'attention_bias is true'],
    [JSON.stringify(VALID), 'llama/bad-config', 'intermediate_size is missing'],
    [
      JSON.stringify({ ...COMPLETE, vocab_size: -1 }),
      'llama/bad-config',
      'vocab_size must be a positive integer, found -1',
    ],
    [
      JSON.stringify({ ...COMPLETE, rope_theta: 'x' }),
      'llama/bad-config',
      'rope_theta must be a positive number, found "x"',
    ],
    [JSON.stringify({ ...COMPLETE, num_key_value_heads: 3 }), 'llama/bad-config', 'do not fit together'],
    [JSON.stringify({ ...COMPLETE, rope_scaling: 'x' }), 'llama/bad-config', 'rope_scaling must be an object or null'],
    [JSON.stringify({ ...COMPLETE, rope_scaling: { type: 'yarn' } }), 'llama/unsupported', 'of type "yarn"'],
  ])('refuses %s', (text, code, message) => {
    expect(() => parseHfConfig(text, 'config.json')).toThrow(
      expect.objectContaining({ code, path: 'config.json', message: expect.stringContaining(message) as unknown }),
    );
  });
});

describe('JSON as Python writes it', () => {
  // the right-hand side is what Python 3.11 prints
  it.each([
    [0, '0.0'],
    [1e-5, '1e-05'],
    [1e-6, '1e-06'],
    [0.0001, '0.0001'],
    [500000, '500000.0'],
    [1.5e-10, '1.5e-10'],
    [1e16, '1e+16'],
    [1e15, '1000000000000000.0'],
    [1e22, '1e+22'],
    [0.02, '0.02'],
    [-2.5, '-2.5'],
    [1e-100, '1e-100'],
  ])('%d is %s', (value, text) => {
    expect(pythonFloat(value)).toBe(text);
  });

  it('writes empty lists and objects in one line', () => {
    expect(pythonJson({ a: [], b: {}, c: [1, 'x'], d: null })).toBe(
      '{\n  "a": [],\n  "b": {},\n  "c": [\n    1,\n    "x"\n  ],\n  "d": null\n}\n',
    );
  });
});
