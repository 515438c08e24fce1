import { describe, expect, it } from 'vitest';

import type { ByteSource } from './byte-source.js';
import { memorySource } from './memory.js';
import { readScattered, withoutFilled } from './scattered.js';
import { sliceSource } from './slice.js';

const bytes = Uint8Array.from({ length: 20 }, (_, index) => index);

/** A source that notes where it was asked to scatter, and does so. */
function scatteringSource(asked: number[]): ByteSource {
  const inner = memorySource(bytes);
  return {
    ...inner,
    readScattered: async (offset, targets) => {
      asked.push(offset);
      await readScattered(inner, offset, targets);
    },
  };
}

describe('readScattered', () => {
  it('reads and copies where the source cannot do it itself', async () => {
    const targets = [2, 0, 3].map((length) => new Uint8Array(length));
    await readScattered(memorySource(bytes), 7, targets);
    expect(targets.map((target) => [...target])).toEqual([[7, 8], [], [9, 10, 11]]);
    const beyond = readScattered(memorySource(bytes), 19, targets);
    await expect(beyond).rejects.toMatchObject({ code: 'source/out-of-range' });
  });

  it('goes through a slice to a source that can', async () => {
    const asked: number[] = [];
    const slice = sliceSource(scatteringSource(asked), async () => 5, 10);
    const targets = [new Uint8Array(1), new Uint8Array(2)];
    await readScattered(slice, 3, targets);
    expect([asked, targets.map((target) => [...target])]).toEqual([[8], [[8], [9, 10]]]);
    await expect(readScattered(slice, 8, targets)).rejects.toMatchObject({ code: 'source/out-of-range' });
    expect('readScattered' in sliceSource(memorySource(bytes), 0, 4)).toBe(false);
  });
});

describe('withoutFilled', () => {
  it.each([
    [0, [2, 0, 3]],
    [1, [1, 0, 3]],
    [2, [3]],
    [4, [1]],
    [5, []],
  ])('after %d bytes leaves buffers of %j', (filled, left) => {
    const buffers = [0, 2, 0, 3].map((length) => new Uint8Array(length));
    expect(withoutFilled(buffers, filled).map(({ byteLength }) => byteLength)).toEqual(left);
  });
});
