import { describe, expect, it } from 'vitest';

import type { DType } from '../dtype.js';
import { type StoredTensor, rowBlocks, rowByteLengthOf } from '../formats/tensor.js';
import { type Shard, type Shards, embeddingLayout, expectReplicasEqual, mergeTensor, sameBytes } from './shards.js';

function stored(name: string, shape: number[], bytes: number[], dtype: DType = 'uint8'): StoredTensor {
  const data = Uint8Array.from(bytes);
  const rowBytes = rowByteLengthOf({ dtype, shape });
  return {
    ...{ name, shape, dtype, storedDtype: dtype, storage: undefined, viewKey: undefined, fileOffset: undefined },
    readRows: async (first, count) => data.subarray(first * rowBytes, (first + count) * rowBytes),
    readBytes: async (start, length) => data.subarray(start, start + length),
  };
}

function shards(...contents: StoredTensor[][]): Shards {
  const all = contents.map((tensors, index): Shard => ({
    path: `shard${index}`,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  }));
  return all as unknown as Shards;
}

const NAME = 'tok_embeddings.weight';

describe('embeddingLayout', () => {
  it.each([
    ['one shard', [[6, 4]], { vocabSize: 6, split: 'rows' }],
    [
      'cut along the vocabulary',
      [
        [3, 4],
        [3, 4],
      ],
      { vocabSize: 6, split: 'rows' },
    ],
    [
      'cut along the width',
      [
        [6, 2],
        [6, 2],
      ],
      { vocabSize: 6, split: 'columns' },
    ],
  ] as const)('is found from the shapes: %s', (_, shapes, layout) => {
    const parts = shapes.map((shape) => [stored(NAME, [...shape], [])]);
    expect(embeddingLayout(shards(...parts), 4)).toEqual({ ...layout, dtype: 'uint8' });
  });

  it('refuses an embedding that is no matrix', () => {
    for (const shape of [[], [4]]) {
      const parts = shards([stored(NAME, shape, [])], [stored(NAME, shape, [])]);
      expect(() => embeddingLayout(parts, 4)).toThrow(
        expect.objectContaining({ code: 'llama/wrong-shape', path: 'shard0' }),
      );
    }
    expect(embeddingLayout(shards([stored(NAME, [4], [])]), 4)).toMatchObject({ vocabSize: 4 });
    expect(embeddingLayout(shards([stored(NAME, [], [])]), 4)).toMatchObject({ vocabSize: 0 });
  });

  it('says what columns there are, and what the hyperparameters ask for', () => {
    const wide = shards([stored(NAME, [6, 2], [])], [stored(NAME, [6, 2], [])]);
    expect(() => embeddingLayout(wide, 6)).toThrow(
      expect.objectContaining({
        message:
          'tok_embeddings.weight has 2 columns in each of 2 shards; dim 6 needs 6 (cut along the vocabulary) or 3 (cut along the width)',
        hint: 'params.json is of another model than these weights: take both from one download',
      }),
    );
  });

  it('needs the embedding', () => {
    expect(() => embeddingLayout(shards([]), 4)).toThrow(expect.objectContaining({ code: 'llama/missing-tensor' }));
  });
});

describe('mergeTensor', () => {
  const merged = async (tensor: ReturnType<typeof mergeTensor>): Promise<number[]> => {
    const bytes: number[] = [];
    for await (const block of rowBlocks(tensor)) bytes.push(...block.bytes);
    return bytes;
  };

  it('puts rows below each other and columns side by side', async () => {
    const parts = shards([stored('w', [1, 2], [1, 2])], [stored('w', [1, 2], [3, 4])]);
    const rows = mergeTensor(parts, { name: 'w', shape: [2, 2], split: 'rows' }, 'rows');
    expect(rows.shape).toEqual([2, 2]);
    expect(await merged(rows)).toEqual([1, 2, 3, 4]);
    const columns = mergeTensor(parts, { name: 'w', shape: [1, 4], split: 'columns' }, 'columns');
    expect(columns.shape).toEqual([1, 4]);
    expect(await merged(columns)).toEqual([1, 2, 3, 4]);
  });

  it('takes replicated tensors and those of a single shard as they are', () => {
    const tensor = stored('w', [2], [1, 2]);
    expect(mergeTensor(shards([tensor], [tensor]), { name: 'w', shape: [2], split: 'replicated' }, 'replicated')).toBe(
      tensor,
    );
    expect(mergeTensor(shards([tensor]), { name: 'w', shape: [2], split: 'rows' }, 'rows')).toBe(tensor);
  });

  it('says what shape was wanted, and that the hyperparameters are of another model', () => {
    const parts = shards([stored('w', [2, 4], [])]);
    expect(() => mergeTensor(parts, { name: 'w', shape: [8, 4], split: 'rows' }, 'rows')).toThrow(
      expect.objectContaining({
        ...{ code: 'llama/wrong-shape', path: 'shard0' },
        message: 'w has shape (2, 4); params.json asks for (8, 4)',
        hint: 'params.json is of another model than these weights: take both from one download',
      }),
    );
    const two = shards([stored('w', [2, 4], [])], [stored('w', [3, 4], [])]);
    expect(() => mergeTensor(two, { name: 'w', shape: [4, 4], split: 'rows' }, 'rows')).toThrow(
      expect.objectContaining({
        path: 'shard1',
        message: 'w has shape (3, 4); params.json asks for (2, 4), one of 2 parts of (4, 4)',
      }),
    );
  });

  it.each([
    ['fewer dimensions', [8], [8, 4]],
    ['more dimensions', [8, 4, 1], [8, 4]],
    ['another width and another height', [4, 2], [8, 4]],
    ['more rows than the whole', [16, 4], [8, 4]],
  ])('refuses a tensor of %s', (_, found, whole) => {
    const parts = shards([stored('w', found, [])]);
    expect(() => mergeTensor(parts, { name: 'w', shape: whole, split: 'rows' }, 'rows')).toThrow(
      expect.objectContaining({ code: 'llama/wrong-shape' }),
    );
  });

  it('needs the tensor in every shard', () => {
    const parts = shards([stored('w', [1, 2], [])], []);
    expect(() => mergeTensor(parts, { name: 'w', shape: [2, 2], split: 'rows' }, 'rows')).toThrow(
      expect.objectContaining({ code: 'llama/missing-tensor', path: 'shard1', message: 'the tensor w is missing' }),
    );
  });

  it('refuses shards of different types', () => {
    const parts = shards([stored('w', [1, 2], [], 'bfloat16')], [stored('w', [1, 2], [], 'float16')]);
    expect(() => mergeTensor(parts, { name: 'w', shape: [2, 2], split: 'rows' }, 'rows')).toThrow(
      expect.objectContaining({ code: 'llama/mixed-shards', message: 'w is float16 here but bfloat16 in shard0' }),
    );
  });
});

describe('replicas', () => {
  const norm = (value: number): StoredTensor => stored('norm.weight', [2], [1, value]);

  it('pass when equal', async () => {
    const expected = [{ name: 'norm.weight', shape: [2], split: 'replicated' }] as const;
    await expect(expectReplicasEqual(shards([norm(2)], [norm(2)]), expected)).resolves.toBeUndefined();
  });

  it('that differ show that the shards are of different models', async () => {
    const expected = [
      { name: 'w', shape: [2, 2], split: 'rows' },
      { name: 'norm.weight', shape: [2], split: 'replicated' },
    ] as const;
    await expect(expectReplicasEqual(shards([norm(2)], [norm(2)], [norm(3)]), expected)).rejects.toMatchObject({
      ...{ code: 'llama/not-replicated', path: 'shard2' },
      message: 'norm.weight differs from the one in shard0; the shards are of different models or damaged',
    });
  });

  it('of another type or shape are not the same', async () => {
    expect(await sameBytes(norm(2), stored('n', [1, 2], [1, 2]))).toBe(false);
    expect(await sameBytes(norm(2), stored('n', [2], [1, 2], 'int8'))).toBe(false);
  });
});
