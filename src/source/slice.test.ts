import { describe, expect, it } from 'vitest';

import { memorySink } from './byte-sink.js';
import { memorySource } from './memory.js';
import { sliceSource } from './slice.js';

const parent = memorySource(
  Uint8Array.from({ length: 20 }, (_, index) => index),
  'parent',
);

describe('a slice', () => {
  it('reads its part of the parent and nothing else', async () => {
    const slice = sliceSource(parent, 5, 4);
    expect(slice).toMatchObject({ name: 'parent', size: 4 });
    expect([...(await slice.read(1, 3))]).toEqual([6, 7, 8]);
    await expect(slice.read(2, 3)).rejects.toMatchObject({ code: 'source/out-of-range' });
    await expect(slice.readInto(4, new Uint8Array(1))).rejects.toMatchObject({ code: 'source/out-of-range' });
  });

  it('finds its beginning at the first read, and leaves the parent open', async () => {
    let asked = 0;
    const start = async (): Promise<number> => {
      asked += 1;
      return 10;
    };
    const target = new Uint8Array(2);
    {
      await using slice = sliceSource(parent, start, 6, 'part');
      expect(asked).toBe(0);
      expect(slice.name).toBe('part');
      await slice.readInto(4, target);
      await slice.close();
    }
    expect([...target]).toEqual([14, 15]);
    expect(asked).toBe(1);
    expect([...(await parent.read(0, 1))]).toEqual([0]);
  });
});

describe('a sink into memory', () => {
  it('keeps copies in order', async () => {
    const sink = memorySink();
    const bytes = Buffer.from([1, 2]); // whose `slice` copies nothing
    await sink.write(bytes);
    bytes.fill(9);
    await sink.write(bytes);
    expect(sink.position).toBe(4);
    expect([...sink.bytes()]).toEqual([1, 2, 9, 9]);
  });
});
