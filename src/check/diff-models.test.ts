import { describe, expect, it } from 'vitest';

import type { LlamaModel } from '../llama/model.js';
import type { Progress } from '../options.js';
import {
  castModel,
  memoryTensor,
  syntheticModel,
  valuesOf,
  withChange,
  withTensors,
} from '../testing/synthetic-model.js';
import { diffModels } from './diff-models.js';

const changed = (model: LlamaModel, name: string, factor: number): Promise<LlamaModel> =>
  withChange(model, name, (values) => values.forEach((value, i) => (values[i] = value * factor)));

describe('diffModels', () => {
  it('finds nothing between a model and its lossless copy', async () => {
    const model = syntheticModel({}, 'bfloat16');
    const diff = await diffModels(model, await castModel(model, 'float32'));
    expect(diff).toMatchObject({ equal: true, config: [], vocabulary: { outcome: 'absent' } });
    expect(diff.tensors.every(({ outcome }) => outcome === 'equal')).toBe(true);
    expect(diff.groups.map(({ group, tensorCount, changedCount }) => [group, tensorCount, changedCount])).toEqual([
      ['embedding', 1, 0],
      ['attention', 8, 0],
      ['feed-forward', 6, 0],
      ['norms', 5, 0],
      ['output', 1, 0],
    ]);
  });

  it('puts the most changed tensor first, by its RMSE in terms of its own size', async () => {
    const before = syntheticModel();
    let after = await changed(before, 'layers.0.attention.wq.weight', 1.01);
    after = await changed(after, 'norm.weight', 1.5);
    after = await changed(after, 'layers.1.feed_forward.w2.weight', 1.1);
    const { equal, tensors, groups } = await diffModels(before, after);
    expect(equal).toBe(false);
    const names = tensors.filter(({ outcome }) => outcome === 'different').map(({ name }) => name);
    expect(names).toEqual(['norm.weight', 'layers.1.feed_forward.w2.weight', 'layers.0.attention.wq.weight']);
    expect(tensors.slice(0, 3).map(({ name }) => name)).toEqual(names);
    const largest = groups.map(({ changedCount, relativeRmse }) => [changedCount, Number(relativeRmse.toFixed(3))]);
    expect(largest).toEqual([
      [0, 0],
      [1, 0.01],
      [1, 0.1],
      [1, 0.5],
      [0, 0],
    ]);
  });

  it('counts a rounding as a change', async () => {
    const model = syntheticModel();
    const diff = await diffModels(model, await castModel(model, 'bfloat16'));
    expect(diff.equal).toBe(false);
    expect(new Set(diff.tensors.map(({ outcome }) => outcome))).toEqual(new Set(['rounded']));
  });

  it('tells of tensors that were added, are missing, or have another shape, before those that changed', async () => {
    const before = syntheticModel();
    const deeper = syntheticModel({ nLayers: 3, ffnDim: 64 });
    const diff = await diffModels(before, deeper);
    expect(diff.config.map(({ key }) => key)).toEqual(['nLayers', 'ffnDim']);
    const outcomes = diff.tensors.map(({ outcome }) => outcome);
    expect(outcomes.filter((outcome) => outcome === 'only-in-b')).toHaveLength(9);
    expect(outcomes.slice(9, 15)).toEqual(new Array(6).fill('reshaped'));
    const back = await diffModels(deeper, before);
    expect(back.tensors[0]!.outcome).toBe('only-in-a');
  });

  it('is no difference where only use differs: the context length, or an embedding stored again', async () => {
    const tied = syntheticModel({ tied: true });
    const embedding = tied.tensors.get('tok_embeddings.weight')!;
    const output = memoryTensor('output.weight', embedding.shape, await valuesOf(embedding), embedding.dtype);
    const stored = { ...withTensors(tied, output), config: { ...tied.config, tied: false, contextLength: 9 } };
    const diff = await diffModels(tied, stored);
    expect(diff.equal).toBe(true);
    expect(diff.config.map(({ key }) => key)).toEqual(['contextLength', 'tied']);
    const other = { ...tied, config: { ...tied.config, ropeTheta: 20_000 } };
    expect((await diffModels(tied, other)).equal).toBe(false);
  });

  it('checks replicas, reports progress and stops at an abort', async () => {
    const model = syntheticModel();
    const bad = { ...model, expectConsistentWeights: () => Promise.reject(new Error('no replica')) };
    await expect(diffModels(model, bad)).rejects.toThrow('no replica');
    const seen: Progress[] = [];
    await diffModels(model, model, { onProgress: (progress) => seen.push(progress) });
    expect(seen.at(-1)).toMatchObject({ phase: 'compare' });
    expect(seen.at(-1)!.done).toBe(seen.at(-1)!.total);
    await expect(diffModels(model, model, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});
