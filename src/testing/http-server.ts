/**
 * A web server for tests, on this machine, which behaves as it is told.
 *
 * @module
 */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A file of the server: its bytes by position, so that a large one need not exist. */
export interface ServedFile {
  readonly size: number;
  read(start: number, end: number): Uint8Array;
}

/** One request that came in. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

/** Answers a request, or gives false to leave it to the server. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

/** A running server. */
export interface TestServer extends AsyncDisposable {
  /** Where it listens, without a slash at the end. */
  readonly origin: string;
  /** What came in, in order. */
  readonly received: readonly Received[];
  /** Bytes of bodies that were handed to the system. */
  readonly sent: () => number;
}

/** How a server answers. */
export interface TestServerOptions {
  /** Files by path, with a slash in front. */
  readonly files?: Readonly<Record<string, Uint8Array | ServedFile>>;
  /** Headers of every answer with content. */
  readonly headers?: Readonly<Record<string, string>>;
  /** False to send whole files whatever is asked for. */
  readonly ranges?: boolean;
  /** Asked first. */
  readonly misbehave?: Misbehaviour | undefined;
}

/** Starts a server. */
export async function serve(options: TestServerOptions): Promise<TestServer> {
  const received: Received[] = [];
  const sockets = { written: 0 };
  const server = createServer((request, response) => {
    received.push({ path: request.url ?? '', headers: request.headers });
    countBody(response, sockets);
    if (options.misbehave?.(request, response, received.length) === true) return;
    answer(request, response, options);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    sent: () => sockets.written,
    [Symbol.asyncDispose]: () => stop(server),
  };
}

function countBody(response: ServerResponse, sockets: { written: number }): void {
  const write = response.write.bind(response) as (chunk: Uint8Array, ...others: unknown[]) => boolean;
  response.write = ((chunk: Uint8Array, ...others: unknown[]) => {
    sockets.written += chunk.byteLength;
    return write(chunk, ...others);
  }) as typeof response.write;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

function answer(request: IncomingMessage, response: ServerResponse, options: TestServerOptions): void {
  const { files = {}, headers = {}, ranges = true } = options;
  const path = (request.url ?? '').replace(/\?.*/, '');
  const file = Object.hasOwn(files, path) ? files[path] : undefined;
  if (file === undefined) {
    response.writeHead(404).end('not here');
    return;
  }
  const served = file instanceof Uint8Array ? servedBytes(file) : file;
  sendFile(request, response, served, ranges, headers);
}

/** Bytes in memory as a file of a server. */
export function servedBytes(bytes: Uint8Array): ServedFile {
  return { size: bytes.byteLength, read: (start, end) => bytes.subarray(start, end) };
}

/** Sends a file, or the part of it that was asked for. */
export function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  file: ServedFile,
  ranges = true,
  headers: Readonly<Record<string, string>> = {},
): void {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(ranges ? (request.headers.range ?? '') : '') ?? [];
  if (first === undefined || last === undefined) {
    response.writeHead(200, { ...headers, 'content-length': file.size });
    sendSlowly(response, file, 0, file.size);
    return;
  }
  const start = Number(first);
  const end = Math.min(Number(last) + 1, file.size);
  if (start >= file.size) {
    response.writeHead(416, { 'content-range': `bytes */${file.size}` }).end();
    return;
  }
  response.writeHead(206, {
    ...headers,
    'content-length': end - start,
    'content-range': `bytes ${start}-${end - 1}/${file.size}`,
  });
  sendSlowly(response, file, start, end);
}

/** Sends piece by piece, as fast as they are taken. */
function sendSlowly(response: ServerResponse, file: ServedFile, start: number, end: number): void {
  let at = start;
  const next = (): void => {
    while (at < end) {
      const piece = file.read(at, Math.min(end, at + (1 << 16)));
      at += piece.byteLength;
      if (!response.write(piece)) {
        response.once('drain', next);
        return;
      }
    }
    response.end();
  };
  next();
}
