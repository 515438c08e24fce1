import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { directoryOutput, nameOfPartial } from './directory-output.js';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'output-'));
});
afterEach(async () => {
  await rm(root, { recursive: true });
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('directoryOutput', () => {
  it('shows nothing under the final name before it commits', async () => {
    const output = directoryOutput(join(root, 'a', 'b'));
    await output.prepare([{ name: 'one', byteLength: 4 }]);
    const sink = await output.create('one');
    await sink.write(bytes('1234'));
    expect(sink.position).toBe(4);
    expect(await readdir(join(root, 'a', 'b'))).not.toContain('one');
    await output.commit();
    expect(await readdir(join(root, 'a', 'b'))).toEqual(['one']);
    expect(await readFile(join(root, 'a', 'b', 'one'), 'utf8')).toBe('1234');
    await output.discard();
    expect(await readdir(join(root, 'a', 'b'))).toEqual(['one']);
  });

  it('leaves nothing when it is discarded, not even folders it made', async () => {
    const output = directoryOutput(join(root, 'a', 'b'));
    await output.prepare([{ name: 'one', byteLength: 4 }]);
    await (await output.create('one')).write(bytes('12'));
    await (await output.create('two')).write(bytes('34'));
    await output.discard();
    expect(await readdir(root)).toEqual([]);
  });

  it('shares no temporary file with another output of the same place', async () => {
    const outputs = [directoryOutput(root), directoryOutput(root)];
    for (const [index, output] of outputs.entries()) await (await output.create('one')).write(bytes(String(index)));
    for (const output of outputs) await output.commit();
    expect(await readFile(join(root, 'one'), 'utf8')).toBe('1');
    expect(await readdir(root)).toEqual(['one']);
  });

  it('makes a folder together with others that make it at the same time', async () => {
    const outputs = ['one', 'two', 'three', 'four'].map((name) => ({
      name,
      output: directoryOutput(join(root, 'a', 'b')),
    }));
    await Promise.all(outputs.map(({ output }) => output.prepare([])));
    for (const { name, output } of outputs) await (await output.create(name)).write(bytes(name));
    await Promise.all(outputs.map(({ output }) => output.commit()));
    expect((await readdir(join(root, 'a', 'b'))).sort()).toEqual(['four', 'one', 'three', 'two']);
  });

  it('knows its own temporary names', async () => {
    const output = directoryOutput(root);
    await output.create('a.b.safetensors');
    const [temporary = ''] = await readdir(root);
    expect(temporary).toMatch(/^\.a\.b\.safetensors\.[0-9a-f]{12}\.partial$/);
    expect(nameOfPartial(temporary)).toBe('a.b.safetensors');
    await output.discard();
    for (const other of ['a', '.a.partial', '.a.0123456789ab.part', 'a.0123456789ab.partial']) {
      expect(nameOfPartial(other)).toBeUndefined();
    }
  });

  it('removes the folders it made when a deeper one cannot be made', async () => {
    const output = directoryOutput(join(root, 'a', 'x'.repeat(300)));
    await expect(output.prepare([])).rejects.toMatchObject({ code: 'convert/not-writable' });
    await output.discard();
    expect(await readdir(root)).toEqual([]);
  });

  it('discards the rest when something cannot be removed', async () => {
    const output = directoryOutput(root);
    await output.create('one');
    const [partial = ''] = await readdir(root);
    await rm(join(root, partial));
    await mkdir(join(root, partial));
    await output.create('two');
    await output.discard();
    expect(await readdir(root)).toEqual([partial]);
  });

  it('leaves whole files only, when one of several cannot be renamed', async () => {
    const output = directoryOutput(join(root, 'a'));
    await output.prepare([]);
    for (const name of ['one', 'two', 'three']) await (await output.create(name)).write(bytes(name));
    await mkdir(join(root, 'a', 'two'));
    await expect(output.commit()).rejects.toMatchObject({ code: 'convert/write-failed' });
    await output.discard();
    expect((await readdir(join(root, 'a'))).sort()).toEqual(['one', 'two']);
    expect(await readFile(join(root, 'a', 'one'), 'utf8')).toBe('one');
  });

  it('keeps folders in which something else lies', async () => {
    const output = directoryOutput(join(root, 'a'));
    await output.prepare([]);
    await writeFile(join(root, 'a', 'mine'), '');
    await output.discard();
    expect(await readdir(join(root, 'a'))).toEqual(['mine']);
  });

  it('discards when nothing was prepared', async () => {
    await directoryOutput(join(root, 'a')).discard();
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses to overwrite, unless forced', async () => {
    await writeFile(join(root, 'one'), 'old');
    const files = [{ name: 'one', byteLength: 3 }];
    await expect(directoryOutput(root).prepare(files)).rejects.toMatchObject({
      code: 'convert/exists',
      path: join(root, 'one'),
    });
    const output = directoryOutput(root, { force: true });
    await output.prepare(files);
    await (await output.create('one')).write(bytes('new'));
    expect(await readFile(join(root, 'one'), 'utf8')).toBe('old');
    await output.commit();
    expect(await readFile(join(root, 'one'), 'utf8')).toBe('new');
  });

  it('refuses a folder where a file should be, even when forced', async () => {
    await mkdir(join(root, 'one'));
    const output = directoryOutput(root, { force: true });
    await expect(output.prepare([{ name: 'one', byteLength: 3 }])).rejects.toMatchObject({ code: 'convert/exists' });
  });

  it('refuses when there is too little space', async () => {
    const output = directoryOutput(join(root, 'a', 'b'));
    await expect(output.prepare([{ name: 'one', byteLength: 2 ** 60 }])).rejects.toMatchObject({
      code: 'convert/no-space',
    });
    expect(await readdir(root)).toEqual([]);
  });

  it('refuses a file where a folder is needed', async () => {
    await writeFile(join(root, 'a'), '');
    await expect(directoryOutput(join(root, 'a', 'b')).prepare([])).rejects.toMatchObject({
      code: 'convert/not-writable',
      message: 'a file stands where a folder is needed',
    });
  });

  it('names what the system says when a file cannot be begun', async () => {
    const output = directoryOutput(join(root, 'gone'));
    await expect(output.create('one')).rejects.toMatchObject({ code: 'convert/not-writable' });
    await expect(directoryOutput('/proc/nothing').prepare([])).rejects.toMatchObject({ code: 'convert/not-writable' });
  });
});
