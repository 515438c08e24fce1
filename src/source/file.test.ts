import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openFileSource, systemError } from './file.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'file-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

async function numbered(length: number): Promise<string> {
  const path = join(root, 'numbered');
  await writeFile(
    path,
    Uint8Array.from({ length }, (_, index) => index),
  );
  return path;
}

describe('a file', () => {
  it('is read from any position, into new or given memory', async () => {
    const path = await numbered(100);
    await using source = await openFileSource(path);
    expect(source).toMatchObject({ name: path, size: 100 });
    expect([...(await source.read(97, 3))]).toEqual([97, 98, 99]);
    expect([...(await source.read(100, 0))]).toEqual([]);
    const target = new Uint8Array(4);
    await source.readInto(10, target.subarray(1, 3));
    expect([...target]).toEqual([0, 10, 11, 0]);
  });

  it.each([
    [99, 2, '2 bytes wanted at 0x63, but the file has 100 bytes', 99],
    [101, 0, '0 bytes wanted at 0x65, but the file has 100 bytes', 101],
    [-1, 1, '1 bytes wanted at -1, but the file has 100 bytes', undefined],
    [0, -1, '-1 bytes wanted at 0, but the file has 100 bytes', undefined],
    [0.5, 1, '1 bytes wanted at 0.5, but the file has 100 bytes', undefined],
    [0, 2 ** 53, '9007199254740992 bytes wanted at 0, but the file has 100 bytes', undefined],
    [
      2 ** 53 - 1,
      2 ** 53 - 1,
      `${2 ** 53 - 1} bytes wanted at 0x1fffffffffffff, but the file has 100 bytes`,
      2 ** 53 - 1,
    ],
  ])('has nothing at %d for %d bytes, which is found before memory is taken', async (offset, length, message, at) => {
    const path = await numbered(100);
    await using source = await openFileSource(path);
    const refusal = { code: 'source/out-of-range', message, path, offset: at };
    await expect(source.read(offset, length)).rejects.toMatchObject(refusal);
  });

  it('fills no memory beyond its end', async () => {
    await using source = await openFileSource(await numbered(4));
    const target = new Uint8Array(5);
    await expect(source.readInto(0, target)).rejects.toMatchObject({ code: 'source/out-of-range' });
    expect([...target]).toEqual([0, 0, 0, 0, 0]);
  });

  it('that is cut while it is open tells where it ends now', async () => {
    const path = await numbered(100);
    await using source = await openFileSource(path);
    await truncate(path, 60);
    expect([...(await source.read(58, 2))]).toEqual([58, 59]);
    await expect(source.read(50, 20)).rejects.toMatchObject({
      ...{ name: 'SourceError', code: 'source/short-read', path, offset: 60 },
      message: 'the file has become shorter while it was read',
    });
    await expect(source.readInto(80, new Uint8Array(1))).rejects.toMatchObject({
      ...{ code: 'source/short-read', offset: 80 },
    });
  });

  it('fills many buffers with what follows each other, more than the system fills at once', async () => {
    await using source = await openFileSource(await numbered(10_000));
    const lengths = Array.from({ length: 3000 }, (_, index) => index % 7);
    const targets = lengths.map((length) => new Uint8Array(length));
    await source.readScattered?.(50, targets);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    expect(Buffer.concat(targets)).toEqual(Buffer.from(await source.read(50, total)));
    await source.readScattered?.(0, []);
    await source.readScattered?.(10_000, [new Uint8Array(0), new Uint8Array(0)]);
  });

  it('fills no buffer beyond its end, nor when it is cut or aborted', async () => {
    const path = await numbered(100);
    await using source = await openFileSource(path);
    const targets = [new Uint8Array(60), new Uint8Array(41)];
    await expect(source.readScattered?.(0, targets)).rejects.toMatchObject({ code: 'source/out-of-range' });
    expect(targets[0]).toEqual(new Uint8Array(60));
    await truncate(path, 70);
    const cut = { code: 'source/short-read', path, offset: 70 };
    await expect(source.readScattered?.(10, [new Uint8Array(50), new Uint8Array(40)])).rejects.toMatchObject(cut);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(source.readScattered?.(0, [new Uint8Array(1)], { signal })).rejects.toThrow('enough');
    await source.close();
    const closed = { code: 'source/read-failed', path };
    await expect(source.readScattered?.(0, [new Uint8Array(1)])).rejects.toMatchObject(closed);
  });

  it('is not read once the signal is aborted', async () => {
    await using source = await openFileSource(await numbered(10));
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(source.read(0, 1, { signal })).rejects.toThrow('enough');
    await expect(source.readInto(0, new Uint8Array(1), { signal })).rejects.toThrow('enough');
    expect([...(await source.read(3, 1, { signal: new AbortController().signal }))]).toEqual([3]);
  });

  it('is closed once, and not read after that', async () => {
    const path = await numbered(10);
    const source = await openFileSource(path);
    await source.close();
    await source.close();
    await source[Symbol.asyncDispose]();
    await expect(source.read(0, 1)).rejects.toMatchObject({ code: 'source/read-failed', path });
  });
});

describe('openFileSource', () => {
  it('takes nothing but regular files', async () => {
    const notAFile = { name: 'SourceError', code: 'source/not-a-file' };
    await expect(openFileSource(root)).rejects.toMatchObject({ ...notAFile, path: root });
    await expect(openFileSource('/dev/null')).rejects.toMatchObject({ ...notAFile, path: '/dev/null' });
  });

  it('does not wait for the other end of a pipe', async () => {
    const pipe = join(root, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(openFileSource(pipe)).rejects.toMatchObject({ code: 'source/not-a-file', path: pipe });
  });

  it('says what the system found', async () => {
    const path = await numbered(1);
    await expect(openFileSource(join(root, 'none'))).rejects.toMatchObject({
      ...{ code: 'source/not-found', path: join(root, 'none'), message: 'there is no such file or folder' },
    });
    await expect(openFileSource(join(path, 'x'))).rejects.toMatchObject({ code: 'source/not-a-folder' });
    await symlink('loop', join(root, 'loop'));
    await expect(openFileSource(join(root, 'loop'))).rejects.toMatchObject({
      ...{ code: 'source/read-failed', message: expect.stringMatching(/^ELOOP/) as unknown },
    });
    await expect(openFileSource('a\0b')).rejects.toMatchObject({ code: 'source/read-failed', path: 'a\0b' });
  });
});

describe('systemError', () => {
  // Which system call gives which code depends on the system and on who runs the tests, so it is asked directly.
  it.each([
    ['ENOENT', 'source/not-found', 'there is no such file or folder'],
    ['EACCES', 'source/permission', 'reading it is not permitted'],
    ['EPERM', 'source/permission', 'reading it is not permitted'],
    ['EISDIR', 'source/not-a-file', 'a file was expected, but this is a folder'],
    ['ENOTDIR', 'source/not-a-folder', 'a folder was expected, but this is a file'],
    ['EIO', 'source/read-failed', 'in the system’s words'],
  ])('%s is %s', (system, code, message) => {
    const cause = Object.assign(new Error('in the system’s words'), { code: system });
    expect(systemError(cause, 'p')).toMatchObject({ code, message, cause, path: 'p' });
  });
});
