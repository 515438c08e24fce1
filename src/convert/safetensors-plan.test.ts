import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { byteLengthOf, elementCount } from '../dtype.js';
import { FIXTURES } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { syntheticModel } from '../testing/synthetic-model.js';
import { planConversion } from './convert.js';
import { plannedTensors } from './plan.js';
import { greedyShards } from './safetensors-plan.js';

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

describe('plan of a Hugging Face folder', () => {
  it('has the published index and file sizes of Llama 3.1 8B', () => {
    const plan = planConversion(shapeOnly(LLAMA_3_1_8B, 'Llama-3.1-8B'), { to: 'safetensors' });
    const weights = plan.files.filter(({ name }) => name.endsWith('.safetensors'));
    expect(weights.map(({ byteLength }) => byteLength)).toEqual([4976698672, 4999802720, 4915916176, 1168138808]);
    const index = plan.files.find(({ name }) => name === 'model.safetensors.index.json')?.pieces[0];
    const published = readFileSync(join(FIXTURES, 'published', 'Llama-3.1-8B.model.safetensors.index.json'), 'utf8');
    expect(index?.kind === 'bytes' && text(index.bytes)).toBe(published);
  });

  it('has the published size of Llama 3.2 1B, without the tied output', () => {
    const plan = planConversion(shapeOnly(LLAMA_3_2_1B, 'Llama-3.2-1B-Instruct'), { to: 'safetensors' });
    const file = plan.files[0];
    expect(file).toMatchObject({ name: 'model.safetensors', byteLength: 2471645608 });
    expect(plannedTensors(plan)).toHaveLength(146);
    expect(plan.files.some(({ name }) => name.endsWith('index.json'))).toBe(false);
    expect(plan.warnings).toEqual(['there is no tokenizer: none is written']);
  });

  it('puts every tensor where the one before it ends', () => {
    const plan = planConversion(syntheticModel(), { to: 'safetensors', maxShardSize: 8000 });
    for (const { pieces, byteLength } of plan.files) {
      const tensors = pieces.filter((piece) => piece.kind === 'tensor');
      let end = pieces[0]?.kind === 'bytes' ? pieces[0].bytes.byteLength : 0;
      for (const tensor of tensors) {
        expect(tensor.fileOffset).toBe(end);
        expect(tensor.byteLength).toBe(byteLengthOf(tensor.dtype, elementCount(tensor.shape)));
        end += tensor.byteLength;
      }
      expect(byteLength).toBe(end);
    }
  });
});

describe('greedyShards', () => {
  const sizes = (shards: { byteLength: number }[][]): number[][] =>
    shards.map((shard) => shard.map(({ byteLength }) => byteLength));
  const tensors = (...lengths: number[]): { byteLength: number }[] => lengths.map((byteLength) => ({ byteLength }));

  it('closes a shard with the tensor that would overfill it', () => {
    expect(sizes(greedyShards(tensors(4, 4, 2, 5, 5, 1), 10))).toEqual([[4, 4, 2], [5, 5], [1]]);
  });

  it('gives a tensor above the limit a shard of its own, and goes on with the one in hand', () => {
    expect(sizes(greedyShards(tensors(4, 11, 4), 10))).toEqual([[11], [4, 4]]);
  });

  it('makes one shard when all fits', () => {
    expect(sizes(greedyShards(tensors(1, 2), 10))).toEqual([[1, 2]]);
    expect(greedyShards([], 10)).toEqual([]);
  });
});
