import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { convert } from '../convert/convert.js';
import type { ConvertOptions } from '../convert/options.js';
import { memoryOutput } from '../convert/output.js';
import { openMetaModel } from '../llama/meta-model.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { toHfRowOrder } from '../llama/row-order.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import { withChange, withTensors } from '../testing/synthetic-model.js';
import { compareModels } from './compare-models.js';
import type { ModelComparison } from './comparison.js';

async function converted(model: LlamaModel, options: ConvertOptions): Promise<LlamaModel> {
  const output = memoryOutput(model.name);
  await convert(model, output, options);
  const gguf = [...output.files].find(([name]) => name.endsWith('.gguf'));
  return openModel(gguf?.[1] ?? memoryFolder(Object.fromEntries(output.files), model.name));
}

function failures({ findings }: ModelComparison): string[][] {
  return findings.filter(({ level }) => level === 'failure').map(({ code, subject }) => [code, subject]);
}

describe.each(TEXT_MODELS)('%s', (name) => {
  let model: LlamaModel;
  beforeAll(async () => {
    model = await openMetaModel(await openDirectory(modelFolder(name)));
  });
  afterAll(() => model.close());

  it.each([{ to: 'safetensors' }, { to: 'gguf' }, { to: 'gguf', type: 'f32' }] as const)(
    'is the same as its conversion, %j',
    async (options) => {
      await using other = await converted(model, options);
      for (const comparison of [await compareModels(model, other), await compareModels(other, model)]) {
        expect(failures(comparison)).toEqual([]);
        expect(comparison.verdict).toBe('same');
        expect(comparison.logits.map(({ nmse, maxAbs }) => [nmse, maxAbs])).toEqual([
          [0, 0],
          [0, 0],
        ]);
      }
    },
  );

  it.each(['f16', 'bf16'] as const)('is the same within %s', async (type) => {
    await using other = await converted(model, { to: 'gguf', type });
    const { prompts } = expectedJson<{ prompts: number[][] }>(name, 'expected.json');
    const comparison = await compareModels(model, other, { tokens: prompts.slice(0, 2) });
    expect(failures(comparison)).toEqual([]);
    expect(comparison.logits).toHaveLength(6);
    for (const { nmse, nmseLimit } of comparison.logits) expect(nmse).toBeLessThanOrEqual(nmseLimit);
  });

  it('is the same in the folder and in the file', async () => {
    await using folder = await converted(model, { to: 'safetensors' });
    await using file = await converted(model, { to: 'gguf' });
    expect(await compareModels(folder, file)).toMatchObject({ verdict: 'same' });
  });

  it('is another with two rows swapped, and they are named', async () => {
    for (const subject of [
      'layers.0.feed_forward.w2.weight',
      'layers.1.attention.wk.weight',
      'tok_embeddings.weight',
    ]) {
      const wrong = await withChange(model, subject, (values, [, width]) => {
        const row = values.slice(5 * width!, 6 * width!);
        values.copyWithin(5 * width!, 9 * width!, 10 * width!);
        values.set(row, 9 * width!);
      });
      const comparison = await compareModels(model, wrong, { logits: false });
      expect(comparison.verdict).toBe('different');
      expect(comparison.findings).toContainEqual({
        level: 'failure',
        code: 'rows-moved',
        subject,
        message: "rows 5 and 9 stand in each other's place",
      });
    }
  });

  it('is another where the permutation was forgotten', async () => {
    const { headDim } = model.config;
    const subjects = ['layers.0.attention.wq.weight', 'layers.0.attention.wk.weight'];
    const wrong = withTensors(model, ...subjects.map((subject) => toHfRowOrder(model.tensors.get(subject)!, headDim)));
    const comparison = await compareModels(model, wrong);
    expect(failures(comparison).slice(0, 3)).toEqual([
      ...subjects.map((subject) => ['row-order', subject]),
      ['logits', 'built-in tokens, near positions'],
    ]);
    expect(comparison.logits.map(({ partsAt }) => partsAt)).toEqual(['layers.0', 'layers.0']);
  });

  it('is another with one weight changed by one unit in the last place', async () => {
    const subject = 'layers.1.feed_forward.w3.weight';
    const { dtype } = model.tensors.get(subject)!;
    const wrong = await withChange(model, subject, (values, [, width]) => {
      values[3 * width! + 2] = values[3 * width! + 2]! * (1 + 2 ** (dtype === 'float16' ? -9 : -6));
    });
    const comparison = await compareModels(model, wrong, { logits: false });
    expect(failures(comparison)).toEqual([['one-weight', subject]]);
    expect(comparison.findings[0]?.message).toMatch(/^one weight differs: \[3, 2\] is /);
  });

  it('is another by its rotary frequencies alone', async () => {
    const { ropeScaling, ropeTheta } = model.config;
    const config =
      ropeScaling === null
        ? { ...model.config, ropeTheta: ropeTheta * 1.01 }
        : { ...model.config, ropeScaling: { ...ropeScaling, factor: 32 } };
    const comparison = await compareModels(model, { ...model, config });
    const subject = ropeScaling === null ? 'ropeTheta' : 'ropeScaling.factor';
    expect(failures(comparison)).toContainEqual(['hyperparameter', subject]);
    expect(failures(comparison)).toContainEqual(['logits', 'built-in tokens, far positions']);
    const far = comparison.logits.find(({ placement }) => placement === 'far')!;
    expect(far.nmse).toBeGreaterThan(1000 * far.nmseLimit);
    expect(far.partsAt).toBe('layers.0');
  });
});

it('models of other shapes are other models, told apart without running them', async () => {
  const [first, second] = await Promise.all(
    ['llama2-tiny', 'llama3-tiny'].map(async (name) => openMetaModel(await openDirectory(modelFolder(name)))),
  );
  const comparison = await compareModels(first!, second!);
  expect(comparison).toMatchObject({ verdict: 'different', logits: [] });
  expect(failures(comparison)).toContainEqual(['hyperparameter', 'nLayers']);
  expect(failures(comparison)).toContainEqual(['extra-tensor', 'layers.2.attention.wq.weight']);
  await Promise.all([first!.close(), second!.close()]);
});
