import { describe, expect, it } from 'vitest';

import type { ByteSource } from './byte-source.js';
import { type Folder, memoryFolder } from './folder.js';
import { keepingFiles } from './kept-files.js';
import { readFile } from './whole.js';

const FILES = { small: new Uint8Array([1, 2, 3, 4]), large: new Uint8Array(9) };

/** A folder that notes which reads reach it, and fails the first ones. */
function noting(reads: string[], failures = 0): Folder {
  const folder = memoryFolder(FILES);
  let left = failures;
  const noted = (name: string, source: ByteSource): ByteSource => ({
    ...source,
    readsAhead: true,
    read: async (offset, length, options) => {
      reads.push(`${name} ${offset} ${length}`);
      if ((left -= 1) >= 0) throw new Error('not now');
      return source.read(offset, length, options);
    },
  });
  return { ...folder, open: async (name) => noted(name, await folder.open(name)) };
}

describe('keepingFiles', () => {
  it('reads a small file once, however often it is read whole, and parts of it as asked', async () => {
    const reads: string[] = [];
    const folder = keepingFiles(noting(reads), 4);
    expect([...(await readFile(folder, 'small', 99))]).toEqual([1, 2, 3, 4]);
    expect([...(await readFile(folder, 'small', 99))]).toEqual([1, 2, 3, 4]);
    const source = await folder.open('small');
    expect([...(await source.read(1, 2))]).toEqual([2, 3]);
    const target = new Uint8Array(2);
    await source.readInto(2, target);
    expect([...target]).toEqual([3, 4]);
    expect(source).toMatchObject({ size: 4, readsAhead: true });
    expect(reads).toEqual(['small 0 4', 'small 1 2']);
  });

  it('reads a larger file anew each time', async () => {
    const reads: string[] = [];
    const folder = keepingFiles(noting(reads), 4);
    await readFile(folder, 'large', 99);
    await readFile(folder, 'large', 99);
    expect(reads).toEqual(['large 0 9', 'large 0 9']);
  });

  it('keeps no failure', async () => {
    const folder = keepingFiles(noting([], 1), 4);
    await expect(readFile(folder, 'small', 99)).rejects.toThrow('not now');
    expect([...(await readFile(folder, 'small', 99))]).toEqual([1, 2, 3, 4]);
  });

  it('lists what the folder lists', async () => {
    const folder = keepingFiles(memoryFolder({ ...FILES, 'below/x': new Uint8Array(1) }, 'f'), 4);
    expect(folder.name).toBe('f');
    expect((await folder.list()).map(({ name }) => name)).toEqual(['large', 'small']);
    expect((await folder.listBelow?.())?.map(({ name }) => name)).toEqual(['below/x', 'large', 'small']);
    expect(await folder.has('small')).toBe(true);
  });
});
