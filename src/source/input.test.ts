import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { openAsBlob } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { blobSource } from './blob.js';
import { sourceOf } from './input.js';
import { memorySource } from './memory.js';
import { readFile, readWhole } from './whole.js';
import { memoryFolder } from './folder.js';

const BYTES = Uint8Array.of(10, 11, 12, 13, 14);

describe.each([
  ['a buffer', () => memorySource(BYTES, 'x')],
  ['a Blob', () => blobSource(new Blob([BYTES]), 'x')],
])('a source over %s', (_, open) => {
  it('gives exactly the bytes asked for', async () => {
    await using source = open();
    expect(source).toMatchObject({ name: 'x', size: 5 });
    expect([...(await source.read(1, 3))]).toEqual([11, 12, 13]);
    expect([...(await source.read(5, 0))]).toEqual([]);
    const target = new Uint8Array(3);
    await source.readInto(3, target.subarray(1));
    expect([...target]).toEqual([0, 13, 14]);
    await source.close();
  });

  it('gives nothing beyond its end', async () => {
    await using source = open();
    const refusal = {
      code: 'source/out-of-range',
      path: 'x',
      message: '2 bytes wanted at 0x4, but the file has 5 bytes',
    };
    await expect(source.read(4, 2)).rejects.toMatchObject(refusal);
    await expect(source.readInto(4, new Uint8Array(2))).rejects.toMatchObject(refusal);
  });

  it('gives nothing once the signal is aborted', async () => {
    await using source = open();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(source.read(0, 1, { signal })).rejects.toThrow('enough');
    await expect(source.readInto(0, new Uint8Array(1), { signal })).rejects.toThrow('enough');
    expect([...(await source.read(0, 1, {}))]).toEqual([10]);
  });
});

describe('a Blob', () => {
  it('is called what its file is called', () => {
    expect(blobSource(new File([BYTES], 'model.gguf')).name).toBe('model.gguf');
    expect(blobSource(new Blob([BYTES])).name).toBe('blob');
  });

  it('whose file has changed since cannot be read', async () => {
    const root = await mkdtemp(join(tmpdir(), 'blob-'));
    try {
      const path = join(root, 'x');
      await writeFile(path, BYTES);
      await using source = blobSource(await openAsBlob(path), 'x');
      expect([...(await source.read(0, 1))]).toEqual([10]);
      await truncate(path, 2);
      await expect(source.read(1, 4)).rejects.toMatchObject({
        ...{ name: 'SourceError', code: 'source/read-failed', path: 'x', offset: 1 },
        hint: 'it may have been changed or removed after it was chosen; choose it again',
      });
    } finally {
      await rm(root, { recursive: true });
    }
  });
});

describe('sourceOf', () => {
  it('takes buffers and Blobs, and leaves sources as they are', async () => {
    expect(await sourceOf(BYTES).read(0, 5)).toEqual(BYTES);
    const plain = await sourceOf(Buffer.from(BYTES)).read(1, 4);
    expect([...plain.slice()]).toEqual([11, 12, 13, 14]);
    expect(plain.slice().buffer.byteLength).toBe(4);
    expect(await sourceOf(new Blob([BYTES])).read(0, 5)).toEqual(BYTES);
    const source = memorySource(BYTES);
    expect(sourceOf(source)).toBe(source);
  });
});

describe('small files', () => {
  it('are read whole up to a limit, beyond which nothing is read', async () => {
    expect(await readWhole(memorySource(BYTES), 5)).toEqual(BYTES);
    const untouchable = { ...memorySource(BYTES, 'x'), read: () => Promise.reject(new Error('was read')) };
    await expect(readWhole(untouchable, 4)).rejects.toMatchObject({
      ...{ code: 'source/too-large', path: 'x' },
      message: '5 bytes are far too many for this file, at most 4 are read',
    });
  });

  it('of a folder are closed, whether they were read or not', async () => {
    let open = 0;
    const folder = memoryFolder({ x: BYTES });
    const counting = {
      ...folder,
      open: async (name: string) => {
        open += 1;
        const close = async (): Promise<void> => {
          open -= 1;
        };
        return { ...(await folder.open(name)), close };
      },
    };
    expect(await readFile(counting, 'x', 5)).toEqual(BYTES);
    await expect(readFile(counting, 'x', 4)).rejects.toMatchObject({ code: 'source/too-large' });
    expect(open).toBe(0);
  });
});
