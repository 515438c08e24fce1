/**
 * One file on a web server: asking for parts of it until they are all there.
 *
 * @module
 */
import { SourceError } from './byte-source.js';
import type { Exchange, HttpClient, Place } from './http-client.js';
import { Passing, statusFailure } from './http-error.js';
import {
  type FileTags,
  changed,
  expectPart,
  expectSame,
  rangeHeader,
  tagsOf,
  wholeSize,
  tooMuchKept,
  withoutRanges,
} from './http-range.js';

/** Bytes of the first request: what a file is, and the whole header of most. */
const HEAD_BYTES = 32 << 10;

/** Most bytes read from the beginning of a file whose server has no ranges: the header of a GGUF file has 8 MB. */
const PREFIX_LIMIT = 32 << 20;

/** Bytes that a long read may fetch for one more failure. */
const BYTES_A_FAILURE = 1 << 20;

/** Requests for one read, and one more for so many bytes: a server may give less than it is asked for. */
const MOST_REQUESTS = 16;
const LEAST_BYTES = 16 << 10;

/** Longest pause between two requests, in milliseconds, unless the server asks for another. */
const LONGEST_PAUSE = 10_000;

/** Statuses at the end of a redirect that an expired signature has; where it began is asked again. */
const EXPIRED: ReadonlySet<number> = new Set([400, 401, 403, 404, 410]);

/** Size and first bytes. */
interface Beginning {
  /** Its size in bytes. */
  readonly size: number;
  /** Its first bytes. */
  readonly head: Uint8Array;
}

/** What is known once a file is open. */
export interface OpenedHttpFile extends Beginning {
  /** The header `Link`. */
  readonly link: string | null;
}

/** A file on a web server. */
export class HttpFile {
  readonly #client: HttpClient;
  readonly #name: string;
  readonly #origin: Place;
  readonly #closing = new AbortController();
  readonly #keep: (byteLength: number) => boolean;
  #place: Place;
  #tags: FileTags = { size: 0, etag: null, modified: null };
  /** The first bytes of a file whose server has no ranges; undefined where it has. */
  #prefix: Uint8Array | undefined;

  constructor(client: HttpClient, url: URL, name: string) {
    this.#client = client;
    this.#keep = client.prefixes.share();
    this.#name = name;
    this.#origin = { url, isOwn: true };
    this.#place = this.#origin;
  }

  /** Asks for the first bytes and thereby for everything else that must be known. */
  async open(signal: AbortSignal | undefined): Promise<OpenedHttpFile> {
    return this.#repeatedly(signal, { done: 0 }, () =>
      this.#exchange(rangeHeader({ start: 0, end: HEAD_BYTES }), signal, async (exchange) => {
        const { response } = exchange;
        const link = response.headers.get('link');
        if (response.status === 206) return { ...(await this.#openRanged(exchange)), link };
        if (response.status === 200) return { ...(await this.#openWhole(exchange)), link };
        if (response.status === 416 && response.headers.get('content-range') === 'bytes */0') {
          return { size: 0, head: new Uint8Array(0), link };
        }
        throw statusFailure(response, this.#name);
      }),
    ).catch((cause: unknown) => {
      this.#keep(0);
      throw cause;
    });
  }

  async #openRanged(exchange: Exchange): Promise<Beginning> {
    const { response } = exchange;
    const { start, end, size } = expectPart(response, { start: 0, end: HEAD_BYTES }, this.#name);
    if (size === undefined) {
      throw new SourceError('source/http-answer', 'the server does not tell the size of the file', {
        path: this.#name,
      });
    }
    this.#tags = tagsOf(response, size);
    const head = new Uint8Array(end - start);
    const progress = { done: 0 };
    await this.#fill(exchange, head, progress).catch((cause: unknown) => {
      // enough to begin with; what is missing is fetched when it is read
      if (!(cause instanceof Passing) || progress.done === 0) throw cause;
    });
    return { size, head: head.subarray(0, progress.done) };
  }

  async #openWhole(exchange: Exchange): Promise<Beginning> {
    const size = wholeSize(exchange.response, this.#name);
    if (size === undefined) return this.#openUnsized(exchange);
    const head = new Uint8Array(Math.min(HEAD_BYTES, size));
    await this.#fill(exchange, head, { done: 0 });
    this.#tags = tagsOf(exchange.response, size);
    this.#prefix = head;
    return { size, head };
  }

  /** Of a file whose size is not told all is read, up to a limit. */
  async #openUnsized(exchange: Exchange): Promise<Beginning> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    this.#keep(0); // of an attempt that failed
    for (let chunk = await exchange.read(); chunk !== undefined; chunk = await exchange.read()) {
      chunks.push(chunk);
      size += chunk.byteLength;
      if (size > PREFIX_LIMIT) {
        const message = `the server tells no size and has no ranges, and the file has more than ${PREFIX_LIMIT >> 20} MiB`;
        throw new SourceError('source/http-no-ranges', message, { path: this.#name, hint: 'download the file' });
      }
      if (!this.#keep(size)) throw tooMuchKept(this.#name);
    }
    const whole = new Uint8Array(size);
    let end = 0;
    for (const chunk of chunks) {
      whole.set(chunk, end);
      end += chunk.byteLength;
    }
    this.#tags = tagsOf(exchange.response, size);
    this.#prefix = whole;
    return { size, head: whole };
  }

  /** Fills `target` with the bytes from `offset`, which lie inside the file. */
  async readInto(offset: number, target: Uint8Array, signal: AbortSignal | undefined): Promise<void> {
    if (target.byteLength === 0) return;
    if (this.#prefix !== undefined) {
      const prefix = await this.#prefixTo(offset + target.byteLength, signal);
      target.set(prefix.subarray(offset, offset + target.byteLength));
      return;
    }
    const progress = { done: 0 };
    await this.#repeatedly(signal, progress, async () => {
      for (let requests = 0; progress.done < target.byteLength; requests += 1) {
        if (requests > MOST_REQUESTS + progress.done / LEAST_BYTES) throw inDribbles(this.#name);
        await this.#readPart(offset, target, progress, signal);
      }
    });
  }

  /** One request for what is still missing; a server may give less than it is asked for. */
  async #readPart(
    offset: number,
    target: Uint8Array,
    progress: { done: number },
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const wanted = { start: offset + progress.done, end: offset + target.byteLength };
    await this.#exchange(rangeHeader(wanted), signal, async (exchange) => {
      const { response } = exchange;
      if (response.status === 416) throw changed('the file has become shorter on the server', this.#name);
      if (response.status === 200) {
        expectSame(this.#tags, response, wholeSize(response, this.#name), this.#name);
        throw withoutRanges(wanted, PREFIX_LIMIT, this.#name);
      }
      if (response.status !== 206) throw statusFailure(response, this.#name);
      const part = expectPart(response, wanted, this.#name);
      expectSame(this.#tags, response, part.size, this.#name);
      await this.#fill(exchange, target.subarray(0, part.end - offset), progress);
      // the end of an answer that is known to end here: the connection can be used again
      if (response.headers.get('content-length') === String(part.end - part.start)) await exchange.read();
    });
  }

  /** The first bytes up to `end` at least, read anew from the beginning, twice as many each time. */
  async #prefixTo(end: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const known = this.#prefix ?? new Uint8Array(0);
    if (end <= known.byteLength) return known;
    const { size } = this.#tags;
    if (end > PREFIX_LIMIT) throw withoutRanges({ start: 0, end }, PREFIX_LIMIT, this.#name);
    const prefix = new Uint8Array(Math.min(size, PREFIX_LIMIT, Math.max(end, 2 * known.byteLength)));
    if (!this.#keep(prefix.byteLength)) throw tooMuchKept(this.#name);
    await this.#repeatedly(signal, { done: 0 }, () =>
      this.#exchange({}, signal, async (exchange) => {
        const { response } = exchange;
        if (response.status !== 200) throw statusFailure(response, this.#name);
        expectSame(this.#tags, response, wholeSize(response, this.#name), this.#name);
        await this.#fill(exchange, prefix, { done: 0 });
      }),
    );
    this.#prefix = prefix;
    return prefix;
  }

  /** Asks once, and again where the redirect began if what it led to has expired. */
  async #exchange<T>(
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
    use: (exchange: Exchange) => Promise<T>,
  ): Promise<T> {
    const signals = [this.#closing.signal, this.#client.options.signal, signal];
    let exchange = await this.#client.ask(this.#place, headers, this.#name, signals);
    if (this.#place !== this.#origin && EXPIRED.has(exchange.response.status)) {
      await exchange.release();
      this.#place = this.#origin;
      exchange = await this.#client.ask(this.#place, headers, this.#name, signals);
    }
    const { place } = exchange;
    if (place.url.href !== this.#origin.url.href) this.#place = place;
    try {
      return await use(exchange);
    } finally {
      await exchange.release();
    }
  }

  /** Does it again, after a pause, while it fails in a way that may pass; progress earns patience. */
  async #repeatedly<T>(
    signal: AbortSignal | undefined,
    progress: { readonly done: number },
    work: () => Promise<T>,
  ): Promise<T> {
    const { retries = 4, retryDelay = 500 } = this.#client.options;
    for (let failures = 0; ; failures += 1) {
      try {
        return await work();
      } catch (cause) {
        if (!(cause instanceof Passing)) throw cause;
        if (failures >= retries + Math.floor(progress.done / BYTES_A_FAILURE)) throw cause.error;
        this.#place = this.#origin;
        const pause = cause.wait ?? Math.min(retryDelay * 2 ** Math.min(failures, 20), LONGEST_PAUSE);
        await pauseFor(pause, [this.#closing.signal, this.#client.options.signal, signal]);
      }
    }
  }

  /** Fills the target from `progress.done` on. @throws Passing where the body ends before it should */
  async #fill(exchange: Exchange, target: Uint8Array, progress: { done: number }): Promise<void> {
    while (progress.done < target.byteLength) {
      const chunk = await exchange.read();
      if (chunk === undefined) {
        const message = 'the answer breaks off again and again';
        throw new Passing(new SourceError('source/http-unreachable', message, { path: this.#name }));
      }
      const part = chunk.subarray(0, target.byteLength - progress.done);
      target.set(part, progress.done);
      progress.done += part.byteLength;
    }
  }

  /** Ends every request of this file, and gives back what it may keep. */
  close(): void {
    const reason = new SourceError('source/read-failed', 'it was closed while it was read', { path: this.#name });
    this.#closing.abort(reason);
    this.#keep(0);
  }
}

/** The error for a server that would need thousands of requests. */
function inDribbles(path: string): SourceError {
  return new SourceError('source/http-answer', 'the server sends only a few bytes for each request', { path });
}

function pauseFor(milliseconds: number, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
  const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
