import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { checkpointsFolder, locate, subfolders } from './locate.js';
import { openFolderPath, openPath } from './open-path-node.js';

let root = '';
let checkpoints = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'locate-'));
  checkpoints = join(root, '.llama', 'checkpoints');
  await mkdir(join(checkpoints, 'Llama3.2-1B'), { recursive: true });
  await mkdir(join(checkpoints, 'Llama3.2-1B-int4-qlora-eo8'));
  await writeFile(join(checkpoints, 'weights'), '1234');
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

describe('locate', () => {
  it('takes paths as they are', async () => {
    expect(await locate(checkpoints, '/nowhere')).toEqual({ path: checkpoints, kind: 'folder' });
    expect(await locate('.', '/nowhere')).toEqual({ path: '.', kind: 'folder' });
    expect(await locate('..', '/nowhere')).toEqual({ path: '..', kind: 'folder' });
    const file = join(checkpoints, 'weights');
    expect(await locate(file, '/nowhere')).toEqual({ path: file, kind: 'file' });
  });

  it('looks up names where Meta’s downloader puts checkpoints', async () => {
    expect(checkpointsFolder(root)).toBe(checkpoints);
    const found = { path: join(checkpoints, 'Llama3.2-1B'), kind: 'folder' };
    expect(await locate('Llama3.2-1B', root)).toEqual(found);
    expect(await locate('weights', root)).toEqual({ path: join(checkpoints, 'weights'), kind: 'file' });
  });

  it('knows that the downloader writes a dash for a colon', async () => {
    expect(await locate('Llama3.2-1B:int4-qlora-eo8', root)).toEqual({
      ...{ path: join(checkpoints, 'Llama3.2-1B-int4-qlora-eo8'), kind: 'folder' },
    });
  });

  it('prefers what lies in the working directory', async () => {
    await mkdir(join(checkpoints, 'package.json'));
    expect(await locate('package.json', root)).toEqual({ path: 'package.json', kind: 'file' });
  });

  it('does not look up paths there', async () => {
    await mkdir(join(checkpoints, 'a', 'b'), { recursive: true });
    for (const path of ['a/b', './Llama3.2-1B', 'a\\b']) {
      await expect(locate(path, root)).rejects.toMatchObject({
        ...{ name: 'SourceError', code: 'source/not-found', path, hint: undefined },
      });
    }
  });

  it('says where it looked for a name', async () => {
    await expect(locate('Llama3.2-3B', root)).rejects.toMatchObject({
      ...{ code: 'source/not-found', path: 'Llama3.2-3B', message: 'there is no such file or folder' },
      hint: `nor a checkpoint of this name under ${checkpoints}`,
    });
  });

  it('does not take an empty name for the folder of all checkpoints', async () => {
    await expect(locate('', root)).rejects.toMatchObject({ code: 'source/not-found', path: '', hint: undefined });
  });

  it('passes on what else the system says', async () => {
    await expect(locate(join(checkpoints, 'weights', 'x'), root)).rejects.toMatchObject({
      code: 'source/not-a-folder',
    });
  });
});

describe('subfolders', () => {
  it('are the visible ones, those behind links too, by name', async () => {
    await mkdir(join(checkpoints, '.cache'));
    await mkdir(join(root, 'elsewhere'));
    await symlink(join(root, 'elsewhere'), join(checkpoints, 'A-link'));
    await symlink(join(checkpoints, 'weights'), join(checkpoints, 'link-to-file'));
    await symlink('nowhere', join(checkpoints, 'dangling'));
    expect(await subfolders(checkpoints)).toEqual(
      ['A-link', 'Llama3.2-1B', 'Llama3.2-1B-int4-qlora-eo8'].map((name) => join(checkpoints, name)),
    );
  });

  it('are looked for in folders only', async () => {
    await expect(subfolders(join(root, 'none'))).rejects.toMatchObject({ code: 'source/not-found' });
    await expect(subfolders(join(checkpoints, 'weights'))).rejects.toMatchObject({ code: 'source/not-a-folder' });
  });
});

describe('openPath', () => {
  it('opens a folder together with the one above', async () => {
    const opened = await openFolderPath(join(checkpoints, 'Llama3.2-1B'));
    expect(opened).toMatchObject({ kind: 'folder', path: join(checkpoints, 'Llama3.2-1B') });
    expect(await opened.folder.list()).toEqual([]);
    expect(await opened.parent?.list()).toEqual([{ name: 'weights', size: 4 }]);
  });

  it('opens a file', async () => {
    const path = join(checkpoints, 'weights');
    const opened = await openPath(path);
    if (opened.kind !== 'file') throw new Error('no file');
    await using source = opened.source;
    expect(opened.path).toBe(path);
    expect(source.size).toBe(4);
  });

  it('names what lies at a path that ends in dots', async () => {
    expect((await openPath('.')).path).toBe(resolve('.'));
    expect((await openPath('src/..')).path).toBe(resolve('.'));
    expect((await openPath(`${checkpoints}/./`)).path).toBe(checkpoints);
    expect((await openPath('src/source')).path).toBe('src/source');
  });

  it('has no folder above where a link hides it', async () => {
    await mkdir(join(root, 'real', 'deep', 'a', 'b'), { recursive: true });
    await symlink(join(root, 'real', 'deep', 'a'), join(root, 'link'));
    const opened = await openFolderPath(`${root}/link/../a/b`);
    expect(await opened.folder.list()).toEqual([]);
    expect(opened.parent).toBeUndefined();
  });

  it('refuses what is not there', async () => {
    await expect(openPath(join(root, 'none'))).rejects.toMatchObject({ code: 'source/not-found' });
    await expect(openFolderPath(join(checkpoints, 'weights'))).rejects.toMatchObject({
      code: 'source/not-a-folder',
      hint: `name the folder that it lies in: ${checkpoints}`,
    });
  });
});
