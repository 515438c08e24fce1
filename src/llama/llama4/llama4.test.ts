import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openDirectory } from '../../source/directory.js';
import { type Folder, memoryFolder } from '../../source/folder.js';
import { FIXTURES } from '../../testing/fixtures.js';
import { pthBytes } from '../../testing/small-checkpoints.js';
import { inspectFolder } from '../inspect.js';
import { openMetaModel } from '../meta-model.js';

const FOLDER = join(FIXTURES, 'families', 'llama4-1shard');
const PARAMS = JSON.parse(readFileSync(join(FOLDER, 'params.json'), 'utf8')) as Record<string, object>;
const MOE = { ...PARAMS['moe_args'] };
const VISION = { ...PARAMS['vision_args'] };

async function shapes(): Promise<Record<string, readonly number[]>> {
  const { openMetaCheckpoint } = await import('../meta-checkpoint.js');
  const checkpoint = await openMetaCheckpoint(await openDirectory(FOLDER));
  await checkpoint.close();
  return Object.fromEntries([...checkpoint.shards[0].tensors].map(([name, { shape }]) => [name, shape]));
}

const SHAPES = await shapes();

async function folder(
  change: Record<string, number[] | undefined> = {},
  params: object = {},
  name = 'llama4',
): Promise<Folder> {
  const all = Object.entries({ ...SHAPES, ...change });
  const kept = all.filter((entry): entry is [string, number[]] => entry[1] !== undefined);
  const files = {
    'params.json': new TextEncoder().encode(JSON.stringify({ ...PARAMS, ...params })),
    'consolidated.00.pth': await pthBytes(Object.fromEntries(kept)),
  };
  return memoryFolder(files, name);
}

describe('a checkpoint of Llama 4', () => {
  it.each(['llama4-1shard', 'llama4-2shards'])('is recognised and whole: %s', async (name) => {
    const place = await openDirectory(join(FIXTURES, 'families', name));
    expect(await inspectFolder(place)).toMatchObject({
      ...{ kind: 'llama4', release: undefined, config: { ffnDim: 224, vocabSize: 320 } },
      notes: [
        'a Llama 4 model: 4 experts of width 128 in one in 2 layers',
        'images in tiles of 56 pixels; encoder of 2 layers, width 32, patches of 14',
        'convert makes safetensors of it; it cannot be run here',
        'there is no tokenizer',
      ],
    });
  });

  it.each([
    ['layers.1.attention.wqkv.weight'],
    ['layers.1.feed_forward.experts.moe_w_out_eF_D'],
    ['layers.0.feed_forward.mlp.fc1_weight'],
    ['vision_embeddings.vision_adapter.mlp.c_proj.weight'],
  ])('without %s is refused', async (name) => {
    await expect(openMetaModel(await folder({ [name]: undefined }))).rejects.toMatchObject({
      ...{ code: 'llama/missing-tensor', message: `the tensor ${name} is missing` },
    });
  });

  it('with another tensor is refused', async () => {
    await expect(openMetaModel(await folder({ 'layers.0.attention.wq.weight': [64, 64] }))).rejects.toMatchObject({
      ...{ code: 'llama/unknown-tensor' },
      message: 'the tensor layers.0.attention.wq.weight is not a part of a Llama 4 with these params',
    });
  });

  it.each([
    ['layers.1.feed_forward.experts.moe_w_out_eF_D', [128, 64], '(128, 64); params.json asks for (512, 64)'],
    ['layers.0.attention.wqkv.weight', [96, 64], '(96, 64); params.json asks for (128, 64)'],
    ['layers.1.feed_forward.experts.moe_w_in_eD_F', [256, 64], '(256, 64); params.json asks for (256, 128)'],
  ])('with %s of shape %j is refused', async (name, shape, message) => {
    await expect(openMetaModel(await folder({ [name]: shape }))).rejects.toMatchObject({
      ...{ code: 'llama/wrong-shape', message: `${name} has shape ${message}` },
    });
  });

  it.each([
    [{ moe_args: null, vision_args: null }, 'llama/contradiction', 'neither moe_args nor vision_args'],
    [{ moe_args: { ...MOE, num_experts: 1.5 } }, 'llama/bad-params', 'num_experts'],
    [{ vision_args: { ...VISION, dim: -1 } }, 'llama/bad-params', 'vision_args.dim must be >= 1, found -1'],
    [{ vision_args: { ...VISION, dim: undefined } }, 'llama/bad-params', 'vision_args needs dim'],
    [{ vision_args: { ...VISION, n_heads: 3 } }, 'llama/bad-params', 'dim 32, which n_heads 3 does not divide'],
    [{ moe_args: { ...MOE, top_k: '2' } }, 'llama/bad-params', 'moe_args.top_k must be integer, found "2"'],
    [{ moe_args: { ...MOE, top_k: 99 } }, 'llama/bad-params', 'top_k 99, but there are only 4 experts'],
    [{ moe_args: { ...MOE, auto_scale_F: 1 } }, 'llama/bad-params', 'moe_args.auto_scale_F must be boolean'],
    [{ nope_layer_interval: '4' }, 'llama/bad-params', 'nope_layer_interval must be integer,null, found "4"'],
    [{ use_qk_norm: 'true' }, 'llama/bad-params', 'use_qk_norm must be boolean,null, found "true"'],
    [{ rope_scaling_factor: -3 }, 'llama/bad-params', 'rope_scaling_factor must be > 0, found -3'],
    [{ attention_chunk_size: 2.5 }, 'llama/bad-params', 'attention_chunk_size must be integer,null, found 2.5'],
    [{ ffn_exp: '4' }, 'llama/bad-params', 'ffn_exp must be number,null, found "4"'],
    [{ n_kv_heads: 3 }, 'llama/bad-params', 'do not divide each other'],
    [{ head_dim: 32 }, 'llama/bad-params', 'head_dim is 32, but dim 64 over n_heads 4 is 16'],
    [{ vocab_size: 640 }, 'llama/contradiction', 'vocab_size 640, but tok_embeddings.weight has 320 rows'],
    [{ vocab_size: 300 }, 'llama/contradiction', 'vocab_size 300, but tok_embeddings.weight has 320 rows'],
  ])('with params.json saying %j is refused', async (params, code, message) => {
    await expect(openMetaModel(await folder({}, params))).rejects.toMatchObject({
      ...{ code, message: expect.stringContaining(message) as unknown },
    });
  });

  it('has the context of its release and kind', async () => {
    const of = async (params: object, name: string): Promise<number> =>
      (await openMetaModel(await folder({}, params, name))).config.contextLength;
    expect(await of({}, 'x')).toBe(262144);
    expect(await of({}, 'x-Instruct')).toBe(1048576);
  });

  it('without scaled frequencies has none', async () => {
    await using model = await openMetaModel(await folder({}, { use_scaled_rope: false, vocab_size: -1 }));
    expect(model.config.ropeScaling).toBeNull();
    expect(model.decisions.map(({ about }) => about)).toEqual(['context length']);
  });
});
