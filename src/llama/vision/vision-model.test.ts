import { describe, expect, it } from 'vitest';

import type { Folder } from '../../source/folder.js';
import { memoryFolder } from '../../source/folder.js';
import { expectedJson } from '../../testing/fixtures.js';
import { pthBytes } from '../../testing/small-checkpoints.js';
import { inspectFolder } from '../inspect.js';
import { openMetaModel } from '../meta-model.js';
import { fusionSchedule } from './layout.js';

const SHAPES = Object.fromEntries(
  expectedJson<{ tensors: [string, number[]][] }>('llama3.2-vision-tiny', 'expected.json').tensors,
);
const PARAMS = {
  ...{ dim: 64, n_layers: 4, n_heads: 4, n_kv_heads: 2, vocab_size: 768, ffn_dim_multiplier: 1.3, multiple_of: 32 },
  ...{ norm_eps: 1e-5, rope_theta: 5e5, use_scaled_rope: true, vision_chunk_size: 28, vision_max_num_chunks: 4 },
  vision_num_cross_attention_layers: 2,
};

async function folder(change: Record<string, number[] | undefined> = {}, params: object = {}): Promise<Folder> {
  const shapes = Object.entries({ ...SHAPES, ...change }).filter(
    (entry): entry is [string, number[]] => entry[1] !== undefined,
  );
  return memoryFolder(
    {
      'params.json': new TextEncoder().encode(JSON.stringify({ ...PARAMS, ...params })),
      'consolidated.pth': await pthBytes(Object.fromEntries(shapes)),
    },
    'vision',
  );
}

const ENCODER = 'vision_model.vision_encoder.';

describe('a vision checkpoint', () => {
  it('is complete', async () => {
    await using model = await openMetaModel(await folder({ 'text_model.rope.freqs': [8] }));
    expect(model.tensors.size).toBe(Object.keys(SHAPES).length - 1); // all zero, so the output counts as tied
    expect([...model.tensors].every(([name, tensor]) => tensor.name === name)).toBe(true);
    expect(model.family).toMatchObject({
      kind: 'vision',
      release: undefined,
      nCrossLayers: 2,
      tileSize: 28,
      maxTiles: 4,
    });
    expect(model.config.contextLength).toBe(131072);
  });

  it.each([
    ['text_model.layers.2.attention.wk.weight', 'the tensor text_model.layers.2.attention.wk.weight is missing'],
    [
      'text_model.cross_attention_layers.1.gate_ffwd',
      'the tensor text_model.cross_attention_layers.1.gate_ffwd is missing',
    ],
    ['text_model.learnable_embedding.weight', 'the tensor text_model.learnable_embedding.weight is missing'],
    [
      `${ENCODER}global_transformer.resblocks.0.gate_attn`,
      `the tensor ${ENCODER}global_transformer.resblocks.0.gate_attn is missing`,
    ],
    [`${ENCODER}class_embedding`, `the tensor ${ENCODER}class_embedding is missing`],
  ])('without %s is refused', async (name, message) => {
    await expect(openMetaModel(await folder({ [name]: undefined }))).rejects.toMatchObject({
      ...{ code: 'llama/missing-tensor', message },
    });
  });

  it('with another tensor is refused', async () => {
    await expect(openMetaModel(await folder({ 'text_model.layers.4.ffn_norm.weight': [64] }))).rejects.toMatchObject({
      code: 'llama/contradiction',
      message: 'params.json says n_layers 4, but there are tensors of 5 layers',
    });
  });

  it.each([
    [
      'text_model.cross_attention_layers.0.attention.wk.weight',
      [64, 64],
      'cross_attention_layers.0.attention.wk.weight has shape (64, 64); params.json asks for (32, 64)',
    ],
    [
      `${ENCODER}positional_embedding`,
      [10, 32],
      `${ENCODER}gated_positional_embedding has shape (4, 4, 5, 32); params.json asks for (4, 4, 10, 32)`,
    ],
    [
      'vision_model.vision_projection.weight',
      [64, 100],
      'vision_model.vision_projection.weight has shape (64, 100); params.json asks for (64, 96)',
    ],
    [
      `${ENCODER}class_embedding`,
      [32, 1],
      `${ENCODER}class_embedding has shape (32, 1); 1 extents above zero were expected`,
    ],
    [
      'text_model.cross_attention_layers.0.gate_attn',
      [0],
      'cross_attention_layers.0.gate_attn has shape (0); params.json asks for (1)',
    ],
  ])('with %s of shape %j is refused', async (name, shape, message) => {
    await expect(openMetaModel(await folder({ [name]: shape }))).rejects.toMatchObject({
      code: 'llama/wrong-shape',
      message,
    });
  });

  it.each([
    [
      { vision_num_cross_attention_layers: -1 },
      'llama/contradiction',
      'params.json states no vision_num_cross_attention_layers',
    ],
    [
      { vision_num_cross_attention_layers: 3 },
      'llama/bad-params',
      '3 cross-attention layers cannot be spread evenly between 4 layers',
    ],
    [{ vision_chunk_size: -1 }, 'llama/bad-params', 'vision_chunk_size, the side of a tile, is missing'],
    [{ dim: 128 }, 'llama/wrong-shape', 'params.json asks for'],
  ])('with params.json saying %j is refused', async (params, code, message) => {
    await expect(openMetaModel(await folder({}, params))).rejects.toMatchObject({
      ...{ code, message: expect.stringContaining(message) as unknown },
    });
  });

  it('may hold its gates as many elements, of which the first counts', async () => {
    await using model = await openMetaModel(
      await folder({
        'text_model.cross_attention_layers.0.gate_attn': [64],
        'text_model.cross_attention_layers.1.gate_ffwd': [1, 1, 1],
      }),
    );
    for (const name of ['cross_attention_layers.0.gate_attn', 'cross_attention_layers.1.gate_ffwd']) {
      const gate = model.tensors.get(name)!;
      expect(gate.shape).toEqual([1]);
      expect((await gate.readRows(0, 1)).byteLength).toBe(4);
    }
  });

  it('that is not whole is inspected as it lies there, with the reason', async () => {
    const inspection = await inspectFolder(await folder({ 'text_model.norm.weight': undefined }));
    expect(inspection).toMatchObject({
      ...{ kind: 'vision', config: undefined },
      notes: ['a vision model (Llama 3.2 Vision): the tensor text_model.norm.weight is missing'],
    });
  });
});

it('spreads cross-attention blocks as Meta’s code does', () => {
  expect(fusionSchedule(4, 2)).toEqual([1, 3]);
  expect(fusionSchedule(32, 8)).toEqual([3, 7, 11, 15, 19, 23, 27, 31]);
  expect(fusionSchedule(80, 20)).toHaveLength(20);
  expect(fusionSchedule(4, 3)).toEqual([1, 3]);
});
