import { describe, expect, it } from 'vitest';

import { memorySource } from '../source/memory.js';
import { openTorchFile } from '../formats/torch/torch-file.js';
import { pthBytes } from '../testing/small-checkpoints.js';
import { expectNoCopies, expectShardSet } from './shard-set.js';
import type { Shard, Shards } from './shards.js';

const WO = 'layers.0.attention.wo.weight';

/** Shards that hold `wo` of the first block in these shapes, all elements zero but the bytes given. */
async function shardsOf(shapes: readonly (readonly number[])[], bytes: readonly (readonly number[])[] = [], name = WO) {
  const all = await Promise.all(
    shapes.map(async (shape, index): Promise<Shard> => {
      const file = await openTorchFile(memorySource(await pthBytes({ [name]: shape }), 'x'));
      const tensor = file.tensors[0]!;
      const rows = Uint8Array.from(bytes[index] ?? []);
      const readRows: typeof tensor.readRows = async (first, count, options) =>
        bytes[index] === undefined
          ? tensor.readRows(first, count, options)
          : rows.subarray(first * 8, (first + count) * 8);
      return { path: `shard${index}`, tensors: new Map([[name, { ...tensor, readRows }]]) };
    }),
  );
  return all as unknown as Shards;
}

describe('a set of shards', () => {
  it.each([
    ['one that is whole', [[8, 8]]],
    [
      'both halves',
      [
        [8, 4],
        [8, 4],
      ],
    ],
    ['no such tensor', [[8, 2]], 'layers.0.attention.wq.weight'],
    ['shapes that tell nothing', [[8, 3]]],
    ['an empty matrix', [[0, 0]]],
  ])('is taken: %s', async (_, shapes, name = WO) => {
    const shards = await shardsOf(shapes, [], name);
    expect(() => expectShardSet(shards)).not.toThrow();
  });

  it('of which parts are missing is refused, also with the names of a vision model', async () => {
    for (const name of [WO, `text_model.${WO}`]) {
      const shards = await shardsOf(
        [
          [8, 2],
          [8, 2],
        ],
        [],
        name,
      );
      expect(() => expectShardSet(shards)).toThrow(
        expect.objectContaining({
          ...{ code: 'llama/missing-shard', path: 'shard0', hint: 'download the missing consolidated.NN.pth' },
          message: 'the shards are parts of a checkpoint of 4, but 2 are here',
        }),
      );
    }
  });

  it.each([
    [
      [
        [8, 8],
        [8, 8],
      ],
      'shard0',
      'this is a whole checkpoint, but 2 are here',
    ],
    [
      [
        [8, 4],
        [8, 4],
        [8, 4],
      ],
      'shard0',
      'this is a part of a checkpoint of 2 shards, but 3 are here',
    ],
    [
      [
        [8, 4],
        [8, 2],
      ],
      'shard1',
      `${WO} has shape (8, 2) here, but (8, 4) in shard0`,
    ],
  ])('with parts of another is refused: %j', async (shapes, path, message) => {
    const shards = await shardsOf(shapes);
    expect(() => expectShardSet(shards)).toThrow(
      expect.objectContaining({ code: 'llama/mixed-shards', path, message }),
    );
  });
});

describe('copies', () => {
  const [a, b, c] = [
    [1, 2, 3, 4, 5, 6, 7, 8],
    [1, 2, 3, 4, 5, 6, 7, 9],
    [0, 0, 0, 0, 0, 0, 0, 0],
  ] as const;
  const two = [
    [2, 2],
    [2, 2],
  ] as const;

  it('of a shard are found by their bytes', async () => {
    const shards = await shardsOf(two, [
      [...a, ...b],
      [...a, ...b],
    ]);
    await expect(expectNoCopies(shards)).rejects.toMatchObject({
      ...{ code: 'llama/mixed-shards', path: 'shard1' },
      message: `this is a copy of shard0: both hold the same ${WO}`,
    });
  });

  it.each([
    [
      'other rows',
      [
        [...a, ...b],
        [...b, ...a],
      ],
    ],
    [
      'one row in common',
      [
        [...a, ...b],
        [...a, ...a],
      ],
    ],
    [
      'rows of equal elements, which tell nothing',
      [
        [...c, ...a],
        [...c, ...a],
      ],
    ],
  ])('are not seen in %s', async (_, bytes) => {
    await expect(expectNoCopies(await shardsOf(two, bytes))).resolves.toBeUndefined();
  });

  it('are not looked for without the matrix', async () => {
    const shards = await shardsOf(two, [a, a], 'norm.weight');
    await expect(expectNoCopies(shards)).resolves.toBeUndefined();
  });
});
