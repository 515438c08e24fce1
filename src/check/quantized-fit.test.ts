import { describe, expect, it } from 'vitest';

import { convert } from '../convert/convert.js';
import type { FileTypeName } from '../convert/file-types.js';
import { memoryOutput } from '../convert/output.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { toHfRowOrder } from '../llama/row-order.js';
import { openDirectory } from '../source/directory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { withChange, withTensors } from '../testing/synthetic-model.js';
import { compareModels } from './compare-models.js';

async function openFixture(name: string): Promise<LlamaModel> {
  return openModel(await openDirectory(modelFolder(name)));
}

async function quantized(model: LlamaModel, type: FileTypeName): Promise<LlamaModel> {
  const output = memoryOutput();
  await convert(model, output, { to: 'gguf', type, fileName: 'x.gguf' });
  return openModel(output.files.get('x.gguf')!);
}

const HONEST: readonly FileTypeName[] = [
  'q8_0',
  'q6_k',
  'q5_k_m',
  'q5_0',
  'q4_k_m',
  'q4_0',
  'iq4_nl',
  'q3_k_m',
  'q2_k',
];

describe.each(TEXT_MODELS)('%s', (name) => {
  it.each(HONEST)('is the same model as %s, its loss stated', async (type) => {
    await using model = await openFixture(name);
    await using other = await quantized(model, type);
    const { verdict, findings, tensors, logits } = await compareModels(model, other);
    expect(findings.filter(({ level }) => level === 'failure')).toEqual([]);
    expect(verdict).toBe('same-within-type');
    expect(tensors.some(({ outcome }) => outcome === 'rounded')).toBe(true);
    expect(logits.length).toBeGreaterThan(0);
  });
});

describe('two quantizations of one model', () => {
  it('are the same model within both types', async () => {
    await using model = await openFixture('llama3.2-tiny');
    await using a = await quantized(model, 'q8_0');
    await using b = await quantized(model, 'q4_k_m');
    const { verdict, tensors } = await compareModels(a, b);
    expect(verdict).toBe('same-within-type');
    const first = tensors.find((tensor) => tensor.name === 'layers.0.attention.wq.weight');
    expect(first).toMatchObject({ outcome: 'rounded', roundedTo: ['q8_0', 'q4_k'] });
  });
});

describe('a quantized model that was damaged before', () => {
  const gate = 'layers.0.feed_forward.w1.weight';

  it.each<FileTypeName>(['q8_0', 'q4_k_m', 'q3_k_s', 'q2_k'])(
    'is told as %s by rows in each other’s place',
    async (type) => {
      await using model = await openFixture('llama3.2-tiny');
      const swapped = await withChange(model, gate, (values, [, width]) => {
        const row = values.slice(3 * width!, 4 * width!);
        values.copyWithin(3 * width!, 5 * width!, 6 * width!);
        values.set(row, 5 * width!);
      });
      await using other = await quantized(swapped, type);
      const { findings } = await compareModels(model, other, { logits: false });
      expect(findings).toContainEqual(expect.objectContaining({ code: 'rows-moved', subject: gate }));
    },
  );

  it.each<FileTypeName>(['q8_0', 'q4_k_m', 'q3_k_s'])(
    'is told as %s by q rows in the order of Hugging Face',
    async (type) => {
      await using model = await openFixture('llama3.2-tiny');
      const name = 'layers.1.attention.wq.weight';
      const ordered = { ...toHfRowOrder(model.tensors.get(name)!, model.config.headDim), name };
      await using other = await quantized(withTensors(model, ordered), type);
      const { findings } = await compareModels(model, other, { logits: false });
      expect(findings).toContainEqual(expect.objectContaining({ code: 'row-order', subject: name }));
    },
  );

  it.each<FileTypeName>(['q8_0', 'q5_k_m', 'q4_k_m', 'q3_k_s', 'q2_k'])(
    'is told as %s by tensors of two layers exchanged',
    async (type) => {
      await using model = await openFixture('llama3.2-tiny');
      const [a, b] = [0, 1].map((layer) => `layers.${layer}.feed_forward.w2.weight`) as [string, string];
      const changed = withTensors(model, { ...model.tensors.get(a)!, name: b }, { ...model.tensors.get(b)!, name: a });
      await using other = await quantized(changed, type);
      const { verdict, findings } = await compareModels(model, other, { logits: false });
      expect(verdict).toBe('different');
      expect(findings.filter(({ level }) => level === 'failure').map(({ subject }) => subject)).toEqual([a, b]);
    },
  );

  it('is told by one weight that is changed by more than the steps of its type', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const changed = await withChange(model, gate, (values, [, width]) => {
      values[7 * width! + 9] = 1;
    });
    await using other = await quantized(changed, 'q8_0');
    const { verdict, findings } = await compareModels(model, other, { logits: false });
    expect(verdict).toBe('different');
    expect(findings.some(({ subject }) => subject === gate)).toBe(true);
  });
});
