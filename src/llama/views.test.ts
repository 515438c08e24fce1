import { describe, expect, it } from 'vitest';

import { type Tensor, readRowsInto, rowBlocks, rowByteLengthOf, rowCountOf } from '../formats/tensor.js';
import { hfRowOfMetaRow, metaRowOfHfRow, toHfRowOrder, toMetaRowOrder } from './row-order.js';
import { concatColumns, concatRows, concatRowsInGroups, permuteRowsInGroups, renamed, sliceColumns, sliceRows } from './views.js'; // prettier-ignore

/** A tensor of bytes whose value tells its place: row * 16 + column. */
function grid(rows: number, columns: number, from = 0, name = 'grid'): Tensor {
  const bytes = Uint8Array.from(
    { length: rows * columns },
    (_, i) => from + Math.floor(i / columns) * 16 + (i % columns),
  );
  const shape = [rows, columns];
  return {
    ...{ name, dtype: 'uint8', shape },
    readRows: async (first, count) => bytes.subarray(first * columns, (first + count) * columns),
  };
}

async function allBytes(tensor: Tensor, blockBytes = 1): Promise<number[]> {
  const all: number[] = [];
  for await (const block of rowBlocks(tensor, { blockBytes })) all.push(...block.bytes);
  return all;
}

describe('concatRows', () => {
  it('puts parts below each other, in blocks that cross them', async () => {
    const whole = concatRows('whole', [grid(3, 4), grid(2, 4, 48)]);
    expect(whole.shape).toEqual([5, 4]);
    for (const blockBytes of [1, 8, 12, 100]) {
      expect(await allBytes(whole, blockBytes)).toEqual(await allBytes(grid(5, 4)));
    }
  });
});

describe('concatColumns', () => {
  it('puts parts side by side', async () => {
    const whole = concatColumns('whole', [grid(3, 4), grid(3, 2, 4), grid(3, 1, 6)]);
    expect(whole.shape).toEqual([3, 7]);
    expect(await allBytes(whole, 14)).toEqual(await allBytes(grid(3, 7)));
  });

  it('makes a vector of vectors', async () => {
    const part: Tensor = { name: 'v', dtype: 'uint8', shape: [2], readRows: async () => Uint8Array.of(1, 2) };
    expect(await allBytes(concatColumns('whole', [part, part]))).toEqual([1, 2, 1, 2]);
  });
});

describe('permuteRowsInGroups', () => {
  it.each([1, 8, 16, 24, 1000])('is right in blocks of %d bytes', async (blockBytes) => {
    const order = Uint32Array.of(2, 0, 3, 1);
    const view = permuteRowsInGroups(grid(8, 2), order);
    const rows = [2, 0, 3, 1, 6, 4, 7, 5];
    expect(await allBytes(view, blockBytes)).toEqual(rows.flatMap((row) => [row * 16, row * 16 + 1]));
  });

  it('answers for rows that begin and end inside a group', async () => {
    const view = permuteRowsInGroups(grid(8, 1), Uint32Array.of(3, 2, 1, 0));
    expect([...(await view.readRows(3, 3))]).toEqual([0, 7 * 16, 6 * 16].map((value) => value & 255));
  });

  it('is read in whole groups', () => {
    const view = permuteRowsInGroups(grid(8, 2), Uint32Array.of(1, 0));
    expect(view.rowGroup).toBe(2);
    expect(renamed(view, 'other').rowGroup).toBe(2);
  });
});

describe('row orders', () => {
  it('are each other’s inverse', async () => {
    const meta = metaRowOfHfRow(8);
    expect([...meta]).toEqual([0, 2, 4, 6, 1, 3, 5, 7]);
    expect([...hfRowOfMetaRow(8)].map((row) => meta[row])).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const tensor = grid(8, 3);
    expect(await allBytes(toMetaRowOrder(toHfRowOrder(tensor, 4), 4))).toEqual(await allBytes(tensor));
  });
});

describe('renamed', () => {
  it('changes the name and nothing else', async () => {
    const tensor = grid(2, 2);
    expect(renamed(tensor, 'grid')).toBe(tensor);
    const other = renamed(tensor, 'other');
    expect(other.name).toBe('other');
    expect(rowCountOf(other.shape) * rowByteLengthOf(other)).toBe(4);
    expect(await allBytes(other)).toEqual(await allBytes(tensor));
  });
});

describe('views of tensors that fill places of their own', () => {
  /** The same grid, which may be read into places alone. */
  function scattered(rows: number, columns: number, from = 0): Tensor {
    const whole = grid(rows, columns, from);
    return {
      ...whole,
      readRows: async (first, count, options) => {
        const into = options?.into;
        if (into?.byteLength !== count * columns) throw new Error('rows were read into a buffer of their own');
        into.set(await whole.readRows(first, count));
        return into;
      },
      readRowsInto: (first, targets) => readRowsInto(whole, first, targets),
    };
  }
  type Make = (part: typeof grid) => Tensor;
  const views: Readonly<Record<string, Make>> = {
    concatRows: (part) => concatRows('x', [part(3, 4), part(6, 4, 48), part(3, 4, 144)]),
    concatColumns: (part) => concatColumns('x', [part(12, 1), part(12, 4, 1), part(12, 2, 5)]),
    permuteRowsInGroups: (part) => permuteRowsInGroups(part(12, 3), Uint32Array.of(2, 0, 3, 1)),
    'permuted rows of parts': (part) =>
      permuteRowsInGroups(concatRows('x', [part(4, 3), part(8, 3, 64)]), Uint32Array.of(2, 0, 3, 1)),
    'parts side by side of rows of parts': (part) =>
      concatColumns('x', [concatRows('x', [part(5, 2), part(7, 2, 80)]), renamed(part(12, 3, 2), 'y')]),
    concatRowsInGroups: (part) => concatRowsInGroups('x', [part(8, 3), part(4, 3, 128)], 4),
    'the first columns': (part) => sliceColumns(part(12, 5), 0, 2),
    'columns in the middle': (part) => sliceColumns(part(12, 5), 1, 3),
    'the last columns': (part) => sliceColumns(part(12, 5), 3, 2),
    'all columns': (part) => sliceColumns(part(12, 5), 0, 5),
    'columns of rows in the middle': (part) => sliceColumns(sliceRows(part(16, 5), 2, 12), 2, 2),
  };

  it.each(Object.keys(views))('%s: the same rows, read where they belong', async (name) => {
    const [plain, placed] = [views[name]!(grid), views[name]!(scattered)];
    const width = rowByteLengthOf(plain);
    expect([placed.shape, placed.dtype]).toEqual([plain.shape, plain.dtype]);
    for (let first = 0; first <= 12; first++) {
      for (let count = 0; first + count <= 12; count++) {
        const expected = [...(await plain.readRows(first, count))];
        expect([...(await placed.readRows(first, count))]).toEqual(expected);
        const into = new Uint8Array(count * width);
        expect([...(await placed.readRows(first, count, { into }))]).toEqual(expected);
        const targets = [into.subarray(0, 1), into.subarray(1, 1), into.subarray(1)];
        await readRowsInto(placed, first, targets);
        expect([...into]).toEqual(expected);
      }
    }
  });
});
