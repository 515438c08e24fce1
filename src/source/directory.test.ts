import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openDirectory } from './directory.js';

let root = '';
let folder = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'directory-'));
  folder = join(root, 'checkpoint');
  await mkdir(join(folder, 'sub'), { recursive: true });
  await writeFile(join(root, 'shared.model'), 'shared');
  await writeFile(join(folder, 'b'), '12');
  await writeFile(join(folder, 'B'), '');
  await writeFile(join(folder, '.hidden'), '1');
  await writeFile(join(folder, 'sub', 'deep'), 'deep down');
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('a folder on disk', () => {
  it('lists the files directly in it by name, those behind links too', async () => {
    await symlink('../shared.model', join(folder, 'a.model'));
    await symlink('sub', join(folder, 'linked-folder'));
    await symlink('nowhere', join(folder, 'dangling'));
    const opened = await openDirectory(folder);
    expect(opened.name).toBe(folder);
    expect(await opened.list()).toEqual([
      { name: '.hidden', size: 1 },
      { name: 'B', size: 0 },
      { name: 'a.model', size: 6 },
      { name: 'b', size: 2 },
    ]);
  });

  it('lists the files below it too, but neither hidden folders nor links to folders', async () => {
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, '.git', 'HEAD'), 'x');
    await writeFile(join(folder, 'sub', '.hidden'), 'x');
    await symlink('../..', join(folder, 'sub', 'up'));
    await symlink('../../shared.model', join(folder, 'sub', 'model'));
    const below = await (await openDirectory(folder)).listBelow!();
    expect(below).toEqual([
      ...[
        { name: '.hidden', size: 1 },
        { name: 'B', size: 0 },
        { name: 'b', size: 2 },
      ],
      ...[
        { name: 'sub/.hidden', size: 1 },
        { name: 'sub/deep', size: 9 },
        { name: 'sub/model', size: 6 },
      ],
    ]);
    let deep = folder;
    for (let depth = 0; depth < 20; depth++) await mkdir((deep = join(deep, 'd')));
    await writeFile(join(deep, 'lost'), '');
    expect(await (await openDirectory(folder)).listBelow!()).toEqual(below);
  });

  it('knows which files it has', async () => {
    const opened = await openDirectory(folder);
    expect(await opened.has('b')).toBe(true);
    expect(await opened.has('./sub/deep')).toBe(true);
    expect(await opened.has('c')).toBe(false);
    expect(await opened.has('sub')).toBe(false);
  });

  it('opens them, below it too', async () => {
    const opened = await openDirectory(folder);
    await using source = await opened.open('sub/./deep');
    expect(source).toMatchObject({ name: join(folder, 'sub', 'deep'), size: 9 });
    expect(new TextDecoder().decode(await source.read(5, 4))).toBe('down');
    await expect(opened.open('c')).rejects.toMatchObject({ code: 'source/not-found', path: join(folder, 'c') });
    await expect(opened.open('sub')).rejects.toMatchObject({ code: 'source/not-a-file' });
  });

  it.each(['../shared.model', 'sub/../../shared.model', '/etc/passwd', '..\\shared.model', 'C:shared.model', ''])(
    'is not left by the name %j',
    async (name) => {
      const opened = await openDirectory(folder);
      const refusal = { code: 'source/outside-folder', path: folder };
      await expect(opened.has(name)).rejects.toMatchObject(refusal);
      await expect(opened.open(name)).rejects.toMatchObject(refusal);
    },
  );

  it('that is removed while it is open is missed', async () => {
    const opened = await openDirectory(folder);
    await rm(folder, { recursive: true });
    await expect(opened.list()).rejects.toMatchObject({ code: 'source/not-found', path: folder });
    expect(await opened.has('b')).toBe(false);
  });
});

describe('openDirectory', () => {
  it('takes nothing but folders', async () => {
    const file = join(root, 'shared.model');
    await expect(openDirectory(join(root, 'none'))).rejects.toMatchObject({
      ...{ name: 'SourceError', code: 'source/not-found', path: join(root, 'none') },
    });
    await expect(openDirectory(file)).rejects.toMatchObject({
      ...{ code: 'source/not-a-folder', message: 'a folder was expected, but this is a file', path: file },
    });
    await expect(openDirectory(join(file, 'x'))).rejects.toMatchObject({ code: 'source/not-a-folder' });
  });

  it('follows a link to a folder', async () => {
    await symlink('checkpoint', join(root, 'link'));
    expect(await (await openDirectory(join(root, 'link'))).has('b')).toBe(true);
  });
});
