/**
 * Reading a file of a server by ranges: which requests that takes, and what the bytes are.
 */
import { describe, expect, it } from 'vitest';

import { type ServedFile, type TestServerOptions, sendFile, serve, servedBytes } from '../testing/http-server.js';
import type { SourceError } from './byte-source.js';
import { type HttpOptions, type HttpSource, openHttpSource } from './http.js';

const QUICK: HttpOptions = { retryDelay: 1, timeout: 2_000 };

/** Bytes that tell where they stand. */
function pattern(size: number): ServedFile {
  const read = (start: number, end: number): Uint8Array => {
    const bytes = new Uint8Array(end - start);
    for (let index = 0; index < bytes.byteLength; index += 1) bytes[index] = byteAt(start + index);
    return bytes;
  };
  return { size, read };
}

function byteAt(at: number): number {
  return (at * 31 + (at >>> 8) * 7 + (at >>> 16)) & 0xff;
}

function expectBytes(bytes: Uint8Array, offset: number): void {
  const wrong = bytes.findIndex((byte, index) => byte !== byteAt(offset + index));
  expect(wrong).toBe(-1);
}

const SIZE = 3 << 20;
const FILES = { '/file.bin': pattern(SIZE) };

async function failure(work: Promise<unknown>): Promise<Pick<SourceError, 'code' | 'message' | 'hint' | 'path'>> {
  const error = await work.then(
    () => undefined,
    (cause: unknown) => cause as SourceError,
  );
  expect(error).toBeDefined();
  return error!;
}

async function opened(options: TestServerOptions, http: HttpOptions = {}) {
  const server = await serve({ files: FILES, ...options });
  const source = await openHttpSource(`${server.origin}/file.bin`, { ...QUICK, ...http });
  return { server, source };
}

async function readsRight(source: HttpSource, offset: number, length: number): Promise<void> {
  const bytes = await source.read(offset, length);
  expect(bytes.byteLength).toBe(length);
  expectBytes(bytes, offset);
}

describe('openHttpSource', () => {
  it('learns the size from one request and answers what lies at the beginning from it', async () => {
    const { server, source } = await opened({});
    await using _ = server;
    expect(source.size).toBe(SIZE);
    await readsRight(source, 0, 4096);
    await readsRight(source, 30_000, 2000);
    expect(server.received).toHaveLength(1);
    expect(source.traffic()).toEqual({ requests: 1, byteLength: 32 << 10 });
    expect(source.name).toBe(`${server.origin}/file.bin`);
  });

  it('sends nothing about this machine or the file but the range', async () => {
    const { server } = await opened({});
    await using _ = server;
    const { headers } = server.received[0]!;
    expect(headers.range).toBe('bytes=0-32767');
    // Node itself says so of a range, too
    expect(headers['accept-encoding']).toMatch(/^identity(?:, identity)?$/);
    const allowed = ['host', 'connection', 'range', 'accept-encoding', 'accept', 'accept-language', 'sec-fetch-mode'];
    expect(Object.keys(headers).filter((name) => ![...allowed, 'user-agent'].includes(name))).toEqual([]);
    expect(headers['user-agent']).toBe('node');
  });

  it('reads any stretch, small or large, inside what is kept or across it', async () => {
    const { server, source } = await opened({});
    await using _ = server;
    for (const [offset, length] of [
      [32_000, 2000],
      [SIZE - 22, 22],
      [SIZE - 70_000, 70_000],
      [100_000, 30],
      [99_000, 3000],
      [0, 0],
      [SIZE, 0],
      [1000, 2 << 20],
      [0, SIZE],
    ] as const) {
      await readsRight(source, offset, length);
    }
    const target = new Uint8Array(5000);
    await source.readInto(200_000, target);
    expectBytes(target, 200_000);
    expect((await failure(source.read(SIZE - 1, 2))).code).toBe('source/out-of-range');
  });

  it('fetches little where reads lie apart and more the longer they go on', async () => {
    const { server, source } = await opened({});
    await using _ = server;
    for (let at = 200_000; at < 1_200_000; at += 100_000) await readsRight(source, at, 30);
    expect(source.traffic()).toEqual({ requests: 11, byteLength: (32 << 10) + 10 * (64 + (5 << 10)) });
    const before = server.received.length;
    for (let at = 1_300_000; at + 1000 < SIZE; at += 1000) await readsRight(source, at, 1000);
    expect(server.received.length - before).toBeLessThan(12);
  });

  it('shares one request among readers of one place, and one that aborts disturbs no other', async () => {
    const { server, source } = await opened({});
    await using _ = server;
    const controller = new AbortController();
    const aborted = failure(source.read(500_000, 100, { signal: controller.signal }));
    const other = readsRight(source, 500_000, 100);
    controller.abort(new Error('enough'));
    expect((await aborted).message).toBe('enough');
    await other;
    expect(server.received).toHaveLength(2);
  });

  it('reads empty and tiny files, also where a server has no ranges', async () => {
    const files = { '/empty': new Uint8Array(0), '/tiny': Uint8Array.of(1, 2, 3) };
    for (const ranges of [true, false]) {
      await using server = await serve({ files, ranges });
      expect((await openHttpSource(`${server.origin}/empty`, QUICK)).size).toBe(0);
      const tiny = await openHttpSource(`${server.origin}/tiny`, QUICK);
      expect([...(await tiny.read(0, 3))]).toEqual([1, 2, 3]);
      expect(server.received).toHaveLength(2);
    }
  });

  it('makes no more requests at one time than it may', async () => {
    let now = 0;
    let most = 0;
    const fetchCounted: typeof fetch = async (input, init) => {
      now += 1;
      most = Math.max(most, now);
      const response = await fetch(input, init);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      return response;
    };
    const { server, source } = await opened({}, { fetch: fetchCounted, concurrency: 2 });
    await using _ = server;
    await Promise.all(Array.from({ length: 8 }, (_each, index) => readsRight(source, 100_000 * (index + 1), 50)));
    expect(most).toBe(2);
    expect(server.received).toHaveLength(9);
  });
});

describe('a redirect', () => {
  it('is followed once, without the headers that were for the first server, and its end is kept', async () => {
    await using store = await serve({ files: FILES });
    const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
      response.writeHead(302, { location: `${store.origin}/file.bin?signature=1` }).end('see there');
      return true;
    };
    await using front = await serve({ misbehave });
    const headers = { authorization: 'Bearer secret', 'x-mine': 'secret' };
    const source = await openHttpSource(`${front.origin}/file.bin`, { ...QUICK, headers });
    await readsRight(source, 1_000_000, 100);
    expect(front.received.map((request) => request.headers.authorization)).toEqual(['Bearer secret']);
    expect(store.received.map(({ path }) => path)).toEqual(['/file.bin?signature=1', '/file.bin?signature=1']);
    for (const { headers: sent } of store.received) {
      expect(sent.authorization).toBeUndefined();
      expect(sent['x-mine']).toBeUndefined();
    }
    expect(source.traffic().requests).toBe(3);
    expect(source.name).toBe(`${front.origin}/file.bin`);
  });

  it('that comes back to the first server brings the headers no more', async () => {
    const back: { origin: string } = { origin: '' };
    await using store = await serve({
      misbehave: (_request, response) => {
        response.writeHead(307, { location: `${back.origin}/file.bin` }).end();
        return true;
      },
    });
    await using front = await serve({
      files: FILES,
      misbehave: (request, response) => {
        if (request.url !== '/start') return false;
        response.writeHead(302, { location: `${store.origin}/x` }).end();
        return true;
      },
    });
    back.origin = front.origin;
    await openHttpSource(`${front.origin}/start`, { ...QUICK, headers: { authorization: 'secret' } });
    expect(front.received.map(({ headers }) => headers.authorization)).toEqual(['secret', undefined]);
  });

  it('on one server keeps the headers, and is followed again when its end has expired', async () => {
    let signature = 1;
    const { server, source } = await opened(
      {
        misbehave: (request, response) => {
          if (request.url === '/file.bin') {
            response.writeHead(302, { location: `/signed?${signature}` }).end();
            return true;
          }
          if (request.url === `/signed?${signature}`) sendFile(request, response, FILES['/file.bin']);
          else response.writeHead(403).end('expired');
          return true;
        },
      },
      { headers: { 'x-key': 'k' } },
    );
    await using _ = server;
    signature = 2;
    await readsRight(source, 1_000_000, 100);
    const paths = ['/file.bin', '/signed?1', '/signed?1', '/file.bin', '/signed?2'];
    expect(server.received.map(({ path }) => path)).toEqual(paths);
    expect(server.received.every(({ headers }) => headers['x-key'] === 'k')).toBe(true);
  });

  it('is refused where it goes in circles, leaves http, or leads to a folder', async () => {
    const cases = [
      ['/file.bin', 'source/http-answer', 'more than 10 times'],
      ['ftp://127.0.0.1/x', 'source/http-answer', 'from http to ftp'],
      ['http://[', 'source/http-answer', 'no address'],
      ['http://user:pw@127.0.0.1/', 'source/http-answer', 'user name'],
      ['/file.bin/', 'source/not-a-file', 'folder'],
    ] as const;
    for (const [location, code, message] of cases) {
      const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
        response.writeHead(301, { location }).end();
        return true;
      };
      const error = await failure(opened({ misbehave }));
      expect(error).toMatchObject({ code });
      expect(error.message).toContain(message);
    }
  });

  it('from https to http is refused', async () => {
    const answers: typeof fetch = async () =>
      new Response(null, { status: 302, headers: { location: 'http://x.test/' } });
    const error = await failure(openHttpSource('https://x.test/a', { ...QUICK, fetch: answers }));
    expect(error).toMatchObject({ code: 'source/http-answer', message: 'the server redirects from https to http' });
  });

  it('in a browser, which hides it, is followed by fetch, with no header but authorization', async () => {
    await using server = await serve({ files: FILES });
    const modes: (string | undefined)[] = [];
    const browser: typeof fetch = async (input, init) => {
      modes.push(init?.redirect);
      if (init?.redirect !== 'manual') return fetch(input, init);
      const hidden = new Response(null, { status: 200 });
      return Object.defineProperty(hidden, 'type', { value: 'opaqueredirect' });
    };
    const options = { ...QUICK, fetch: browser, headers: { authorization: 'x' } };
    const source = await openHttpSource(`${server.origin}/file.bin`, options);
    await readsRight(source, 0, 100);
    expect(modes).toEqual(['manual', 'follow']);
    const others = { ...options, headers: { 'x-key': 'k' } };
    expect(await failure(openHttpSource(`${server.origin}/file.bin`, others))).toMatchObject({
      code: 'source/http-answer',
      message: 'the server redirects, and a browser hides where to',
    });
  });
});

describe('a server without ranges', () => {
  it('is read from the beginning, as far as is wanted', async () => {
    const { server, source } = await opened({ ranges: false, files: { '/file.bin': pattern(200 << 20) } });
    await using _ = server;
    expect(source.size).toBe(200 << 20);
    await readsRight(source, 0, 20_000);
    await readsRight(source, 100_000, 1000);
    await readsRight(source, 200_000, 2 << 20);
    // up to 32 MiB are allowed, and the rest of each answer is cancelled
    expect(source.traffic().byteLength).toBeLessThan(4 << 20);
    expect(server.sent()).toBeLessThan(40 << 20);
    const error = await failure(source.read((200 << 20) - 22, 22));
    expect(error).toMatchObject({ code: 'source/http-no-ranges', path: source.name });
    expect(error.message).toContain('the server sends the whole file whatever part is asked for');
    expect(server.sent()).toBeLessThan(40 << 20);
  });

  it('and without a size is read whole if the file is small', async () => {
    const send = (bytes: Uint8Array): TestServerOptions['misbehave'] => {
      return (_request, response) => {
        response.writeHead(200);
        response.write(bytes);
        response.end();
        return true;
      };
    };
    const { server, source } = await opened({ misbehave: send(pattern(100_000).read(0, 100_000)) });
    await using _ = server;
    await readsRight(source, 90_000, 10_000);
    expect(server.received).toHaveLength(1);
    const large = opened({ misbehave: send(new Uint8Array(34 << 20)) });
    expect((await failure(large)).code).toBe('source/http-no-ranges');
  });

  it('that had ranges before is told', async () => {
    const { server, source } = await opened({
      misbehave: (request, response, count) => {
        if (count === 1) return false;
        sendFile(request, response, FILES['/file.bin'], false);
        return true;
      },
    });
    await using _ = server;
    expect((await failure(source.read(1_000_000, 10))).code).toBe('source/http-no-ranges');
  });
});

describe('a failure that passes', () => {
  it('is met by asking again, and Retry-After is kept', async () => {
    const pauses = ['', '0', new Date(Date.now() - 1000).toUTCString()];
    const { server, source } = await opened({
      misbehave: (_request, response, count) => {
        const pause = pauses[count - 1];
        if (pause === undefined) return false;
        response.writeHead(count === 1 ? 503 : 429, pause === '' ? {} : { 'retry-after': pause }).end('busy');
        return true;
      },
    });
    await using _ = server;
    await readsRight(source, 0, 10);
    expect(source.traffic().requests).toBe(4);
  });

  it('waits as long as the server asks, not as long as the program would', async () => {
    const all = new AbortController();
    const server = await serve({
      misbehave: (_request, response) => {
        response.writeHead(429, { 'retry-after': '20' }).end();
        return true;
      },
    });
    await using _ = server;
    const opening = failure(openHttpSource(`${server.origin}/x`, { ...QUICK, signal: all.signal }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.received).toHaveLength(1);
    all.abort(new Error('stop'));
    expect((await opening).message).toBe('stop');
  });

  it('ends after some attempts', async () => {
    for (const status of [429, 500, 502, 503, 504, 408]) {
      await using server = await serve({
        misbehave: (_request, response) => {
          response.writeHead(status).end();
          return true;
        },
      });
      const error = await failure(openHttpSource(`${server.origin}/x`, { ...QUICK, retries: 2 }));
      expect(error.code).toBe('source/http-status');
      expect(error.message).toContain(`the server answers ${status} `);
      expect(server.received).toHaveLength(3);
    }
  });

  it('is not waited for when the server asks for more than half a minute', async () => {
    const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
      response.writeHead(503, { 'retry-after': '3600' }).end();
      return true;
    };
    const error = await failure(opened({ misbehave }));
    expect(error.message).toBe('the server answers 503 Service Unavailable and asks to wait 3600 s');
  });

  it('of the connection is met by asking again', async () => {
    const { server, source } = await opened({
      misbehave: (request, _response, count) => {
        if (count > 2) return false;
        request.socket.destroy();
        return true;
      },
    });
    await using _ = server;
    await readsRight(source, 0, 10);
    const gone = { ...QUICK, retries: 1 };
    expect((await failure(openHttpSource('http://127.0.0.1:1/x', gone))).code).toBe('source/http-unreachable');
  });

  it('of a silent server is told after a while', async () => {
    const misbehave: TestServerOptions['misbehave'] = () => true;
    const error = await failure(opened({ misbehave }, { timeout: 50, retries: 1 }));
    expect(error).toMatchObject({ code: 'source/http-unreachable', message: 'the server was silent for 0.05 s' });
  });

  it('within a body goes on where it broke', async () => {
    const { server, source } = await opened({
      misbehave: (request, response, count) => {
        if (count === 1 || count > 4) return false;
        const [, first = '', last = ''] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
        const start = Number(first);
        response.writeHead(206, {
          'content-range': `bytes ${start}-${last}/${SIZE}`,
          'content-length': Number(last) + 1 - start,
        });
        response.write(FILES['/file.bin'].read(start, start + 300_000), () => response.destroy());
        return true;
      },
    });
    await using _ = server;
    await readsRight(source, 100_000, 2 << 20);
    const starts = server.received.slice(1).map(({ headers }) => Number(/\d+/.exec(headers.range ?? '')?.[0]));
    expect(starts).toEqual([...starts].sort((a, b) => a - b));
    expect(starts).toHaveLength(4);
    expect(starts.at(-1)).toBeGreaterThan(starts[0]!);
    // nothing that had arrived was fetched again
    expect(source.traffic().byteLength).toBe((32 << 10) + 64 + (2 << 20));
  });

  it('within every body ends after some attempts', async () => {
    const { server, source } = await opened(
      {
        misbehave: (request, response, count) => {
          if (count === 1) return false;
          const [, first = '', last = ''] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
          response.writeHead(206, {
            'content-range': `bytes ${first}-${last}/${SIZE}`,
            'content-length': Number(last) + 1 - Number(first),
          });
          response.write(FILES['/file.bin'].read(Number(first), Number(first) + 1), () => response.destroy());
          return true;
        },
      },
      { retries: 3 },
    );
    await using _ = server;
    expect((await failure(source.read(0, 2 << 20))).code).toBe('source/http-unreachable');
    expect(server.received).toHaveLength(1 + 4);
  });

  it('of a server that gives less than asked for is none, unless it goes on and on', async () => {
    for (const [most, works] of [
      [100_000, true],
      [10, false],
    ] as const) {
      const { server, source } = await opened({
        misbehave: (request, response) => {
          const [, first = '', last = ''] = /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? '') ?? [];
          const end = Math.min(Number(last) + 1, Number(first) + most);
          request.headers.range = `bytes=${first}-${end - 1}`;
          sendFile(request, response, FILES['/file.bin']);
          return true;
        },
      });
      await using _ = server;
      const read = source.read(1000, 2 << 20);
      if (works) expectBytes(await read, 1000);
      else expect((await failure(read)).code).toBe('source/http-answer');
    }
  });
});

describe('an answer that cannot be used', () => {
  const statuses = [
    [401, {}, 'source/permission', 'the server asks for a login (401 Unauthorized)'],
    [403, {}, 'source/permission', 'the server does not permit it (403 Forbidden)'],
    [403, { 'x-error-code': 'GatedRepo' }, 'source/permission', 'its licence must be accepted first (403 Forbidden)'],
    [404, {}, 'source/not-found', 'the server has no such file (404 Not Found)'],
    [410, {}, 'source/not-found', 'the server has no such file (410 Gone)'],
    [416, {}, 'source/http-status', 'the server answers 416 Range Not Satisfiable'],
    [418, {}, 'source/http-status', 'the server answers 418'],
    [204, {}, 'source/http-status', 'the server answers 204'],
    [304, {}, 'source/http-status', 'the server answers 304'],
  ] as const;

  it.each(statuses)('of status %i %j is %s', async (status, headers, code, message) => {
    const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
      response.writeHead(status, headers).end();
      return true;
    };
    expect(await failure(opened({ misbehave }))).toMatchObject({ code, message });
  });

  const parts = [
    ['bytes 1-32767/3145728', 'another part'],
    ['bytes 0-40000/3145728', 'another part'],
    ['bytes 0-32767/100', 'another part'],
    ['bytes 5-4/100', 'another part'],
    ['items 0-1/2', 'another part'],
    ['bytes 0-99999999999999999999/99999999999999999999', 'another part'],
    ['bytes 0-32767/*', 'does not tell the size'],
    [undefined, 'which part'],
  ] as const;

  it.each(parts)('with the range %s is refused', async (range, message) => {
    const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
      response.writeHead(206, range === undefined ? {} : { 'content-range': range }).end(new Uint8Array(32_768));
      return true;
    };
    const error = await failure(opened({ misbehave }));
    expect(error.code).toBe('source/http-answer');
    expect(error.message).toContain(message);
  });

  it('because it is packed or in several parts is refused', async () => {
    for (const headers of [{ 'content-encoding': 'gzip' }, { 'content-type': 'multipart/byteranges; boundary=x' }]) {
      const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
        response.writeHead(206, { 'content-range': 'bytes 0-9/10', ...headers }).end(new Uint8Array(10));
        return true;
      };
      expect((await failure(opened({ misbehave }))).code).toBe('source/http-answer');
    }
  });

  it('with more bytes than it states gives those it states', async () => {
    const { server, source } = await opened({
      misbehave: (_request, response) => {
        response.writeHead(206, { 'content-range': `bytes 0-9/10` });
        response.write(pattern(100).read(0, 100));
        response.end();
        return true;
      },
    });
    await using _ = server;
    expect(source.size).toBe(10);
    await readsRight(source, 0, 10);
  });
});

describe('a file that changes between two reads', () => {
  const before = { etag: '"one"', 'last-modified': 'Mon, 01 Jan 2024 00:00:00 GMT' };
  const cases = [
    ['its tag', { ...before, etag: '"two"' }, SIZE],
    ['its weak tag', { ...before, etag: 'W/"one"' }, SIZE],
    ['its time', { ...before, 'last-modified': 'Tue, 02 Jan 2024 00:00:00 GMT' }, SIZE],
    ['its size', before, SIZE + 1],
    ['becoming shorter', before, 50_000],
  ] as const;

  it.each(cases)('is told by %s', async (_what, headers, size) => {
    const { server, source } = await opened({
      misbehave: (request, response, count) => {
        sendFile(request, response, pattern(count === 1 ? SIZE : size), true, count === 1 ? before : headers);
        return true;
      },
    });
    await using _ = server;
    expect((await failure(source.read(100_000, 10))).code).toBe('source/http-changed');
  });

  it('is told of a server without ranges as well', async () => {
    const { server, source } = await opened({
      misbehave: (request, response, count) => {
        sendFile(request, response, pattern(SIZE), false, { etag: count === 1 ? 'a' : 'b' });
        return true;
      },
    });
    await using _ = server;
    expect((await failure(source.read(100_000, 10))).code).toBe('source/http-changed');
  });

  it('is not suspected where the server says nothing of versions', async () => {
    const { server, source } = await opened({
      misbehave: (request, response, count) => {
        sendFile(request, response, pattern(SIZE), true, count === 1 ? before : {});
        return true;
      },
    });
    await using _ = server;
    await readsRight(source, 100_000, 10);
  });
});

describe('stopping', () => {
  const silentAfterHead: TestServerOptions = {
    misbehave: (_request, _response, count) => count > 1,
  };

  it('by the signal of a read, of the source, or by closing it, ends what is under way', async () => {
    for (const how of ['read', 'source', 'close'] as const) {
      for (const length of [10, 2 << 20]) {
        const own = new AbortController();
        const all = new AbortController();
        const { server, source } = await opened(silentAfterHead, { signal: all.signal, timeout: 60_000 });
        await using _ = server;
        const reading = failure(source.read(100_000, length, { signal: own.signal }));
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (how === 'read') own.abort(new Error('stop'));
        if (how === 'source') all.abort(new Error('stop'));
        if (how === 'close') await source.close();
        const { message } = await reading;
        expect(message).toBe(how === 'close' ? 'it was closed while it was read' : 'stop');
        await source.close();
      }
    }
  });

  it('during a pause between two attempts ends it', async () => {
    const all = new AbortController();
    const misbehave: TestServerOptions['misbehave'] = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
    const opening = failure(opened({ misbehave }, { signal: all.signal, retryDelay: 60_000 }));
    await new Promise((resolve) => setTimeout(resolve, 50));
    all.abort(new Error('stop'));
    expect((await opening).message).toBe('stop');
  });
});

describe('an address', () => {
  it('is shown without its query, which may be a signature', async () => {
    await using server = await serve({ files: { '/a.bin': servedBytes(new Uint8Array(3)) } });
    const source = await openHttpSource(`${server.origin}/a.bin?Signature=secret#x`, QUICK);
    expect(source.name).toBe(`${server.origin}/a.bin`);
    expect(server.received[0]?.path).toBe('/a.bin?Signature=secret');
    const error = await failure(openHttpSource(`${server.origin}/b.bin?Signature=secret`, QUICK));
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it.each([
    'ftp://host/x',
    's3://bucket/x?secret',
    'file:///etc/passwd',
    'http://',
    'https://[::1/x?secret',
    'https://user:secret@host/x',
    'https://user:a/secret@host/x',
    'https://user:secret#x@host/x',
    'https://user:secret?x@host/x',
    'ftp://user:secret@host/x',
    's3://user:a/secret@host/x',
    '/a/path',
  ])('such as %s is refused', async (address) => {
    const error = await failure(openHttpSource(address));
    expect(error.code).toBe('source/bad-address');
    expect(`${error.path} ${error.message}`).not.toContain('secret');
  });

  it('may be read with headers that can be sent, whose value is never told', async () => {
    for (const headers of [
      { 'x-a': 'line\nsecret' },
      { 'x a': 'secret' },
      { range: 'secret' },
      { 'Accept-Encoding': 'secret' },
      { 'x-a': 'secret\u2026' },
    ]) {
      const error = await failure(openHttpSource('http://127.0.0.1/', { headers }));
      expect(error.code).toBe('source/bad-header');
      expect(error.message).not.toContain('secret');
    }
  });
});
