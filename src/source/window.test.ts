import { describe, expect, it } from 'vitest';

import { countingSource } from '../testing/sources.js';
import { memorySource } from './memory.js';
import { windowedSource } from './window.js';

const BYTES = Uint8Array.from({ length: 200_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff);

describe('windowedSource', () => {
  it('gives the same bytes, with few reads for many small ones', async () => {
    const counted = countingSource(memorySource(BYTES, 'it'));
    const source = windowedSource(counted);
    for (let at = 0; at + 100 <= BYTES.length; at += 100) {
      expect(await source.read(at, 100)).toEqual(BYTES.subarray(at, at + 100));
    }
    expect(counted.reads.length).toBeLessThan(6);
    const target = new Uint8Array(10);
    await source.readInto(199_990, target);
    expect(target).toEqual(BYTES.subarray(199_990));
    expect(await source.read(5, 3)).toEqual(BYTES.subarray(5, 8));
  });

  it('passes long reads on', async () => {
    const counted = countingSource(memorySource(BYTES, 'it'));
    const source = windowedSource(counted);
    expect(await source.read(1, 100_000)).toEqual(BYTES.subarray(1, 100_001));
    const target = new Uint8Array(70_000);
    await source.readInto(2, target);
    expect(target).toEqual(BYTES.subarray(2, 70_002));
    expect(counted.reads).toEqual([
      [1, 100_000],
      [2, 70_000],
    ]);
  });

  it('refuses what lies outside, and an aborted read', async () => {
    await using source = windowedSource(memorySource(BYTES, 'it'));
    await expect(source.read(199_999, 2)).rejects.toMatchObject({ code: 'source/out-of-range' });
    await expect(source.read(0, 1, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
