import { describe, expect, it } from 'vitest';

import { expectNameInside, memoryFolder } from './folder.js';

describe('names in a folder', () => {
  it.each([
    ['a', 'a'],
    ['./a', 'a'],
    ['a/b', 'a/b'],
    ['a//b/', 'a/b'],
    ['a/./b', 'a/b'],
    ['..a', '..a'],
    ['a..', 'a..'],
    ['...', '...'],
    ['.hidden', '.hidden'],
    ['cc:name', 'cc:name'],
    ['a b', 'a b'],
  ])('%j is %j', (name, inside) => {
    expect(expectNameInside(name, 'folder')).toBe(inside);
  });

  it.each([
    ['/a', 'absolute'],
    ['//server/share', 'absolute'],
    ['..', 'the folder above'],
    ['a/..', 'back to the folder itself'],
    ['a/../../b', 'the folder above, after going down'],
    ['../a', 'the folder above'],
    ['C:\\a', 'a drive letter'],
    ['C:a', 'a drive letter without a slash'],
    ['z:/a', 'a drive letter'],
    ['a\\..\\b', 'a backslash'],
    ['\\\\server\\share', 'a backslash'],
    ['a\0b', 'NUL'],
    ['', 'no name'],
    ['.', 'the folder itself'],
    ['.//.', 'the folder itself'],
  ])('%j is refused: %s', (name) => {
    expect(() => expectNameInside(name, 'folder')).toThrow(
      expect.objectContaining({
        ...{ name: 'SourceError', code: 'source/outside-folder', path: 'folder' },
        message: `the name ${JSON.stringify(name)} leads out of the folder`,
      }),
    );
  });
});

describe('a folder in memory', () => {
  const folder = memoryFolder(
    {
      './b': Uint8Array.of(1, 2),
      a: new Blob(['text']),
      'sub/deep': new Uint8Array(1),
      B: new Uint8Array(),
      c: new Uint8Array(3),
    },
    'f',
  );

  it('lists what lies directly in it, by name', async () => {
    expect(folder.name).toBe('f');
    expect(await folder.list()).toEqual([
      { name: 'B', size: 0 },
      { name: 'a', size: 4 },
      { name: 'b', size: 2 },
      { name: 'c', size: 3 },
    ]);
  });

  it('has and opens what it was given, buffers and Blobs', async () => {
    expect(await folder.has('b')).toBe(true);
    expect(await folder.has('./sub/deep')).toBe(true);
    expect(await folder.has('sub')).toBe(false);
    await using buffer = await folder.open('./b');
    expect(buffer).toMatchObject({ name: 'f/b', size: 2 });
    expect([...(await buffer.read(1, 1))]).toEqual([2]);
    await using blob = await folder.open('a');
    expect(blob).toMatchObject({ name: 'f/a', size: 4 });
    expect(new TextDecoder().decode(await blob.read(0, 4))).toBe('text');
  });

  it('is not left', async () => {
    await expect(folder.has('../a')).rejects.toMatchObject({ code: 'source/outside-folder' });
    await expect(folder.open('/a')).rejects.toMatchObject({ code: 'source/outside-folder' });
    expect(() => memoryFolder({ '../a': new Uint8Array() })).toThrow(
      expect.objectContaining({ code: 'source/outside-folder', path: 'folder in memory' }),
    );
  });

  it('misses what it was not given, the properties of objects among them', async () => {
    for (const name of ['d', 'constructor', '__proto__']) {
      expect(await folder.has(name)).toBe(false);
      await expect(folder.open(name)).rejects.toMatchObject({ code: 'source/not-found', path: `f/${name}` });
    }
  });
});
