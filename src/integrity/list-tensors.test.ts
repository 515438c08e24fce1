import { describe, expect, it } from 'vitest';

import { openTensorFiles } from '../llama/checkpoint-files.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import { createNodeHasher } from './hash-node.js';
import { listTensors } from './list-tensors.js';

interface Facts {
  'model.safetensors': { tensors: { name: string; shape: number[]; sha256: string }[] };
}

const KEPT: readonly [RegExp, string][] = [
  [/^tok_embeddings/, 'model.embed_tokens'],
  [/^output\./, 'lm_head.'],
  [/^norm\./, 'model.norm.'],
  [/^layers\.(\d+)\.attention\.wv/, 'model.layers.$1.self_attn.v_proj'],
  [/^layers\.(\d+)\.attention\.wo/, 'model.layers.$1.self_attn.o_proj'],
  [/^layers\.(\d+)\.feed_forward\.w1/, 'model.layers.$1.mlp.gate_proj'],
  [/^layers\.(\d+)\.feed_forward\.w2/, 'model.layers.$1.mlp.down_proj'],
  [/^layers\.(\d+)\.feed_forward\.w3/, 'model.layers.$1.mlp.up_proj'],
  [/^layers\.(\d+)\.attention_norm/, 'model.layers.$1.input_layernorm'],
  [/^layers\.(\d+)\.ffn_norm/, 'model.layers.$1.post_attention_layernorm'],
];

const unsharded = TEXT_MODELS.filter((name) => !name.includes('shards'));

describe.each(unsharded)('tensors of %s', (name) => {
  it('have the hashes that safetensors of transformers has, where rows are not permuted', async () => {
    const files = await openTensorFiles(await openDirectory(modelFolder(name)));
    const listed = await listTensors(files, { createHasher: createNodeHasher });
    for (const file of files) await file.close();
    const wanted = new Map(expectedJson<Facts>(name, 'hf.json')['model.safetensors'].tensors.map((t) => [t.name, t]));
    let compared = 0;
    for (const { name: tensor, shape, sha256 } of listed) {
      const rule = KEPT.find(([pattern]) => pattern.test(tensor));
      const want = rule && wanted.get(tensor.replace(...rule));
      if (want === undefined) continue;
      compared += 1;
      expect({ shape, sha256 }, tensor).toEqual({ shape: want.shape, sha256: want.sha256 });
    }
    expect(compared).toBeGreaterThanOrEqual(16);
    const tied = listed.find(({ sharedWith }) => sharedWith !== undefined);
    expect(tied?.sharedWith).toBe(name === 'llama3.2-tiny' ? 'tok_embeddings.weight' : undefined);
  });
});

describe('listTensors', () => {
  it('lists every shard, without hashes unless asked', async () => {
    const files = await openTensorFiles(await openDirectory(modelFolder('llama2-tiny-2shards')));
    const listed = await listTensors(files);
    expect(new Set(listed.map(({ file }) => file)).size).toBe(2);
    expect(listed.every(({ sha256 }) => sha256 === undefined)).toBe(true);
    expect(listed[0]).toMatchObject({
      name: 'tok_embeddings.weight',
      dtype: 'bfloat16',
      shape: [512, 64],
      byteLength: 65536,
    });
  });

  it('reports progress and can be stopped', async () => {
    const files = await openTensorFiles(await openDirectory(modelFolder('llama1-tiny')));
    const seen: number[] = [];
    await listTensors(files, {
      createHasher: createNodeHasher,
      onProgress: ({ done, total }) => seen.push(done / total),
    });
    expect(seen.at(-1)).toBe(1);
    const signal = AbortSignal.abort(new Error('stop'));
    await expect(listTensors(files, { createHasher: createNodeHasher, signal })).rejects.toThrow('stop');
  });
});

describe('openTensorFiles', () => {
  it('names a folder without any', async () => {
    await expect(openTensorFiles(memoryFolder({}))).rejects.toMatchObject({ code: 'llama/no-model' });
  });

  it('refuses a folder in which one file is broken', async () => {
    const folder = memoryFolder({ 'a.safetensors': new Uint8Array(4), 'b.gguf': new TextEncoder().encode('GGUF') });
    await expect(openTensorFiles(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/^(safetensors|source)\//) as unknown,
    });
  });
});
