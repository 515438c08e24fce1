import { describe, expect, it } from 'vitest';

import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { llama3Scaling } from '../llama/rope.js';
import { toHfRowOrder } from '../llama/row-order.js';
import { castModel, syntheticModel, withChange, withTensors } from '../testing/synthetic-model.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { compareModels } from './compare-models.js';

const SCALED: Partial<LlamaConfig> = {
  ropeTheta: 500_000,
  ropeScaling: llama3Scaling(8),
  contextLength: 131_072,
  headDim: 16,
};

function failures(comparison: { findings: readonly { level: string; code: string; subject: string }[] }): string[][] {
  return comparison.findings.filter(({ level }) => level === 'failure').map(({ code, subject }) => [code, subject]);
}

function vocabularyOf(pieces: readonly string[], eosId = 1): Vocabulary {
  return {
    kind: 'sentencepiece',
    size: pieces.length,
    pieces,
    types: new Int32Array(pieces.length).fill(1),
    scores: new Float32Array(pieces.length),
    baseSize: pieces.length,
    generation: undefined,
    bosId: 0,
    eosId,
    unknownId: undefined,
    spaces: undefined,
    merges: () => [],
  };
}

describe('the same model', () => {
  it('is the same, and computes the same to the bit', async () => {
    const model = syntheticModel(SCALED, 'bfloat16');
    const wide = await castModel(model, 'float32');
    const comparison = await compareModels(model, { ...wide, layout: 'gguf', path: 'b.gguf', name: 'b' });
    expect(comparison).toMatchObject({
      verdict: 'same',
      a: { layout: 'meta', path: 'synthetic' },
      b: { layout: 'gguf', path: 'b.gguf', name: 'b' },
      config: [],
      vocabulary: { outcome: 'absent' },
    });
    expect(comparison.findings.map(({ level, code }) => [level, code])).toEqual([['note', 'no-vocabulary']]);
    expect(comparison.logits).toHaveLength(2);
    for (const run of comparison.logits) {
      expect(run).toMatchObject({ nmse: 0, maxAbs: 0, klMax: 0, rows: 8, top1Agreements: 8, agreement: 'identical' });
      expect(run).toMatchObject({ nmseLimit: 1e-9, partsAt: undefined });
      expect(run.stages.map(({ stage, nmse }) => [stage, nmse])).toEqual([
        ['tok_embeddings', 0],
        ['layers.0', 0],
        ['layers.1', 0],
        ['output', 0],
      ]);
    }
  });

  it('is the same within a type, when weights were rounded', async () => {
    const model = syntheticModel(SCALED);
    const comparison = await compareModels(model, await castModel(model, 'float16'), { tokens: [[1, 2, 3]] });
    expect(comparison.verdict).toBe('same-within-type');
    expect(comparison.findings.map(({ level, code }) => [level, code])).toEqual([
      ['note', 'no-vocabulary'],
      ['rounding', 'rounded'],
    ]);
    expect(comparison.logits.map(({ tokensFrom, placement }) => `${tokensFrom} ${placement}`)).toEqual([
      'built-in near',
      'built-in far',
      'given near',
      'given far',
    ]);
    for (const { nmse, nmseLimit, rows, tokensFrom } of comparison.logits) {
      expect(nmse).toBeGreaterThan(0);
      expect(nmse).toBeLessThan(nmseLimit / 10);
      expect([nmseLimit, rows]).toEqual([1e-4, tokensFrom === 'given' ? 3 : 8]);
    }
  });

  it('may have another context length and vocabulary left out', async () => {
    const model = syntheticModel();
    const other = { ...model, config: { ...model.config, contextLength: 99 }, vocabulary: vocabularyOf(['a', 'b']) };
    const comparison = await compareModels(model, other);
    expect(comparison.verdict).toBe('same');
    expect(comparison.findings.map(({ code }) => code)).toEqual(['context-length', 'no-vocabulary']);
    expect(comparison.logits[1]?.positions.at(-1)).toBe(98);
  });
});

describe('another model', () => {
  it('by its rope factor: far positions show what near ones do not', async () => {
    const model = syntheticModel(SCALED);
    const wrong = { ...model, config: { ...model.config, ropeScaling: llama3Scaling(32) } };
    const comparison = await compareModels(model, wrong);
    expect(comparison.verdict).toBe('different');
    const [near, far] = comparison.logits;
    expect(near!.nmse).toBeLessThan(1e-9);
    expect(far!.nmse).toBeGreaterThan(1e-4);
    expect(far!.partsAt).toBe('layers.0');
    expect(failures(comparison)).toEqual([
      ['hyperparameter', 'ropeScaling.factor'],
      ['logits', 'built-in tokens, far positions'],
    ]);
  });

  it('by a permutation that was left out', async () => {
    const model = syntheticModel({}, 'bfloat16');
    const changed = ['layers.1.attention.wq.weight', 'layers.1.attention.wk.weight'];
    const wrong = withTensors(model, ...changed.map((name) => toHfRowOrder(model.tensors.get(name)!, 8)));
    const comparison = await compareModels(model, wrong);
    expect(comparison.verdict).toBe('different');
    expect(failures(comparison)).toEqual([
      ...changed.map((name) => ['row-order', name]),
      ['logits', 'built-in tokens, near positions'],
      ['logits', 'built-in tokens, far positions'],
    ]);
    expect(comparison.logits[0]?.partsAt).toBe('layers.1');
    expect(comparison.findings.at(-1)?.message).toContain('first apart after layers.1');
  });

  it('by one weight', async () => {
    const model = syntheticModel({}, 'bfloat16');
    const name = 'layers.1.feed_forward.w1.weight';
    const comparison = await compareModels(model, await withChange(model, name, (values) => (values[5] = 3)));
    expect(comparison.verdict).toBe('different');
    expect(failures(comparison)[0]).toEqual(['one-weight', name]);
  });

  it('by its vocabulary', async () => {
    const model = { ...syntheticModel(), vocabulary: vocabularyOf(['a', 'b', 'c']) };
    const same = await compareModels(model, { ...model, vocabulary: vocabularyOf(['a', 'b', 'c']) });
    expect(same).toMatchObject({ verdict: 'same', vocabulary: { outcome: 'equal', differences: [] }, findings: [] });
    const other = await compareModels(model, { ...model, vocabulary: vocabularyOf(['a', 'x', 'y'], 2) });
    expect(other).toMatchObject({ verdict: 'different', vocabulary: { outcome: 'different' } });
    expect(other.findings).toEqual([
      {
        level: 'failure',
        code: 'vocabulary',
        subject: 'piece',
        message: '2 of its entries differ in their piece: the first is 1, "b" in the first, "x" in the second',
      },
      {
        level: 'note',
        code: 'end-token',
        subject: 'eos',
        message: 'the eos of the vocabulary is 1 "b" in the first, 2 "y" in the second',
      },
    ]);
  });

  it('by values that run away, named with the model', async () => {
    const model = syntheticModel();
    const broken = {
      ...(await withChange(model, 'layers.0.ffn_norm.weight', (values) => (values[0] = NaN))),
      path: 'broken.gguf',
    };
    const comparison = await compareModels(model, broken);
    expect(comparison).toMatchObject({ verdict: 'different', logits: [] });
    expect(comparison.findings.at(-1)).toMatchObject({ code: 'not-finite', subject: 'broken.gguf' });
    expect(comparison.findings.at(-1)?.message).toContain('after layers.0');
  });
});

describe('logits are skipped', () => {
  const notes = async (a: LlamaModel, b: LlamaModel, logits?: boolean): Promise<string | undefined> => {
    const { findings, logits: runs } = await compareModels(a, b, { logits });
    expect(runs).toEqual([]);
    return findings.find(({ code }) => code === 'logits-skipped')?.message;
  };

  it('when they were not asked for', async () => {
    expect(await notes(syntheticModel(), syntheticModel(), false)).toContain('not asked for');
  });

  it('when the models have other shapes', async () => {
    expect(await notes(syntheticModel(), syntheticModel({ ffnDim: 64 }))).toContain('other shapes');
  });

  it('when a tensor is missing', async () => {
    const model = syntheticModel();
    const tensors = new Map(model.tensors);
    tensors.delete('norm.weight');
    expect(await notes(model, { ...model, tensors })).toContain('not every tensor');
  });
});

describe('compareModels', () => {
  it('reports both halves of the work', async () => {
    const phases = new Map<string, number[]>();
    await compareModels(syntheticModel(), syntheticModel(), {
      onProgress: ({ phase, done, total }) => phases.set(phase, [done, total]),
    });
    expect([...phases.keys()]).toEqual(['compare', 'forward']);
    for (const [done, total] of phases.values()) expect(done).toBe(total);
  });

  it('leaves bad requests and contradictory shards to the caller', async () => {
    const model = syntheticModel();
    await expect(compareModels(model, model, { tokens: [[29]] })).rejects.toMatchObject({ code: 'forward/bad-token' });
    const expectConsistentWeights = async (): Promise<void> => Promise.reject(new Error('shards of two models'));
    await expect(compareModels(model, { ...model, expectConsistentWeights })).rejects.toThrow('shards of two models');
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const run = compareModels(syntheticModel(), syntheticModel(), {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (phase === 'forward') controller.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
  });
});
