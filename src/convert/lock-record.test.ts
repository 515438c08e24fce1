import { describe, expect, it } from 'vitest';

import { rowCountOf } from '../formats/tensor.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { fingerprintModel } from '../integrity/fingerprint.js';
import { parseLock } from '../integrity/parse-lock.js';
import type { LlamaModel } from '../llama/model.js';
import { castModel, memoryTensor, syntheticModel, valuesOf, withTensors } from '../testing/synthetic-model.js';
import { planConversion, runPlan } from './convert.js';
import { planWithLock } from './lock-plan.js';
import { WriteRecord } from './lock-record.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

const SOURCE = { name: 'x', layout: 'meta', files: [] } as const;

/** The lock file of a conversion in memory. */
async function lockOf(model: LlamaModel, options: ConvertOptions) {
  const given = { toolVersion: '1', source: SOURCE, options, createHasher: createNodeHasher };
  const plan = await planWithLock(planConversion(model, options), model, given);
  const output = memoryOutput();
  await runPlan(plan, output);
  const name = plan.files.at(-1)!.name;
  const bytes = output.files.get(name)!;
  expect(bytes.at(-1)).toBe(0x0a);
  return { name, text: new TextDecoder().decode(bytes), ...parseLock(bytes, name) };
}

describe('planWithLock', () => {
  it('gives the fingerprints of the source where nothing is lost, rows of q and k in the order of either layout', async () => {
    for (const dtype of ['bfloat16', 'float16', 'float32'] as const) {
      const model = syntheticModel({}, dtype);
      const { sha256 } = await fingerprintModel(model, { createHasher: createNodeHasher });
      const { name, predicate } = await lockOf(model, { to: 'safetensors' });
      expect(name).toBe('llama-inspect.lock.json');
      expect(predicate.model).toMatchObject({ layout: 'hf', fingerprint: sha256, vocabulary: null });
      const wide = await lockOf(model, { to: 'safetensors', type: 'f32' });
      expect(wide.predicate.model!.fingerprint).toBe(sha256);
      expect(wide.predicate.model!.tensors[0]!.dtype).toBe('float32');
    }
  });

  it('gives those of what was written where something is', async () => {
    const model = syntheticModel();
    const cast = await castModel(model, 'bfloat16');
    const { sha256 } = await fingerprintModel(cast, { createHasher: createNodeHasher });
    const { predicate } = await lockOf(model, { to: 'safetensors', type: 'bf16' });
    expect(predicate.model!.fingerprint).toBe(sha256);
    expect(predicate).toMatchObject({ options: { to: 'safetensors', type: 'bf16' }, source: SOURCE });
  });

  it.each([2, 4])('gives the same of %d shards, and reads again only what is cut between columns', async (shards) => {
    const model = syntheticModel({ nHeads: 8, nKvHeads: 4, dim: 64, vocabSize: 32 }, 'bfloat16');
    const { sha256 } = await fingerprintModel(model, { createHasher: createNodeHasher });
    const read = new Map<string, number>();
    const counted = Array.from(model.tensors.values(), (tensor) => ({
      ...tensor,
      readRows: async (...parameters: Parameters<typeof tensor.readRows>) => {
        read.set(tensor.name, (read.get(tensor.name) ?? 0) + parameters[1]);
        return tensor.readRows(...parameters);
      },
    }));
    const { predicate } = await lockOf(withTensors(model, ...counted), { to: 'meta', shards });
    expect(predicate.model!.fingerprint).toBe(sha256);
    const times = (name: string): number => read.get(name)! / rowCountOf(model.tensors.get(name)!.shape);
    expect(['wq', 'wk', 'wv'].map((role) => times(`layers.0.attention.${role}.weight`))).toEqual([1, 1, 1]);
    expect(times('output.weight')).toBe(1);
    expect(times('layers.0.attention.wo.weight')).toBe(shards + 1);
    expect(times('norm.weight')).toBe(shards);
  });

  it('fills the room of an output matrix that turned out to be the embedding', async () => {
    const tied = syntheticModel({ tied: true });
    const embedding = tied.tensors.get('tok_embeddings.weight')!;
    const output = memoryTensor('output.weight', embedding.shape, await valuesOf(embedding), 'float32');
    const stored = { ...withTensors(tied, output), config: { ...tied.config, tied: false } };
    const { predicate, text } = await lockOf(stored, { to: 'safetensors' });
    expect(predicate.model!.tensors.map(({ name }) => name)).not.toContain('output.weight');
    expect(text).toMatch(/\} {50,}\n$/);
  });
});

describe('WriteRecord', () => {
  it('reads tensors that were not written whole from the source, in the type that they were written in', async () => {
    const model = syntheticModel();
    const plan = planConversion(model, { to: 'safetensors', type: 'bf16' });
    const record = new WriteRecord(model, plan, createNodeHasher);
    const { tensors, files } = await record.finish({});
    const cast = await fingerprintModel(await castModel(model, 'bfloat16'), { createHasher: createNodeHasher });
    expect(tensors).toEqual(cast.tensors);
    expect(files).toEqual([]);
    const kept = new WriteRecord(model, { ...plan, files: [] }, createNodeHasher);
    expect(kept.dtypeOf('norm.weight')).toBe('float32');
    expect((await kept.finish({})).tensors).toHaveLength(tensors.length);
  });
});
