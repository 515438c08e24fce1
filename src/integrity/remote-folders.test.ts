/**
 * Folders on a web server: what is asked for, and what is made of the answers.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { inspectPath } from '../llama/inspect-path-node.js';
import { openModel } from '../llama/open-path-node.js';
import { modelFolder } from '../testing/fixtures.js';
import { type TestServerOptions, serve } from '../testing/http-server.js';
import type { HttpOptions } from '../source/http-options.js';
import { type OpenedFolder, openPath } from '../source/open-path-node.js';
import { readWhole } from '../source/whole.js';
import { scan } from './scan/scan-path-node.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const QUICK: HttpOptions = { retryDelay: 1, timeout: 2_000, retries: 1 };

async function folderAt(address: string, remote = QUICK): Promise<OpenedFolder> {
  const opened = await openPath(address, { remote });
  expect(opened.kind).toBe('folder');
  return opened as OpenedFolder;
}

/** A `fetch` for which huggingface.co is a server of the test. */
function hubAt(origin: string): typeof fetch {
  return (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    expect(url.protocol).toBe('https:');
    return fetch(new URL(`${origin}/${url.host}${url.pathname}${url.search}`), init);
  };
}

describe('a folder on a web server', () => {
  const files = {
    '/m/params.json': text('{}'),
    '/m/consolidated.00.pth': text('a'),
    '/m/consolidated.01.pth': text('bb'),
    '/m/consolidated.02.pth': text('ccc'),
    '/m/consolidated.04.pth': text('not asked for'),
    '/tokenizer.model': text('above'),
  };

  it('is found by the usual names, shards counted up, nothing twice', async () => {
    await using server = await serve({ files });
    const { folder, parent, path } = await folderAt(`${server.origin}/m/`);
    expect(path).toBe(`${server.origin}/m`);
    expect(server.received).toEqual([]);
    expect(await folder.list()).toEqual([
      { name: 'consolidated.00.pth', size: 1 },
      { name: 'consolidated.01.pth', size: 2 },
      { name: 'consolidated.02.pth', size: 3 },
      { name: 'params.json', size: 2 },
    ]);
    const asked = server.received.map((request) => request.path);
    expect(new Set(asked).size).toBe(asked.length);
    for (const name of ['consolidated.01.pth', 'params.json']) {
      await using source = await folder.open(name);
      expect(await readWhole(source, 100)).toEqual(files[`/m/${name}` as keyof typeof files]);
    }
    expect(await folder.has('config.json')).toBe(false);
    expect(server.received).toHaveLength(asked.length);
    await expect(folder.open('config.json')).rejects.toMatchObject({ code: 'source/not-found' });
    await expect(folder.has('../x')).rejects.toMatchObject({ code: 'source/outside-folder' });
    expect(await parent?.has('tokenizer.model')).toBe(true);
    expect(await parent?.list()).toEqual([]);
  });

  it('keeps the query of its address, which may be a signature for all of it, and never shows it', async () => {
    await using server = await serve({ files });
    const { folder, path, pathOf } = await folderAt(`${server.origin}/m/?Signature=secret`);
    await folder.list();
    expect(server.received.every((request) => request.path.endsWith('?Signature=secret'))).toBe(true);
    const source = await folder.open('params.json');
    expect(path + source.name + pathOf('params.json')).not.toContain('secret');
  });

  it('finds the shards that an index names', async () => {
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'x.safetensors', c: '../evil', d: 1 } };
    await using server = await serve({
      files: {
        '/model.safetensors.index.json': text(JSON.stringify(index)),
        '/model-00001-of-00002.safetensors': text('a'),
        '/x.safetensors': text('b'),
      },
    });
    const { folder, parent } = await folderAt(`${server.origin}/`);
    expect(parent).toBeUndefined();
    const names = (await folder.list()).map(({ name }) => name);
    expect(names).toEqual(['model-00001-of-00002.safetensors', 'model.safetensors.index.json', 'x.safetensors']);
    expect(server.received.some((request) => request.path.includes('evil'))).toBe(false);
  });

  it.each(['{', '[]', 'null', '{"weight_map":3}'])('with the index %s has no shards', async (index) => {
    await using server = await serve({ files: { '/model.safetensors.index.json': text(index) } });
    const { folder } = await folderAt(`${server.origin}/`);
    expect(await folder.list()).toHaveLength(1);
  });

  it('whose store answers 403 for what it does not have is read all the same', async () => {
    const misbehave: TestServerOptions['misbehave'] = (request, response) => {
      if (Object.hasOwn(files, request.url ?? '')) return false;
      response.writeHead(403).end();
      return true;
    };
    await using server = await serve({ files, misbehave });
    const { folder } = await folderAt(`${server.origin}/m/`);
    expect(await folder.list()).toHaveLength(4);
    const other = await folderAt(`${server.origin}/other/`);
    await expect(other.folder.list()).rejects.toMatchObject({ code: 'source/permission' });
  });

  it('of which one file cannot be had is not taken for one without it', async () => {
    const misbehave: TestServerOptions['misbehave'] = (request, response) => {
      if (request.url !== '/m/consolidated.01.pth') return false;
      response.writeHead(500).end();
      return true;
    };
    await using server = await serve({ files, misbehave });
    const { folder } = await folderAt(`${server.origin}/m/`);
    await expect(folder.list()).rejects.toMatchObject({ code: 'source/http-status' });
  });

  it('that a file lies in has those of the named files that are there', async () => {
    await using server = await serve({ files: { '/a-00001-of-00002.gguf': text('GGUF but broken') } });
    const opened = await openPath(`${server.origin}/a-00001-of-00002.gguf`, { remote: QUICK });
    if (opened.kind !== 'file') throw new Error('a file was expected');
    const folder = await opened.folder(['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf']);
    expect(await folder.list()).toEqual([{ name: 'a-00001-of-00002.gguf', size: 15 }]);
  });

  it('is not opened without being asked for, whatever the address', async () => {
    await using server = await serve({ files });
    for (const address of [`${server.origin}/m/`, `${server.origin}/m/params.json`, 'https://huggingface.co/a/b']) {
      const refusal = { code: 'source/address-not-taken' };
      await expect(openPath(address)).rejects.toMatchObject(refusal);
      await expect(openModel(address)).rejects.toMatchObject(refusal);
      await expect(inspectPath(address)).rejects.toMatchObject(refusal);
      await expect(scan(address)).rejects.toMatchObject(refusal);
    }
    expect(server.received).toEqual([]);
  });
});

describe('huggingface.co', () => {
  const MODEL = modelFolder('llama3.2-tiny');
  const list = readdirSync(MODEL).map((name) => ({
    ...{ type: 'file', path: name, size: readFileSync(join(MODEL, name)).byteLength, oid: 'x' },
  }));
  const below = { type: 'file', path: 'original/deep.pth', size: 3, oid: 'x' };
  const all = [...list, { type: 'directory', path: 'original', size: 0, oid: 'x' }, below];

  function hubFiles(repository: string, revision: string): Record<string, Uint8Array> {
    const files = readdirSync(MODEL).map((name): [string, Uint8Array] => [
      `/huggingface.co/${repository}/resolve/${revision}/${name}`,
      readFileSync(join(MODEL, name)),
    ]);
    const [tree, under] = [all, [below]].map((entries) => text(JSON.stringify(entries)));
    return {
      ...Object.fromEntries(files),
      [`/huggingface.co/api/models/${repository}/tree/${revision}`]: tree!,
      [`/huggingface.co/api/models/${repository}/tree/${revision}/original`]: under!,
      [`/huggingface.co/${repository}/resolve/${revision}/original/deep.pth`]: text('abc'),
    };
  }

  it('is read by the page of a model, with the list that it has', async () => {
    await using server = await serve({ files: hubFiles('org/Tiny-Instruct', 'main') });
    const remote = { ...QUICK, fetch: hubAt(server.origin), headers: { authorization: 'Bearer t' } };
    const address = 'https://huggingface.co/org/Tiny-Instruct';
    const found = await inspectPath(address, { remote });
    if (found.kind !== 'one') throw new Error('one was expected');
    expect(found.inspection).toMatchObject({ path: address, name: 'Tiny-Instruct', layout: 'meta' });
    expect(found.inspection.files.map(({ name }) => name)).toEqual(list.map(({ path }) => path).sort());
    expect(server.received[0]?.path).toBe('/huggingface.co/api/models/org/Tiny-Instruct/tree/main?recursive=true');
    // every request is for a file that is there
    expect(server.received.length).toBeLessThan(10);
    expect(server.received.every(({ headers }) => headers.authorization === 'Bearer t')).toBe(true);
  });

  it.each([
    ['https://huggingface.co/o/n/', 'main', 'https://huggingface.co/o/n'],
    ['https://huggingface.co/o/n/tree/main', 'main', 'https://huggingface.co/o/n'],
    ['https://huggingface.co/o/n/tree/v1', 'v1', 'https://huggingface.co/o/n@v1'],
    ['https://huggingface.co/o/n/resolve/v1/', 'v1', 'https://huggingface.co/o/n@v1'],
    ['https://huggingface.co/o/n/tree/refs/pr/3', 'refs%2Fpr%2F3', 'https://huggingface.co/o/n@refs-pr-3'],
  ])('knows the folder %s', async (address, revision, name) => {
    await using server = await serve({ files: hubFiles('o/n', revision) });
    const { folder, path } = await folderAt(address, { ...QUICK, fetch: hubAt(server.origin) });
    expect(path).toBe(name);
    expect(await folder.list()).toHaveLength(list.length);
    expect(await folder.has('original/deep.pth')).toBe(true);
    await using source = await folder.open('params.json');
    expect(source.size).toBeGreaterThan(0);
  });

  it('knows a folder in a model, and scans those below one', async () => {
    await using server = await serve({ files: hubFiles('o/n', 'main') });
    const remote = { ...QUICK, fetch: hubAt(server.origin) };
    const { folder, path } = await folderAt('https://huggingface.co/o/n/tree/main/original', remote);
    expect(path).toBe('https://huggingface.co/o/n/tree/main/original');
    expect(await folder.list()).toEqual([{ name: 'deep.pth', size: 3 }]);
    const { files, notes } = await scan('https://huggingface.co/o/n', { remote });
    expect(files.map((file) => file.path)).toEqual(['consolidated.00.pth', 'original/deep.pth']);
    expect(notes).toEqual([]);
  });

  it.each(['blob', 'resolve'])('knows a file by its address with /%s/', async (view) => {
    await using server = await serve({ files: hubFiles('o/n', 'main') });
    const address = `https://huggingface.co/o/n/${view}/main/params.json`;
    const opened = await openPath(address, { remote: { ...QUICK, fetch: hubAt(server.origin) } });
    expect(opened).toMatchObject({ kind: 'file', path: 'https://huggingface.co/o/n/resolve/main/params.json' });
    expect(server.received.map(({ path }) => path)).toEqual(['/huggingface.co/o/n/resolve/main/params.json']);
  });

  it('has other pages, and so do other servers', async () => {
    await using server = await serve({});
    const remote = { ...QUICK, fetch: hubAt(server.origin) };
    for (const [address, asked] of [
      ['https://huggingface.co/datasets/o/n', '/huggingface.co/datasets/o/n'],
      ['https://huggingface.co/o', '/huggingface.co/o'],
      ['https://example.test/o/n', '/example.test/o/n'],
    ] as const) {
      await expect(openPath(address, { remote })).rejects.toMatchObject({ code: 'source/not-found' });
      expect(server.received.at(-1)?.path).toBe(asked);
    }
  });

  const lists = [
    ['no JSON', '{', {}, 'source/http-answer'],
    ['no list', '{}', {}, 'source/http-answer'],
    ['an entry without a size', '[{"type":"file","path":"a"}]', {}, 'source/http-answer'],
    ['an entry that is none', '[null]', {}, 'source/http-answer'],
    ['the first of several', '[]', { link: '<https://x>; rel="next"' }, 'source/too-large'],
  ] as const;

  it.each(lists)('with a list that is %s is refused', async (_what, body, headers, code) => {
    await using server = await serve({ files: { '/huggingface.co/api/models/o/n/tree/main': text(body) }, headers });
    const remote = { ...QUICK, fetch: hubAt(server.origin) };
    const refused = { code, path: 'https://huggingface.co/o/n' };
    await expect(openPath('https://huggingface.co/o/n', { remote })).rejects.toMatchObject(refused);
  });
});
