/**
 * Quantized checkpoints against what `fixtures/models/make_quantized.py` computed: every tensor to the bit, and the
 * logits of a pass in which nothing is merged or folded.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';

import { type Tensor, rowCountOf } from '../../formats/tensor.js';
import { openDirectory } from '../../source/directory.js';
import { openMetaFixture } from '../../testing/fixture-models.js';
import { expectedJson, modelFolder } from '../../testing/fixtures.js';
import { inspectFolder } from '../inspect.js';

interface Expected {
  tensors: Record<string, { dtype: string; shape: number[]; sha256: string }>;
}

const MODELS = ['llama3.2-spinquant-tiny', 'llama3.2-qlora-tiny', 'llama3.1-fp8-tiny'] as const;

/** SHA-256 of all rows, read `step` at a time. */
async function sha256Of(tensor: Tensor, step: number): Promise<string> {
  const hash = createHash('sha256');
  const rows = rowCountOf(tensor.shape);
  for (let first = 0; first < rows; first += step) {
    hash.update(await tensor.readRows(first, Math.min(step, rows - first)));
  }
  return hash.digest('hex');
}

describe.each(MODELS)('%s', (name) => {
  it.each([7, 1000])('has every tensor of PyTorch and NumPy to the bit, %i rows at a time', async (step) => {
    await using model = await openMetaFixture(name);
    const { tensors } = expectedJson<Expected>(name, 'expected.json');
    expect([...model.tensors.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [tensorName, { dtype, shape, sha256 }] of Object.entries(tensors)) {
      const tensor = model.tensors.get(tensorName)!;
      expect({ tensorName, dtype: tensor.dtype, shape: tensor.shape }).toEqual({ tensorName, dtype, shape });
      expect({ tensorName, sha256: await sha256Of(tensor, step) }).toEqual({ tensorName, sha256 });
    }
  });

  it('fills a buffer that is offered, wherever it starts', async () => {
    await using model = await openMetaFixture(name);
    const tensor = model.tensors.get('layers.1.feed_forward.w2.weight')!;
    const into = new Uint8Array(new ArrayBuffer(2 * 256 * 4 + 1), 1);
    expect(await tensor.readRows(5, 2, { into })).toEqual(new Uint8Array(await tensor.readRows(5, 2)));
  });

  it('is the same model in every shard', async () => {
    await using model = await openMetaFixture(name);
    await expect(model.expectConsistentWeights()).resolves.toBeUndefined();
  });
});

describe('what is told', () => {
  it.each([
    ['llama3.2-spinquant-tiny', 'quantized', 'SpinQuant int4', 'int8', 8192],
    ['llama3.2-qlora-tiny', 'quantized', 'QLoRA int4', 'int8', 8192],
    ['llama3.1-fp8-tiny', 'fp8', 'FP8', 'float8_e4m3fn', 131072],
  ])('of %s: kind %s, %s', async (name, kind, scheme, dtype, contextLength) => {
    const inspection = await inspectFolder(await openDirectory(modelFolder(name)));
    expect(inspection).toMatchObject({ kind, config: { contextLength, tied: false, ropeScaling: { factor: 8 } } });
    expect(inspection.decisions[0]).toMatchObject({ about: 'quantization', value: scheme });
    expect(inspection.notes[0]).toContain(`${scheme} weights`);
    const matrix = inspection.tensors.find((tensor) => tensor.name === 'layers.1.feed_forward.w1.weight');
    expect(matrix).toMatchObject({ dtype, shape: [256, 64] });
  });

  it('of sizes: those of the files, with scales, zeros and adaptors', async () => {
    const bytesOf = async (name: string): Promise<number | undefined> => {
      const { tensors } = await inspectFolder(await openDirectory(modelFolder(name)));
      return tensors.find((tensor) => tensor.name === 'layers.1.feed_forward.w1.weight')?.byteLength;
    };
    const [weights, scales] = [256 * 64, 256 * 2 * 4];
    expect(await bytesOf('llama3.2-spinquant-tiny')).toBe(weights + 2 * scales);
    expect(await bytesOf('llama3.2-qlora-tiny')).toBe(weights + scales + 16 * (64 + 256) * 2);
    expect(await bytesOf('llama3.1-fp8-tiny')).toBe(weights + 256 * 4);
  });

  it('of the group size: the scales decide, and who says otherwise is named', async () => {
    await using model = await openMetaFixture('llama3.2-qlora-tiny');
    expect(model.decisions[1]).toEqual({
      ...{ about: 'group size', value: '32', because: 'the scales have it, though params.json says 256' },
    });
  });
});
