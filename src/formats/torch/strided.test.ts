import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ByteSource } from '../../source/byte-source.js';
import { memorySource } from '../../source/memory.js';
import { countingSource } from '../../testing/sources.js';
import { type StridedElements, gather, isContiguous, simplifyStrides } from './strided.js';

/** The same, element by element. */
function naive(
  elements: Omit<StridedElements, 'source'>,
  storage: Uint8Array,
  first: number,
  count: number,
): Uint8Array {
  const { shape, stride, storageOffset, itemBytes } = elements;
  const out = new Uint8Array(count * itemBytes);
  for (let index = 0; index < count; index += 1) {
    let rest = first + index;
    let at = storageOffset;
    for (let dimension = shape.length - 1; dimension >= 0; dimension -= 1) {
      at += (rest % shape[dimension]!) * stride[dimension]!;
      rest = Math.floor(rest / shape[dimension]!);
    }
    out.set(storage.subarray(at * itemBytes, (at + 1) * itemBytes), index * itemBytes);
  }
  return out;
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => (index * 7919) >> 3);

/** A source of any size whose bytes are computed, and that refuses to be read at length. */
function endlessSource(size: number): ByteSource {
  const readInto = async (offset: number, target: Uint8Array): Promise<void> => {
    if (target.byteLength > 1 << 22) throw new Error('too long a read');
    for (let index = 0; index < target.byteLength; index += 1) target[index] = ((offset + index) % 251) & 0xff;
  };
  return {
    ...memorySource(new Uint8Array(0)),
    size,
    readInto,
    read: async (offset, length) => {
      const target = new Uint8Array(length);
      await readInto(offset, target);
      return target;
    },
  };
}

describe('gather', () => {
  it('gives what indexing element by element gives', async () => {
    const dimension = fc.record({ extent: fc.integer({ min: 1, max: 5 }), step: fc.integer({ min: 0, max: 7 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(dimension, { maxLength: 4 }),
        fc.nat(5),
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.nat(700),
        fc.nat(700),
        async (dimensions, storageOffset, itemBytes, from, to) => {
          const shape = dimensions.map(({ extent }) => extent);
          const stride = dimensions.map(({ step }) => step);
          const total = shape.reduce((product, extent) => product * extent, 1);
          const first = from % (total + 1);
          const last = first + (to % (total - first + 1));
          const storage = bytesOf((storageOffset + 200) * itemBytes);
          const elements = { source: memorySource(storage), storageOffset, itemBytes, shape, stride };
          expect(await gather(elements, first, last - first)).toEqual(naive(elements, storage, first, last - first));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('reads short stretches at once and skips long gaps', async () => {
    const source = countingSource(memorySource(bytesOf(1 << 20)));
    const near = { source, storageOffset: 3, itemBytes: 2, shape: [8, 16], stride: [1, 1000] };
    expect(await gather(near, 0, 128)).toEqual(naive(near, bytesOf(1 << 20), 0, 128));
    expect(source.reads).toEqual([[6, 2 * (15 * 1000 + 7 + 1)]]);
    const far = { source, storageOffset: 0, itemBytes: 2, shape: [8, 4], stride: [1, 100_000] };
    expect(await gather(far, 0, 32)).toEqual(naive(far, bytesOf(1 << 20), 0, 32));
    expect(source.reads.slice(1)).toEqual([0, 1, 2, 3].map((row) => [row * 200_000, 16]));
  });

  it('passes over a large transposed matrix in pieces of bounded size', async () => {
    const [rows, columns] = [1500, 4096];
    const source = countingSource(endlessSource(rows * columns * 2));
    const transposed = { source, storageOffset: 0, itemBytes: 2, shape: [columns, rows], stride: [1, columns] };
    const block = await gather(transposed, 5 * rows + 7, 20 * rows);
    for (const index of [0, 1, rows, 3 * rows - 1, 20 * rows - 1]) {
      const at = 5 * rows + 7 + index;
      const place = ((at % rows) * columns + Math.floor(at / rows)) * 2;
      expect([block[index * 2], block[index * 2 + 1]]).toEqual([place % 251, (place + 1) % 251]);
    }
    const total = source.reads.reduce((sum, [, length]) => sum + length, 0);
    expect(total).toBeLessThan(3 * rows * columns * 2); // incomplete first and last row, and the rows between
  });

  it('reads a long line in pieces', async () => {
    const source = countingSource(endlessSource(20 << 20));
    const line = { source, storageOffset: 1, itemBytes: 1, shape: [2, 10 << 20], stride: [10 << 20, 1] };
    const bytes = await gather(line, 5, 9 << 20);
    expect([bytes[0], bytes.at(-1)]).toEqual([6, ((9 << 20) + 5) % 251]);
    expect(source.reads.map(([, length]) => length)).toEqual([1 << 22, 1 << 22, 1 << 20]);
  });

  it('reads one element however often it is repeated', async () => {
    const source = countingSource(memorySource(bytesOf(64)));
    const expanded = { source, storageOffset: 2, itemBytes: 4, shape: [1000, 1000], stride: [0, 0] };
    const bytes = await gather(expanded, 10, 5000);
    expect(bytes).toEqual(naive(expanded, bytesOf(64), 10, 5000));
    expect(source.reads).toEqual([[8, 4]]);
  });

  it('stops when the signal says so', async () => {
    const elements = { source: memorySource(bytesOf(64)), storageOffset: 0, itemBytes: 1, shape: [4], stride: [2] };
    await expect(gather(elements, 0, 4, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('simplifyStrides', () => {
  it.each([
    [[2, 3], [3, 1], [6], [1]],
    [[4, 1, 3], [3, 99, 1], [12], [1]],
    [
      [2, 3],
      [1, 2],
      [2, 3],
      [1, 2],
    ],
    [
      [2, 2, 2],
      [8, 2, 1],
      [2, 4],
      [8, 1],
    ],
    [[1], [77], [], []],
    [[], [], [], []],
  ])('of %j by %j', (shape, stride, expectedShape, expectedStride) => {
    expect(simplifyStrides({ shape, stride })).toEqual({ shape: expectedShape, stride: expectedStride });
  });

  it('tells what lies in order', () => {
    expect(isContiguous({ shape: [3, 4], stride: [4, 1] })).toBe(true);
    expect(isContiguous({ shape: [], stride: [] })).toBe(true);
    expect(isContiguous({ shape: [4], stride: [2] })).toBe(false);
    expect(isContiguous({ shape: [3, 4], stride: [1, 3] })).toBe(false);
  });
});
