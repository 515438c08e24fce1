/**
 * A source over a file on a web server, read by ranges: only what is asked for is fetched.
 *
 * The first request asks for the beginning by GET, as signed addresses often refuse HEAD, and learns the size from the
 * answer. A redirect is followed once and its end kept; when that has expired, it is followed again.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 * @module
 */
import { type ByteSource, expectInside } from './byte-source.js';
import { parseAddress, shownAddress } from './http-address.js';
import { HttpClient } from './http-client.js';
import { HttpFile } from './http-file.js';
import type { HttpOptions, Traffic } from './http-options.js';
import { readAheadSource } from './read-ahead.js';

export type { HttpOptions, RemoteOptions, Traffic } from './http-options.js';

/** A {@link ByteSource} over a file on a web server. */
export interface HttpSource extends ByteSource {
  /** What was fetched so far. */
  traffic(): Traffic;
}

/** The same with what a list of files needs. */
export interface LinkedSource extends HttpSource {
  /** The header `Link`, which tells where a list goes on. */
  readonly link: string | null;
}

/**
 * Opens a file on a web server for reading by ranges; one request for its first 32 KiB. Small reads are answered from
 * up to 4 MiB that are kept, and reading on in order fetches up to 1 MiB at a time; a read is one request at most, or
 * two where a part of it is kept. A request that fails is made again, and a body that breaks off goes on where it broke.
 *
 * Of a server without ranges the first 32 MiB can be read, or a file that has no more.
 *
 * @throws SourceError `source/bad-address`, `source/not-found`, `source/permission`, `source/not-a-file`,
 *   `source/http-unreachable`, `source/http-status`, `source/http-answer`, `source/http-no-ranges`,
 *   `source/bad-header`; reading also throws `source/http-changed`
 * @throws RangeError for options with which nothing could be read
 */
export async function openHttpSource(address: string | URL, options: HttpOptions = {}): Promise<HttpSource> {
  const url = parseAddress(String(address));
  return openHttpFile(new HttpClient(options), url, shownAddress(url));
}

/**
 * Opens a file by the requests of a client.
 *
 * @param signal - ends the opening, and has no part in what is read afterwards
 * @throws as {@link openHttpSource}
 */
export async function openHttpFile(
  client: HttpClient,
  url: URL,
  name: string,
  signal?: AbortSignal,
): Promise<LinkedSource> {
  const file = new HttpFile(client, url, name);
  const { size, head, link } = await file.open(signal);
  const close = async (): Promise<void> => file.close();
  const direct: ByteSource = {
    name,
    size,
    read: async (offset, length, options) => {
      expectInside({ name, size }, offset, length);
      const target = new Uint8Array(length);
      await file.readInto(offset, target, options?.signal);
      return target;
    },
    readInto: async (offset, target, options) => {
      expectInside({ name, size }, offset, target.byteLength);
      await file.readInto(offset, target, options?.signal);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return { ...readAheadSource(direct, head), link, traffic: () => client.traffic() };
}
