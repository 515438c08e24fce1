/**
 * Requests that are never answered, and what becomes of those who wait for them.
 */
import { describe, expect, it } from 'vitest';

import { type TestServerOptions, sendFile, serve } from '../testing/http-server.js';
import { type HttpOptions, openHttpSource } from './http.js';

const SIZE = 64 << 20;
const ZEROES = { size: SIZE, read: (start: number, end: number) => new Uint8Array(end - start) };

/** Answers the first request with the beginning of a file, and none after it. */
const silentAfterHead: TestServerOptions = {
  files: { '/x': ZEROES },
  misbehave: (_request, _response, count) => count > 1,
};

async function failure(work: Promise<unknown>): Promise<{ message: string; name: string; code?: string }> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause as Error,
  );
  expect(error).toBeDefined();
  return error!;
}

describe('a redirect that is refused', () => {
  it('leaves no connection behind', async () => {
    let leave = (): void => {};
    const left = new Promise<void>((resolve) => (leave = resolve));
    await using server = await serve({
      misbehave: (_request, response) => {
        response.on('close', leave);
        response.writeHead(302, { location: 'ftp://127.0.0.1/x', 'content-length': 1_000_000 });
        response.write('a body that never ends');
        return true;
      },
    });
    expect((await failure(openHttpSource(`${server.origin}/x`))).code).toBe('source/http-answer');
    await left;
  });
});

describe('a redirect', () => {
  it('leads where its bytes say, read as UTF-8', async () => {
    await using server = await serve({
      misbehave: (request, response) => {
        if (request.url === '/x') {
          const location = Buffer.from('/modèle.gguf').toString('latin1');
          response.writeHead(302, { location }).end();
        } else sendFile(request, response, ZEROES);
        return true;
      },
    });
    await openHttpSource(`${server.origin}/x`);
    expect(server.received.map(({ path }) => path)).toEqual(['/x', '/mod%C3%A8le.gguf']);
  });
});

describe('a read that waits for its turn', () => {
  it.each(['read', 'source', 'close'] as const)('ends at once by %s, and takes nobody’s turn', async (how) => {
    await using server = await serve(silentAfterHead);
    const all = new AbortController();
    const own = new AbortController();
    const options: HttpOptions = { concurrency: 1, timeout: Infinity, signal: all.signal };
    const source = await openHttpSource(`${server.origin}/x`, options);
    const first = failure(source.read(0, 5 << 20));
    const second = failure(source.read(6 << 20, 5 << 20, { signal: own.signal }));
    while (server.received.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    if (how === 'read') own.abort(new Error('stop'));
    if (how === 'source') all.abort(new Error('stop'));
    if (how === 'close') await source.close();
    expect((await second).message).toBe(how === 'close' ? 'it was closed while it was read' : 'stop');
    expect(server.received).toHaveLength(2);
    await source.close();
    await first;
  });
});

describe('options', () => {
  it.each([
    { concurrency: 0 },
    { concurrency: NaN },
    { timeout: 0 },
    { timeout: NaN },
    { retries: -1 },
    { retryDelay: NaN },
  ])('such as %j, with which nothing could be read, are refused', async (options) => {
    const { name, message } = await failure(openHttpSource('http://127.0.0.1/', options));
    expect(name).toBe('RangeError');
    expect(message).toContain(`${Object.keys(options)[0]} is ${Object.values(options)[0]},`);
  });

  it('may ask for the longest patience', async () => {
    const patient: TestServerOptions['misbehave'] = (request, response) => {
      setTimeout(() => sendFile(request, response, ZEROES), 50);
      return true;
    };
    await using server = await serve({ misbehave: patient });
    expect((await openHttpSource(`${server.origin}/x`, { timeout: Infinity, retries: 0 })).size).toBe(SIZE);
  });
});
