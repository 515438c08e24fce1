import { describe, expect, it } from 'vitest';

import { memoryFolder } from '../source/folder.js';
import { type Shapes, countingFolder, pthBytes } from '../testing/small-checkpoints.js';
import { openMetaCheckpoint } from './meta-checkpoint.js';
import { openMetaModel } from './meta-model.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
/** A feed-forward width of 24: 2/3 of 4 · 8, rounded up to a multiple of 24. */
const PARAMS = encode({ dim: 8, n_layers: 1, n_heads: 2, vocab_size: 6, multiple_of: 24 });
const LAYER = 'layers.0';
const SHAPES: Shapes = {
  ...{ 'tok_embeddings.weight': [6, 8], 'norm.weight': [8] },
  ...{ [`${LAYER}.attention.wq.weight`]: [8, 8], [`${LAYER}.attention.wk.weight`]: [8, 8] },
  ...{ [`${LAYER}.attention.wv.weight`]: [8, 8], [`${LAYER}.attention.wo.weight`]: [8, 8] },
  ...{ [`${LAYER}.feed_forward.w1.weight`]: [24, 8], [`${LAYER}.feed_forward.w2.weight`]: [8, 24] },
  ...{ [`${LAYER}.feed_forward.w3.weight`]: [24, 8] },
  ...{ [`${LAYER}.attention_norm.weight`]: [8], [`${LAYER}.ffn_norm.weight`]: [8] },
};

function without(name: string): Shapes {
  return Object.fromEntries(Object.entries(SHAPES).filter(([key]) => key !== name));
}

describe('a folder of Meta’s', () => {
  it('may name its only shard without a number', async () => {
    const files = { 'params.json': PARAMS, 'consolidated.pth': await pthBytes(SHAPES) };
    const folder = countingFolder(memoryFolder(files, 'models/x'));
    {
      await using model = await openMetaModel(folder);
      expect(model).toMatchObject({ name: 'x', layout: 'meta', vocabulary: undefined });
      expect(model.checkpoint.shards.map(({ path }) => path)).toEqual(['models/x/consolidated.pth']);
      expect(model.config).toMatchObject({ ffnDim: 24, vocabSize: 6, tied: true });
      expect(folder.openFiles()).toBe(1);
    }
    expect(folder.openFiles()).toBe(0);
  });

  it.each([
    ['params', 'a file named params is here: rename it to params.json'],
    ['PARAMS.JSON', 'a file named PARAMS.JSON is here: rename it to params.json'],
    ['config.json', 'it holds the hyperparameters and comes with every download; download it again'],
  ])('without params.json but with %s is told what to do', async (name, hint) => {
    const files = { [name]: PARAMS, 'consolidated.00.pth': await pthBytes(SHAPES) };
    await expect(openMetaCheckpoint(memoryFolder(files, 'x'))).rejects.toMatchObject({
      ...{ name: 'LlamaError', code: 'llama/no-params', path: 'x', hint },
    });
  });

  it('whose shards do not begin at 00 lacks the first', async () => {
    const files = { 'params.json': PARAMS, 'consolidated.01.pth': await pthBytes(SHAPES) };
    await expect(openMetaCheckpoint(memoryFolder(files, 'x'))).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', path: 'x' },
      message: 'consolidated.00.pth is missing, but consolidated.01.pth is here',
    });
  });

  it('is closed when its params, a shard, its names or its tokenizer are no good', async () => {
    const good = { 'params.json': PARAMS, 'consolidated.00.pth': await pthBytes(SHAPES) };
    const broken: [Record<string, Uint8Array>, RegExp][] = [
      [{ ...good, 'params.json': encode({ dim: 0 }) }, /^llama\/bad-params$/],
      [{ ...good, 'consolidated.01.pth': new TextEncoder().encode('<html><title>403</title>') }, /^source\/html-page$/],
      [{ ...good, 'consolidated.01.pth': new Uint8Array() }, /^source\/empty$/],
      [{ ...good, 'consolidated.00.pth': await pthBytes(without('norm.weight')) }, /^llama\/missing-tensor$/],
      [{ ...good, 'tokenizer.model': Uint8Array.of(1, 2, 3) }, /^tokenizer\//],
    ];
    for (const [files, code] of broken) {
      const folder = countingFolder(memoryFolder(files, 'x'));
      await expect(openMetaModel(folder)).rejects.toMatchObject({ code: expect.stringMatching(code) as unknown });
      expect(folder.openFiles()).toBe(0);
    }
  });

  it.each([
    [without('norm.weight'), 'llama/missing-tensor', 'the tensor norm.weight is missing'],
    [
      { ...SHAPES, 'lora.weight': [8] },
      'llama/unknown-tensor',
      'the tensor lora.weight is not a part of a Llama with these params',
    ],
    [without('tok_embeddings.weight'), 'llama/missing-tensor', 'the tensor tok_embeddings.weight is missing'],
    [
      { ...SHAPES, 'output.weight': [6, 4] },
      'llama/wrong-shape',
      'output.weight has shape (6, 4); params.json asks for (6, 8)',
    ],
  ] as [Shapes, string, string][])('with a single tensor at fault is refused (%#)', async (shapes, code, message) => {
    const files = { 'params.json': PARAMS, 'consolidated.00.pth': await pthBytes(shapes) };
    await expect(openMetaModel(memoryFolder(files, 'x'))).rejects.toMatchObject({
      ...{ code, message, path: 'x/consolidated.00.pth' },
    });
  });

  it('with an output that has the bytes of the embedding is tied, whatever the storage', async () => {
    const shard = await pthBytes({ ...SHAPES, 'output.weight': [6, 8] });
    const open = (bytes: Uint8Array) =>
      openMetaModel(memoryFolder({ 'params.json': PARAMS, 'consolidated.00.pth': bytes }, 'x'));
    await using model = await open(shard);
    expect(model.config.tied).toBe(true);
    expect(model.tensors.has('output.weight')).toBe(false);
    expect(model.decisions[0]).toEqual({
      ...{ about: 'output', value: 'tied to the embedding' },
      because: 'output.weight and tok_embeddings.weight hold the same bytes',
    });
    const other = shard.slice();
    const { file } = model.checkpoint.shards[0];
    await file.locate();
    const start = file.tensors.find(({ name }) => name === 'output.weight')!.fileOffset!;
    other[start + 6 * 8 * 4 - 1] = 1;
    await using untied = await open(other);
    expect(untied.config.tied).toBe(false);
    expect(untied.tensors.has('output.weight')).toBe(true);
    expect(untied.decisions[0]).toMatchObject({ because: 'output.weight differs from tok_embeddings.weight' });
  });

  it('needs the output in all of its shards or in none', async () => {
    const half = { ...SHAPES, 'tok_embeddings.weight': [3, 8], 'layers.0.attention.wo.weight': [8, 4] };
    const files = {
      'params.json': PARAMS,
      'consolidated.00.pth': await pthBytes({ ...half, 'output.weight': [3, 8] }),
      'consolidated.01.pth': await pthBytes(half),
    };
    await expect(openMetaModel(memoryFolder(files, 'x'))).rejects.toMatchObject({
      ...{
        code: 'llama/missing-tensor',
        path: 'x/consolidated.01.pth',
        message: 'the tensor output.weight is missing',
      },
    });
  });
});
