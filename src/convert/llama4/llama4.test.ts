import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { elementCount } from '../../dtype.js';
import { openSafetensorsFile } from '../../formats/safetensors/read.js';
import { tensorByteLength } from '../../formats/tensor.js';
import type { Llama4Family } from '../../llama/family.js';
import { llama4Tensors } from '../../llama/llama4/layout.js';
import { openMetaModel } from '../../llama/meta-model.js';
import type { LlamaConfig, LlamaModel } from '../../llama/model.js';
import { openDirectory } from '../../source/directory.js';
import { memorySource } from '../../source/memory.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { plannedText } from '../../testing/planned-files.js';
import { modelOf } from '../../testing/synthetic-model.js';
import { CHAT_TEMPLATES } from '../../tokenizer/chat-template/formats.js';
import { convert, planConversion } from '../convert.js';
import { memoryOutput } from '../output.js';
import { type ConversionPlan, plannedTensors } from '../plan.js';

interface Facts {
  tensors: { name: string; dtype: string; shape: number[]; sha256: string }[];
}

const EXPECTED = JSON.parse(readFileSync(join(FIXTURES, 'families', 'llama4.json'), 'utf8')) as Facts;

const open = async (name: string): Promise<LlamaModel> =>
  openMetaModel(await openDirectory(join(FIXTURES, 'families', name)));

function jsonOf(plan: ConversionPlan, name: string): unknown {
  const text = plannedText(plan.files, name);
  return text === undefined ? undefined : JSON.parse(text);
}

describe.each(['llama4-1shard', 'llama4-2shards'])('%s', (name) => {
  it('becomes the tensors of Hugging Face, byte for byte', async () => {
    await using model = await open(name);
    await model.expectConsistentWeights();
    const output = memoryOutput();
    const { plan } = await convert(model, output, { to: 'safetensors' });
    await using file = await openSafetensorsFile(memorySource(output.files.get('model.safetensors')!, 'x'));
    const found = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    for (const { name: own, dtype, shape, sha256 } of EXPECTED.tensors) {
      const tensor = found.get(own)!;
      expect([own, tensor.dtype, tensor.shape]).toEqual([own, dtype, shape]);
      const bytes = await tensor.readBytes(0, tensorByteLength(tensor));
      expect([own, createHash('sha256').update(bytes).digest('hex')]).toEqual([own, sha256]);
    }
    expect(found.size).toBe(EXPECTED.tensors.length);
    expect(plan.warnings).toEqual(['there is no tokenizer: none is written']);
  });
});

it('writes the chat template of an instruct model into a file of its own', async () => {
  await using model = await open('llama4-1shard');
  const template = (name: string): string | undefined => {
    const plan = planConversion({ ...model, name }, { to: 'safetensors' });
    return plannedText(plan.files, 'chat_template.jinja');
  };
  expect(template('Llama-4-tiny-Instruct')).toBe(CHAT_TEMPLATES.llama4);
  expect(template('Llama-4-tiny')).toBeUndefined();
});

it('writes the configuration', async () => {
  await using model = await open('llama4-1shard');
  const plan = planConversion(model, { to: 'safetensors' });
  expect(jsonOf(plan, 'config.json')).toMatchObject({
    ...{ architectures: ['Llama4ForConditionalGeneration'], model_type: 'llama4', image_token_index: 200092 },
    text_config: {
      ...{ intermediate_size: 128, intermediate_size_mlp: 224, interleave_moe_layer_step: 2, num_local_experts: 4 },
      ...{
        ...{ no_rope_layers: [1, 1, 1, 0], attn_temperature_tuning: false, floor_scale: 8192, attn_scale: 0.1 },
        // 320 rows have no place for the tokens of the releases
        eos_token_id: null,
        max_position_embeddings: 262144,
        attention_chunk_size: 64,
      },
      rope_scaling: { factor: 16, high_freq_factor: 1, low_freq_factor: 1, rope_type: 'llama3' },
    },
    vision_config: { hidden_size: 32, image_size: 56, intermediate_size: 128, vision_output_dim: 48 },
  });
  expect(jsonOf(plan, 'generation_config.json')).toEqual({ _from_model_config: true, transformers_version: '4.51.0' });
});

describe('releases', () => {
  const config: LlamaConfig = {
    ...{ dim: 5120, nLayers: 48, nHeads: 40, nKvHeads: 8, headDim: 128, ffnDim: 16384, vocabSize: 202048 },
    ...{ normEps: 1e-5, ropeTheta: 5e5, ropeScaling: null, contextLength: 1048576, tied: false },
  };
  const family = (numExperts: number, layerStep: number): Llama4Family => ({
    ...{ kind: 'llama4', release: undefined, expertDim: 8192, attentionChunkSize: 8192, useQkNorm: false },
    ...{ nopeLayerInterval: 4, attentionTemperature: { floor: 8192, scale: 0.1 } },
    moe: { numExperts, topK: 1, layerStep },
    vision: {
      ...{ dim: 1408, nLayers: 34, nHeads: 16, imageSize: 336, patchSize: 14, mlpRatio: 4, outputDim: 4096 },
      pixelShuffleRatio: 0.5,
    },
  });
  const release = (own: Llama4Family, name: string, ffnDim = config.ffnDim): LlamaModel => {
    const tensors = llama4Tensors({ ...config, ffnDim }, own).map((tensor) => ({
      ...{ name: tensor.name, shape: tensor.shape, dtype: 'bfloat16' as const },
      readRows: () => Promise.reject(new Error('read')),
    }));
    return { ...modelOf(config, tensors, name), family: own };
  };

  it.each([
    // as Hugging Face counts the safetensors of the releases
    ['Llama-4-Scout-17B-16E-Instruct', 16, 1, 108_641_793_536],
    ['Llama-4-Maverick-17B-128E', 128, 2, 401_583_781_376],
    ['Llama-Guard-4-12B', 0, 1, 12_001_097_216],
  ])('%s has as many parameters as the one that is published', (name, experts, step, count) => {
    const own = experts === 0 ? { ...family(1, 1), moe: undefined } : family(experts, step);
    const plan = planConversion(release(own, name, own.moe === undefined ? 8192 : undefined), { to: 'safetensors' });
    expect(plannedTensors(plan).reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(count);
    const { eos_token_id } = jsonOf(plan, 'generation_config.json') as { eos_token_id: unknown };
    expect(eos_token_id).toEqual(name.endsWith('Instruct') ? [200001, 200007, 200008] : 200001);
  });

  it('a dense one without images has neither experts nor an encoder', () => {
    const guard = { ...family(1, 1), moe: undefined, vision: undefined };
    const plan = planConversion(release(guard, 'x'), { to: 'safetensors' });
    expect(jsonOf(plan, 'config.json')).toMatchObject({
      ...{ model_type: 'llama4_text', architectures: ['Llama4ForCausalLM'] },
      ...{ moe_layers: [], intermediate_size: 16384 },
    });
    for (const key of ['text_config', 'vision_config']) {
      expect(jsonOf(plan, 'config.json')).not.toHaveProperty(key);
    }
    expect(plannedTensors(plan).some(({ name }) => name.startsWith('language_model.'))).toBe(false);
    expect(plannedTensors(plan).some(({ name }) => /experts|vision/.test(name))).toBe(false);
  });

  it('is no GGUF file', () => {
    expect(() => planConversion(release(family(16, 1), 'x'), { to: 'gguf' })).toThrow(
      expect.objectContaining({
        code: 'convert/unsupported-model',
        message: expect.stringContaining('Llama 4') as unknown,
      }),
    );
  });
});
