import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { elementCount } from '../../dtype.js';
import { openSafetensorsFile } from '../../formats/safetensors/read.js';
import { tensorByteLength } from '../../formats/tensor.js';
import { openMetaModel } from '../../llama/meta-model.js';
import type { VisionFamily } from '../../llama/family.js';
import type { LlamaModel } from '../../llama/model.js';
import { blockPlaces, mllamaName } from '../../llama/vision/hf-names.js';
import { expectedVisionTensors } from '../../llama/vision/layout.js';
import { tileGrids } from '../../llama/vision/tiles.js';
import { openDirectory } from '../../source/directory.js';
import { memorySource } from '../../source/memory.js';
import { FIXTURES, modelFolder } from '../../testing/fixtures.js';
import { plannedText } from '../../testing/planned-files.js';
import { LLAMA_3_1_8B, shapeOnly } from '../../testing/release-models.js';
import { modelOf } from '../../testing/synthetic-model.js';
import { convert, planConversion } from '../convert.js';
import { memoryOutput } from '../output.js';
import { type ConversionPlan, plannedTensors } from '../plan.js';

interface Facts {
  tensors: { name: string; dtype: string; shape: number[]; sha256: string }[];
  transformers_against_meta: { text: number; image: number };
}

const EXPECTED = JSON.parse(readFileSync(join(FIXTURES, 'families', 'mllama.json'), 'utf8')) as Facts;
const FOLDERS = [modelFolder('llama3.2-vision-tiny'), join(FIXTURES, 'families', 'vision-2shards')];

const open = async (path: string): Promise<LlamaModel> => openMetaModel(await openDirectory(path));

function jsonOf(plan: ConversionPlan, name: string): unknown {
  const text = plannedText(plan.files, name);
  return text === undefined ? undefined : JSON.parse(text);
}

it('the expected tensors make transformers compute what Meta’s code does, with an image and without', () => {
  expect(EXPECTED.transformers_against_meta.text).toBeLessThan(1e-5);
  expect(EXPECTED.transformers_against_meta.image).toBeLessThan(1e-5);
});

describe.each(FOLDERS)('%s', (path) => {
  it('becomes the tensors of Hugging Face, byte for byte', async () => {
    await using model = await open(path);
    await model.expectConsistentWeights();
    const output = memoryOutput();
    const { plan } = await convert(model, output, { to: 'safetensors' });
    await using file = await openSafetensorsFile(memorySource(output.files.get('model.safetensors')!, 'x'));
    const found = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
    for (const { name, dtype, shape, sha256 } of EXPECTED.tensors) {
      const tensor = found.get(name)!;
      expect([name, tensor.dtype, tensor.shape]).toEqual([name, dtype, shape]);
      const bytes = await tensor.readBytes(0, tensorByteLength(tensor));
      expect([name, createHash('sha256').update(bytes).digest('hex')]).toEqual([name, sha256]);
    }
    expect(found.size).toBe(EXPECTED.tensors.length);
    expect(plan).toMatchObject({
      type: 'bf16',
      warnings: [expect.stringContaining('attention_heads')],
    });
  });
});

it('casts, also the tables whose rows are streamed in parts', async () => {
  await using model = await open(FOLDERS[0]!);
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors', type: 'f32' });
  await using file = await openSafetensorsFile(memorySource(output.files.get('model.safetensors')!, 'x'));
  expect(new Set(file.tensors.map(({ dtype }) => dtype))).toEqual(new Set(['float32']));
  const table = file.tensors.find(
    ({ name }) => name === 'vision_model.gated_positional_embedding.tile_embedding.weight',
  )!;
  const values = new Float32Array((await table.readBytes(0, tensorByteLength(table))).slice().buffer);
  expect(values.slice(0, 640).every((value) => value === 0)).toBe(true); // no image
  expect(values.slice(640, 800).every((value) => value !== 0)).toBe(true); // one tile
  expect(values.slice(800, 1280).every((value) => value === 0)).toBe(true);
});

it('writes configuration, image settings and a tokenizer with the token for an image', async () => {
  await using model = await open(FOLDERS[0]!);
  const plan = planConversion(model, { to: 'safetensors' });
  expect(jsonOf(plan, 'config.json')).toMatchObject({
    ...{ architectures: ['MllamaForConditionalGeneration'], model_type: 'mllama', image_token_index: 768 },
    text_config: { cross_attention_layers: [1, 4], num_hidden_layers: 6, vocab_size: 768, pad_token_id: 516 },
    vision_config: { hidden_size: 32, num_hidden_layers: 4, num_global_layers: 1, vision_output_dim: 96 },
  });
  expect(jsonOf(plan, 'preprocessor_config.json')).toMatchObject({
    size: { height: 28, width: 28 },
    max_image_tiles: 4,
  });
  expect(jsonOf(plan, 'generation_config.json')).toMatchObject({ _from_model_config: true, eos_token_id: 513 });
  const { added_tokens } = jsonOf(plan, 'tokenizer.json') as { added_tokens: { id: number; content: string }[] };
  expect(added_tokens).toHaveLength(257);
  const content = (id: number) => added_tokens.find((token) => token.id === id)?.content;
  expect([content(516), content(517), content(522), content(523), content(767), content(768)]).toEqual([
    ...['<|finetune_right_pad_id|>', '<|step_id|>', '<|python_tag|>', '<|reserved_special_token_2|>'],
    ...['<|reserved_special_token_246|>', '<|image|>'],
  ]);
});

describe('the release of 11B', () => {
  const family: VisionFamily = {
    ...{ kind: 'vision', release: 'Llama 3.2 11B Vision', nCrossLayers: 8, tileSize: 560, maxTiles: 4 },
    encoder: {
      ...{ width: 1280, ffnWidth: 5120, nLayers: 32, nGlobalLayers: 8, joinedLayers: 5, patchSize: 14 },
      positions: 1600,
    },
  };
  const release = (change: Partial<VisionFamily> = {}): LlamaModel => {
    const name = 'Llama3.2-11B-Vision-Instruct';
    const own = expectedVisionTensors(LLAMA_3_1_8B, family).map((tensor) => ({
      ...{ name: tensor.name, shape: tensor.shape, dtype: 'bfloat16' as const },
      readRows: () => Promise.reject(new Error('read')),
    }));
    const text = [...shapeOnly(LLAMA_3_1_8B, name).tensors.values()];
    return { ...modelOf(LLAMA_3_1_8B, [...text, ...own], name), family: { ...family, ...change } };
  };

  it('has as many parameters as the one that is published, in five files', () => {
    const plan = planConversion(release(), { to: 'safetensors' });
    const tensors = plannedTensors(plan);
    expect(tensors.reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(10_670_220_835);
    expect(tensors).toHaveLength(906);
    expect(plan.files.filter(({ name }) => name.endsWith('.safetensors'))).toHaveLength(5);
    expect(plan.warnings).toEqual(['there is no tokenizer: none is written']);
    expect(jsonOf(plan, 'config.json')).toMatchObject({
      image_token_index: 128256,
      text_config: {
        cross_attention_layers: [3, 8, 13, 18, 23, 28, 33, 38],
        bos_token_id: 128000,
        pad_token_id: 128004,
      },
      vision_config: { attention_heads: 16, intermediate_layers_indices: [3, 7, 15, 23, 30], vision_output_dim: 7680 },
    });
    expect(jsonOf(plan, 'generation_config.json')).toMatchObject({ do_sample: true, temperature: 0.6, top_p: 0.9 });
  });

  it('is refused where its position embeddings would have to be interpolated', () => {
    expect(() => planConversion(release({ tileSize: 448 }), { to: 'safetensors' })).toThrow(
      expect.objectContaining({
        code: 'convert/unsupported-model',
        message:
          'the position embeddings are those of 1600 patches, but tiles of 448 pixels have 1024; interpolating them is not supported',
      }),
    );
  });

  it('is no GGUF file', () => {
    expect(() => planConversion(release(), { to: 'gguf' })).toThrow(
      expect.objectContaining({
        code: 'convert/unsupported-model',
        hint: expect.stringContaining('--to safetensors') as unknown,
      }),
    );
  });
});

it('numbers arrangements of tiles as transformers does', () => {
  expect(tileGrids(4)).toEqual([
    ...[[1, 1], [1, 2], [1, 3], [1, 4], [2, 1], [2, 2], [3, 1], [4, 1]], // prettier-ignore
  ]);
});

it.each([
  'cross_attention_layers.0.x',
  'vision_model.vision_encoder.x',
  'vision_model.vision_encoder.transformer.resblocks.0.x',
  'layers.0.x',
  'toString',
])('has no name for %s', (name) => {
  expect(() => mllamaName(name, blockPlaces(4, 2))).toThrow(expect.objectContaining({ code: 'llama/unknown-tensor' }));
});
