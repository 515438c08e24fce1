import { describe, expect, it } from 'vitest';

import {
  type Tensor,
  rowBlocks,
  rowByteLengthOf,
  rowCountOf,
  rowLengthOf,
  rowsAreInside,
  rowsPerBlock,
  tensorByteLength,
} from './tensor.js';

/** A tensor of bytes, each the number of its row, that notes which rows were read. */
function counted(shape: number[], rowGroup?: number): Tensor & { reads: [number, number][] } {
  const reads: [number, number][] = [];
  const width = rowLengthOf(shape);
  return {
    ...{ name: 't', dtype: 'uint8', shape, reads },
    ...(rowGroup === undefined ? {} : { rowGroup }),
    readRows: async (first, count) => {
      reads.push([first, count]);
      return Uint8Array.from({ length: count * width }, (_, i) => first + Math.floor(i / width));
    },
  };
}

describe('rows', () => {
  it.each([
    [[], 1, 1],
    [[5], 1, 5],
    [[3, 5], 3, 5],
    [[2, 3, 5], 6, 5],
    [[0, 5], 0, 5],
    [[5, 0], 5, 0],
  ])('of the shape %j are %d of %d elements', (shape, rows, length) => {
    expect(rowCountOf(shape)).toBe(rows);
    expect(rowLengthOf(shape)).toBe(length);
    expect(tensorByteLength({ dtype: 'float32', shape })).toBe(rows * length * 4);
  });

  it('of quantized types hold whole blocks', () => {
    expect(rowByteLengthOf({ dtype: 'q8_0', shape: [7, 64] })).toBe(68);
    expect(tensorByteLength({ dtype: 'q8_0', shape: [7, 64] })).toBe(7 * 68);
  });

  it.each([
    [0, 6, true],
    [6, 0, true],
    [5, 1, true],
    [5, 2, false],
    [-1, 1, false],
    [0, -1, false],
    [0.5, 1, false],
    [0, 1.5, false],
    [0, NaN, false],
  ])('from %d on, %d of them, lie inside: %s', (first, count, inside) => {
    expect(rowsAreInside([2, 3, 5], first, count)).toBe(inside);
  });
});

describe('blocks of rows', () => {
  it.each([
    [[8, 256], undefined, 4096, 4],
    [[8, 256], undefined, 1, 1],
    [[8, 256], 3, 9000, 6],
    [[8, 256], 3, 1, 3],
    [[8, 0], undefined, 7, 7],
  ])('of float32 %j in groups of %s, at most %d bytes, have %d rows', (shape, rowGroup, bytes, rows) => {
    expect(rowsPerBlock({ dtype: 'float32', shape, ...(rowGroup === undefined ? {} : { rowGroup }) }, bytes)).toBe(
      rows,
    );
  });

  it('take about a megabyte unless told otherwise', () => {
    expect(rowsPerBlock({ dtype: 'bfloat16', shape: [128256, 2048] })).toBe(256);
  });

  it('come in two buffers where these may be used again, each good until the next block', async () => {
    const tensor: Tensor = {
      ...{ name: 't', dtype: 'uint8', shape: [7, 2] },
      readRows: async (first, count, options) => {
        const rows = Uint8Array.from({ length: count * 2 }, (_, index) => first * 2 + index);
        options?.into?.set(rows);
        return options?.into ?? rows;
      },
    };
    const found: number[] = [];
    const buffers = new Set<ArrayBufferLike>();
    for await (const { bytes } of rowBlocks(tensor, { blockBytes: 4, reuse: true })) {
      found.push(...bytes);
      buffers.add(bytes.buffer);
    }
    expect(found).toEqual(Array.from({ length: 14 }, (_, index) => index));
    expect(buffers.size).toBe(2);
  });

  it('come in order, the last one shorter, one read ahead', async () => {
    const tensor = counted([7, 2]);
    const blocks = rowBlocks(tensor, { blockBytes: 6 });
    expect((await blocks.next()).value).toEqual({ first: 0, count: 3, bytes: Uint8Array.of(0, 0, 1, 1, 2, 2) });
    expect(tensor.reads).toEqual([
      [0, 3],
      [3, 3],
    ]);
    expect((await blocks.next()).value).toMatchObject({ first: 3, count: 3 });
    expect((await blocks.next()).value).toEqual({ first: 6, count: 1, bytes: Uint8Array.of(6, 6) });
    expect((await blocks.next()).done).toBe(true);
    expect(tensor.reads).toHaveLength(3);
  });

  it.each([[[0, 5]], [[5, 0]]])('of the shape %j, which has no bytes, are none', async (shape) => {
    const tensor = counted(shape);
    expect((await rowBlocks(tensor).next()).done).toBe(true);
    expect(tensor.reads).toEqual([]);
  });

  it('report a failed read ahead when its turn comes', async () => {
    const whole = counted([4, 1]);
    const failing: Tensor = {
      ...whole,
      readRows: async (first, count) => {
        if (first === 2) throw new Error('gone');
        return whole.readRows(first, count);
      },
    };
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const { first } of rowBlocks(failing, { blockBytes: 1 })) {
        seen.push(first);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    };
    await expect(read()).rejects.toThrow('gone');
    expect(seen).toEqual([0, 1]);
  });
});
