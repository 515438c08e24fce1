import { expect, it } from 'vitest';

import type { StoredTensor } from '../../formats/tensor.js';
import { memoryTensor } from '../../testing/synthetic-model.js';
import { dequantized } from './dequantize.js';

const [ROWS, WIDTH, RANK] = [8, 32, 2];

/** A tensor of ones as one that lies in a file, which counts how often it is read. */
function stored(name: string, shape: readonly number[]): StoredTensor & { reads: number } {
  const values = new Float32Array(shape.reduce((product, extent) => product * extent, 1)).fill(1);
  const counted = {
    ...memoryTensor(name, shape, values, 'float32'),
    ...{ storedDtype: 'float32', storage: undefined, viewKey: undefined, fileOffset: undefined, reads: 0 },
    readBytes: async (start: number, length: number) => {
      counted.reads++;
      return new Uint8Array(values.buffer, start, length);
    },
  };
  return counted;
}

it('reads A of an adaptor once in a pass over the rows, and keeps nothing after it', async () => {
  const a = stored('a', [RANK, WIDTH]);
  const b = stored('b', [ROWS, RANK]);
  const matrix = { weight: stored('w', [ROWS, WIDTH]), scales: stored('s', [ROWS, 1]) };
  const view = dequantized({ ...matrix, adaptor: { a, b, scale: 2 } });
  const pass = async (): Promise<void> => {
    for (let first = 0; first < ROWS; first += 2) {
      const bytes = await view.readRows(first, 2);
      expect(new Set(new Float32Array(bytes.slice().buffer))).toEqual(new Set([1 + 2 * RANK]));
    }
  };
  await pass();
  expect([a.reads, b.reads]).toEqual([1, ROWS / 2]);
  await pass();
  expect(a.reads).toBe(2);
  const blocks = [0, 2, 4, 6].map((first) => view.readRows(first, 2));
  await Promise.all(blocks);
  const before = a.reads;
  await view.readRows(0, 2);
  expect(a.reads).toBe(before + 1);
});
