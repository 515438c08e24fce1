/**
 * Folders on a web server: what becomes of the other requests when one fails, and what a server may make us ask for.
 */
import { describe, expect, it } from 'vitest';

import { type TestServer, type TestServerOptions, sendFile, serve, servedBytes } from '../testing/http-server.js';
import type { SourceErrorCode } from './byte-source.js';
import type { Folder } from './folder.js';
import type { HttpOptions } from './http-options.js';
import { openAddress } from './open-address.js';

const SIZE = 64 << 20;
const ZEROES = { size: SIZE, read: (start: number, end: number) => new Uint8Array(end - start) };

async function codeOf(work: Promise<unknown>): Promise<SourceErrorCode | undefined> {
  return work.then(
    () => undefined,
    (cause: unknown) => (cause as { code?: SourceErrorCode }).code,
  );
}

async function folderOf(server: TestServer, options: HttpOptions = {}): Promise<Folder> {
  const opened = await openAddress(`${server.origin}/m/`, { timeout: Infinity, retryDelay: 1, ...options });
  if (opened.kind !== 'folder') throw new Error('a folder was expected');
  return opened.folder;
}

/** A server that never answers for some requests, and when the client lets go of one of them. */
async function silentFor(
  isSilent: (path: string, count: number) => boolean,
  options: TestServerOptions,
): Promise<TestServer & { readonly left: Promise<void>; readonly silent: Promise<void> }> {
  let leave = (): void => {};
  let fall = (): void => {};
  const left = new Promise<void>((resolve) => (leave = resolve));
  const silent = new Promise<void>((resolve) => (fall = resolve));
  const server = await serve({
    ...options,
    misbehave: (request, response, count) => {
      if (!isSilent(request.url ?? '', count)) return options.misbehave?.(request, response, count) === true;
      response.on('close', leave);
      fall();
      return true;
    },
  });
  return Object.assign(server, { left, silent });
}

describe('a folder of which one file fails', () => {
  it('asks for no other any longer', async () => {
    await using server = await silentFor((path) => path.endsWith('/config.json'), {
      misbehave: (request, response) => {
        if (!request.url?.endsWith('/params.json')) return false;
        response.writeHead(418).end();
        return true;
      },
    });
    expect(await codeOf((await folderOf(server, { concurrency: 20 })).list())).toBe('source/http-status');
    await server.left;
  });

  it('asks again when it is asked again', async () => {
    await using server = await serve({
      files: { '/m/params.json': servedBytes(Uint8Array.of(123, 125)) },
      misbehave: (_request, response, count) => {
        if (count > 1) return false;
        response.writeHead(503).end();
        return true;
      },
    });
    const folder = await folderOf(server, { retries: 0, concurrency: 1 });
    expect(await codeOf(folder.list())).toBe('source/http-status');
    expect(await folder.list()).toEqual([{ name: 'params.json', size: 2 }]);
  });
});

describe('a file that is open twice', () => {
  it.each([100, 5 << 20])('is closed for one, whose read of %i bytes ends, and not for the other', async (length) => {
    const files = { '/m/model.safetensors': ZEROES };
    await using server = await silentFor((_path, count) => count === 2, { files });
    const folder = await folderOf(server);
    const one = await folder.open('model.safetensors');
    const other = await folder.open('model.safetensors');
    const reading = codeOf(one.read(10 << 20, length));
    await server.silent;
    await one.close();
    expect(await reading).toBe('source/read-failed');
    await server.left;
    expect((await other.read(10 << 20, length)).byteLength).toBe(length);
    expect(await codeOf(one.read(0, 1))).toBe('source/read-failed');
  });

  it('goes on for the other where both wait for the same bytes', async () => {
    let answer = (): void => {};
    await using server = await serve({
      files: { '/m/model.safetensors': ZEROES },
      misbehave: (request, response, count) => {
        if (count === 2) answer = () => sendFile(request, response, ZEROES);
        return count === 2;
      },
    });
    const folder = await folderOf(server);
    const one = await folder.open('model.safetensors');
    const other = await folder.open('model.safetensors');
    const [ended, going] = [codeOf(one.read(10 << 20, 100)), other.read(10 << 20, 100)];
    while (server.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await one.close();
    expect(await ended).toBe('source/read-failed');
    answer();
    expect((await going).byteLength).toBe(100);
    expect(server.received).toHaveLength(2);
  });
});

describe('many reads with one signal', () => {
  it('are no leak of listeners that Node would warn of', async () => {
    await using server = await serve({ files: { '/m/model.safetensors': ZEROES } });
    const source = await (await folderOf(server)).open('model.safetensors');
    const warnings: string[] = [];
    const note = ({ name }: Error): unknown => warnings.push(name);
    process.on('warning', note);
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, (_each, index) => source.read((index + 1) << 20, 10, { signal })));
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('warning', note);
    expect(warnings).toEqual([]);
  });
});

describe('a server that sends whole files without a size', () => {
  it('is not taken at its word for every name', async () => {
    const body = Buffer.alloc(20 << 20, 1);
    await using server = await serve({
      misbehave: (_request, response) => {
        response.writeHead(200);
        response.end(body);
        return true;
      },
    });
    expect(await codeOf((await folderOf(server, { concurrency: 4 })).list())).toBe('source/http-no-ranges');
    expect(server.received.length).toBeLessThan(10);
  });

  it('is read where it has a page for every name, however large', async () => {
    const page = Buffer.concat([Buffer.from('<!doctype html><title>x</title>'), Buffer.alloc(5 << 20, 32)]);
    await using server = await serve({
      misbehave: (_request, response) => {
        response.writeHead(200);
        response.end(page);
        return true;
      },
    });
    expect(await codeOf((await folderOf(server, { concurrency: 2 })).list())).toBe('source/html-page');
  });
});

describe('names that a server gives', () => {
  it('of two thousand shards are not asked for', async () => {
    const shards = Array.from({ length: 2000 }, (_each, index) => [`t${index}`, `f${index}.safetensors`] as const);
    const index = new TextEncoder().encode(JSON.stringify({ weight_map: Object.fromEntries(shards) }));
    await using server = await serve({ files: { '/m/model.safetensors.index.json': index } });
    expect(await codeOf((await folderOf(server)).list())).toBe('source/too-large');
    expect(server.received.length).toBeLessThan(50);
  });

  it('that UTF-8 cannot hold are of no file', async () => {
    await using server = await serve({});
    expect(await (await folderOf(server)).has('\ud800.safetensors')).toBe(false);
    expect(server.received.map(({ path }) => path)).toEqual(['/m/%EF%BF%BD.safetensors']);
  });

  const listed = async (entry: object): Promise<Awaited<ReturnType<typeof openAddress>>> => {
    const body = JSON.stringify([entry]);
    const answer = async (): Promise<Response> =>
      new Response(body, { headers: { 'content-length': `${body.length}` } });
    return openAddress('https://huggingface.co/org/name', { fetch: answer });
  };

  it('and lead out of the folder are refused', async () => {
    for (const path of ['../../api/whoami', 'a/../../x', '/etc/passwd', '..', 'C:x', 'a\\b', '']) {
      const opened = await listed({ type: 'file', path, size: 1 });
      if (opened.kind !== 'folder') throw new Error('a folder was expected');
      const { entries } = await opened.below();
      expect(await codeOf(opened.folder.open(entries[0]?.name ?? ''))).toBe('source/outside-folder');
    }
  });

  it('with a size that is none are no list', async () => {
    for (const size of [-1, 1.5, 2 ** 60, '1', null]) {
      expect(await codeOf(listed({ type: 'file', path: 'a', size }))).toBe('source/http-answer');
    }
  });
});
