import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { openMetaFixture } from '../testing/fixture-models.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import { inspectFolder } from './inspect.js';
import type { LlamaModel } from './model.js';
import { folderLayout, openModel } from './open-model.js';

interface Expected {
  n_params: number;
  vocab_size: number;
  ffn_dim: number;
  head_dim: number;
  bos: number;
  eos: number;
}

describe.each(TEXT_MODELS)('%s', (name) => {
  it('is understood', async () => {
    await using model = await openMetaFixture(name);
    const expected = expectedJson<Expected>(name, 'expected.json');
    const { config, vocabulary } = model;
    expect(config).toMatchObject({
      vocabSize: expected.vocab_size,
      ffnDim: expected.ffn_dim,
      headDim: expected.head_dim,
    });
    expect(vocabulary).toMatchObject({ size: expected.vocab_size, bosId: expected.bos, eosId: expected.eos });
    const inspection = await inspectFolder(await openDirectory(modelFolder(name)));
    expect(inspection.parameterCount).toBe(expected.n_params);
    expect(inspection.tensors).toHaveLength(model.tensors.size);
    await expect(model.expectConsistentWeights()).resolves.toBeUndefined();
  });
});

describe('a broken folder of Meta’s', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'meta-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });
  const copy = (name: string): Promise<void> => cp(modelFolder(name), folder, { recursive: true });
  const open = async (): Promise<LlamaModel> => openModel(await openDirectory(folder));
  const changeParams = async (change: object): Promise<void> => {
    const path = join(folder, 'params.json');
    await writeFile(path, JSON.stringify({ ...(JSON.parse(await readFile(path, 'utf8')) as object), ...change }));
  };

  it('without params.json', async () => {
    await copy('llama3.2-tiny');
    await rename(join(folder, 'params.json'), join(folder, 'params'));
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'llama/no-params', hint: 'a file named params is here: rename it to params.json' },
    });
    await rm(join(folder, 'params'));
    await expect(open()).rejects.toMatchObject({ code: 'llama/no-params' });
  });

  it('with a shard missing in the middle', async () => {
    await copy('llama3-tiny-4shards');
    await rm(join(folder, 'consolidated.01.pth'));
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', message: 'consolidated.01.pth is missing, but consolidated.02.pth is here' },
    });
  });

  it('with the last shard missing', async () => {
    await copy('llama3-tiny-4shards');
    await rm(join(folder, 'consolidated.03.pth'));
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', message: 'the shards are parts of a checkpoint of 4, but 3 are here' },
    });
    await rm(join(folder, 'consolidated.02.pth'));
    await rm(join(folder, 'consolidated.01.pth'));
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', message: 'the shards are parts of a checkpoint of 4, but one is here' },
    });
  });

  it('with the last shard missing where the embedding is cut along its width', async () => {
    await copy('llama2-tiny-2shards');
    await rm(join(folder, 'consolidated.01.pth'));
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', message: 'the shards are parts of a checkpoint of 2, but one is here' },
    });
  });

  it('with the tensors of another model', async () => {
    await copy('llama3.2-tiny');
    for (const layers of [1, 3]) {
      await changeParams({ n_layers: layers });
      await expect(open()).rejects.toMatchObject({
        code: 'llama/contradiction',
        message: `params.json says n_layers ${layers}, but there are tensors of 2 layers`,
      });
    }
    await changeParams({ n_layers: 2, ffn_dim_multiplier: 1 });
    await expect(open()).rejects.toMatchObject({
      ...{
        code: 'llama/wrong-shape',
        message: 'layers.0.feed_forward.w1.weight has shape (512, 256); params.json asks for (768, 256)',
      },
    });
  });

  it('with shards of two models of one shape', async () => {
    await copy('llama3-tiny-4shards');
    await cp(join(folder, 'consolidated.00.pth'), join(folder, 'consolidated.03.pth'));
    await using model = await open();
    // the norms are replicated, so a copied shard looks consistent by them
    await expect(model.expectConsistentWeights()).rejects.toMatchObject({
      ...{ code: 'llama/mixed-shards', path: join(folder, 'consolidated.03.pth') },
      message: `this is a copy of ${join(folder, 'consolidated.00.pth')}: both hold the same layers.0.attention.wo.weight`,
    });
    await cp(join(modelFolder('llama2-tiny-2shards'), 'consolidated.00.pth'), join(folder, 'consolidated.03.pth'));
    await expect(open()).rejects.toMatchObject({ code: 'llama/mixed-shards' });
  });

  it('with the tokenizer of another model', async () => {
    await copy('llama3.2-tiny');
    await cp(join(modelFolder('llama3-tiny'), 'tokenizer.model'), join(folder, 'tokenizer.model'));
    await expect(open()).rejects.toMatchObject({ code: 'tokenizer/size-mismatch' });
  });

  it('that is of Llama 4, quantized, or FP8 is recognised and refused', async () => {
    await copy('llama3.2-tiny');
    await changeParams({ moe_args: { num_experts: 16 } });
    const contradiction = {
      code: 'llama/contradiction',
      message: 'params.json is that of a Llama 4 (moe_args or vision_args), but the tensors are not',
    };
    await expect(open()).rejects.toMatchObject(contradiction);
    await expect(inspectFolder(await openDirectory(folder))).rejects.toMatchObject(contradiction);
    await changeParams({ moe_args: null, vision_num_cross_attention_layers: 1, vision_chunk_size: 28 });
    await expect(inspectFolder(await openDirectory(folder))).rejects.toMatchObject({
      message: 'params.json says vision_num_cross_attention_layers 1, but no tensor is of such a layer',
    });
    await changeParams({
      ...{ vision_num_cross_attention_layers: 0, vision_chunk_size: -1 },
      quantization_args: { scheme: 'int4_weight_int8_dynamic_activation' },
    });
    await expect(inspectFolder(await openDirectory(folder))).rejects.toMatchObject({
      ...{ code: 'llama/contradiction' },
      message: 'params.json has quantization_args, but no weight is int8 with scales beside it',
    });
    await changeParams({ quantization_args: { scheme: 'int4' } });
    expect(await inspectFolder(await openDirectory(folder))).toMatchObject({ kind: 'quantized' });
    await expect(open()).rejects.toMatchObject({ code: 'llama/unsupported' });
    await writeFile(join(folder, 'fp8_scales_0.pt'), '');
    await expect(open()).rejects.toMatchObject({ code: 'source/empty' });
  });

  it('in which nothing lies', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'llama/no-model' });
    await writeFile(join(folder, 'params.json'), '{}');
    await expect(open()).rejects.toMatchObject({ code: 'llama/no-shards' });
    await writeFile(join(folder, 'a.gguf'), 'GGUF');
    await writeFile(join(folder, 'b.gguf'), 'GGUF');
    await expect(open()).rejects.toMatchObject({ code: 'llama/several-models' });
  });

  it('with a tokenizer in the folder above', async () => {
    await copy('llama2-tiny');
    await rm(join(folder, 'tokenizer.model'));
    await using without = await open();
    expect(without.vocabulary).toBeUndefined();
    const parent = await openDirectory(modelFolder('llama2-tiny'));
    await using model = await openModel(await openDirectory(folder), { parent });
    expect(model.vocabulary?.size).toBe(480);
  });
});

describe('openModel', () => {
  it('refuses what is no model', async () => {
    const weights = new Uint8Array(await readFile(join(modelFolder('llama1-tiny'), 'consolidated.00.pth')));
    await expect(openModel(weights)).rejects.toMatchObject({ code: 'llama/no-model' });
    await expect(openModel(new TextEncoder().encode('<!DOCTYPE html><title>x</title>'))).rejects.toMatchObject({
      code: 'source/html-page',
    });
  });

  it('recognises layouts by the names of files', async () => {
    const layout = (...names: string[]) =>
      folderLayout(memoryFolder(Object.fromEntries(names.map((name) => [name, new Uint8Array()]))));
    expect(await layout('consolidated.00.pth')).toBe('meta');
    expect(await layout('consolidated.pth', 'config.json')).toBe('meta');
    expect(await layout('model.safetensors.index.json')).toBe('hf');
    expect(await layout('config.json')).toBe('hf');
    expect(await layout('x.gguf', 'config.json')).toBe('gguf');
    expect(await layout('params')).toBe('meta');
    expect(await layout('readme.md')).toBeUndefined();
  });
});
