import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { memorySource } from '../../source/memory.js';
import { countingSource } from '../../testing/sources.js';
import { storageId, tensorV2, torchBytes } from '../../testing/torch-bytes.js';
import { type StoredElements, elementsInStorageOrder } from './storage-order.js';
import { openTorchFile } from './torch-file.js';

interface Layout {
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

/** The elements of a tensor of 16-bit numbers over a storage that counts 0, 1, 2, … */
async function elementsOf(
  { offset, shape, stride }: Layout,
  more: Record<string, string> = {},
): Promise<StoredElements> {
  const last = shape.includes(0) ? 0 : shape.reduce((sum, extent, i) => sum + (extent - 1) * stride[i]!, offset);
  const storage = new Uint8Array(Uint16Array.from({ length: last + 3 }, (_, index) => index).buffer);
  const tensor = tensorV2(storageId('torch.ShortStorage', '0', last + 3), offset, [...shape], [...stride]);
  const bytes = await torchBytes({ dict: [['t', tensor]] }, { 'data/0': storage, ...more });
  const file = await openTorchFile(memorySource(bytes));
  return elementsInStorageOrder(file.tensors[0]!);
}

async function valuesOf(elements: StoredElements, step = elements.byteLength): Promise<number[]> {
  const values: number[] = [];
  for (let at = 0; at < elements.byteLength; at += step) {
    const bytes = await elements.readBytes(at, Math.min(step, elements.byteLength - at));
    values.push(...new Uint16Array(bytes.slice().buffer));
  }
  return values;
}

/** Places in the storage of all elements, each index once, those of dimensions of stride 0 only for index 0. */
function places({ offset, shape, stride }: Layout): number[] {
  return shape.reduce(
    (found, extent, i) =>
      found.flatMap((place) =>
        Array.from(
          { length: stride[i] === 0 ? Math.min(extent, 1) : extent },
          (_, index) => place + index * stride[i]!,
        ),
      ),
    [offset],
  );
}

const layouts = fc.integer({ min: 0, max: 4 }).chain((rank) =>
  fc.record({
    offset: fc.nat(5),
    shape: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: rank, maxLength: rank }),
    stride: fc.array(fc.constantFrom(0, 1, 2, 3, 5, 10, 40), { minLength: rank, maxLength: rank }),
  }),
);

describe('elementsInStorageOrder', () => {
  it('gives every element that is stored, whatever the strides', async () => {
    await fc.assert(
      fc.asyncProperty(layouts, fc.integer({ min: 1, max: 7 }), async (layout, step) => {
        const elements = await elementsOf(layout);
        const expected = places(layout);
        expect(elements).toMatchObject({ itemBytes: 2, byteLength: 2 * expected.length });
        expect(elements.span).toBe(expected.length === 0 ? 0 : 2 * (Math.max(...expected) - Math.min(...expected) + 1));
        expect((await valuesOf(elements, 2 * step)).sort((a, b) => a - b)).toEqual(expected.sort((a, b) => a - b));
      }),
      { numRuns: 300 },
    );
  });

  it('reads a transposed matrix from front to back', async () => {
    const elements = await elementsOf({ offset: 1, shape: [3, 50], stride: [1, 3] });
    expect(await valuesOf(elements)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1));
  });

  it('reads what an expanded tensor repeats once', async () => {
    const elements = await elementsOf({ offset: 0, shape: [2 ** 40, 4], stride: [0, 1] });
    expect(elements).toMatchObject({ byteLength: 8, span: 8 });
    expect(await valuesOf(elements)).toEqual([0, 1, 2, 3]);
  });

  it('turns the bytes of big-endian files around', async () => {
    for (const layout of [
      { offset: 1, shape: [4], stride: [1] },
      { offset: 0, shape: [2, 2], stride: [1, 3] },
    ]) {
      // prettier-ignore
      const elements = await elementsOf(layout, { byteorder: 'big' });
      const swapped = places(layout).map((value) => (value & 0xff) * 256 + (value >> 8));
      expect((await valuesOf(elements)).sort((a, b) => a - b)).toEqual(swapped.sort((a, b) => a - b));
    }
  });

  it('reads each byte of a large transposed matrix about once', async () => {
    const [rows, columns] = [1000, 3000];
    const storage = new Uint8Array(2 * rows * columns);
    const tensor = tensorV2(storageId('torch.ShortStorage', '0', rows * columns), 0, [columns, rows], [1, columns]);
    const source = countingSource(memorySource(await torchBytes({ dict: [['t', tensor]] }, { 'data/0': storage })));
    const elements = elementsInStorageOrder((await openTorchFile(source)).tensors[0]!);
    const before = source.reads.length;
    for (let at = 0; at < elements.byteLength; at += 1 << 20) {
      await elements.readBytes(at, Math.min(1 << 20, elements.byteLength - at));
    }
    const read = source.reads.slice(before).reduce((sum, [, length]) => sum + length, 0);
    expect(read).toBeLessThan(1.01 * storage.byteLength);
  });
});
