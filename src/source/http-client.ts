/**
 * Requests to a web server: redirects, silence, how many at a time, what they cost.
 *
 * The caller's headers go to the origin of the address that was given and to no other. `fetch` itself takes only
 * `authorization` off a redirected request, so redirects are followed here. A browser hides where they lead: it follows
 * them itself, and other headers are refused then.
 *
 * @see https://fetch.spec.whatwg.org/#http-redirect-fetch
 * @module
 */
import { Allowance } from './allowance.js';
import { SourceError } from './byte-source.js';
import { shownAddress } from './http-address.js';
import { Passing, networkFailure } from './http-error.js';
import { type HttpOptions, LONGEST_TIMER, type Traffic, expectOptions } from './http-options.js';
import { Turns } from './turns.js';

/** Where to ask. */
export interface Place {
  /** The address. */
  readonly url: URL;
  /** Whether it is of the origin that the caller named, so that the caller's headers go there. */
  readonly isOwn: boolean;
}

/** One request and its answer, until it is released. */
export interface Exchange {
  /** The answer, never a redirect. */
  readonly response: Response;
  /** Where it came from at last. */
  readonly place: Place;
  /** The next bytes of the body; undefined at its end. @throws Passing, the signal's reason */
  read(): Promise<Uint8Array | undefined>;
  /** Lets go of the connection; what is left of the body is not fetched. */
  release(): Promise<void>;
}

/** Longest chain of redirects that is followed. */
const MOST_REDIRECTS = 10;

/** Bytes of files kept because their servers have no ranges, all together: twice what one file may have. */
const WHOLE_FILE_BYTES = 64 << 20;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Makes requests and counts them; one for all files of a folder. */
export class HttpClient {
  readonly options: HttpOptions;
  /** What may be kept of files whose servers have no ranges. */
  readonly prefixes = new Allowance(WHOLE_FILE_BYTES);
  readonly #fetch: typeof fetch;
  readonly #timeout: number;
  readonly #turns: Turns;
  #requests = 0;
  #byteLength = 0;

  /** @throws SourceError `source/bad-header`; RangeError for numbers that cannot be kept to */
  constructor(options: HttpOptions) {
    expectOptions(options);
    this.options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
    this.#timeout = Math.min(options.timeout ?? 30_000, LONGEST_TIMER);
    this.#turns = new Turns(options.concurrency ?? 6);
  }

  /** What was asked so far. */
  traffic(): Traffic {
    return { requests: this.#requests, byteLength: this.#byteLength };
  }

  /**
   * Asks and follows redirects; the caller releases the exchange.
   *
   * @param start - where to ask first
   * @param headers - of this request, sent wherever it leads
   * @param path - what the file is called in errors
   * @throws Passing, SourceError `source/http-unreachable`, `source/http-answer`; the signal's reason
   */
  async ask(
    start: Place,
    headers: Readonly<Record<string, string>>,
    path: string,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<Exchange> {
    const silence = new Silence(this.#timeout, path);
    const signal = AbortSignal.any([silence.signal, ...signals.filter((each) => each !== undefined)]);
    const free = await this.#turns.take(signal);
    silence.broken();
    const leave = (): void => {
      silence.stop();
      free();
    };
    try {
      signal.throwIfAborted();
      const { response, place } = await this.#follow(start, headers, path, { signal, silence });
      return this.#exchange(response, place, { path, signal, silence, leave });
    } catch (cause) {
      leave();
      throw failureOf(cause, path, signal);
    }
  }

  #exchange(
    response: Response,
    place: Place,
    { path, signal, silence, leave }: { path: string; signal: AbortSignal; silence: Silence; leave: () => void },
  ): Exchange {
    const reader = response.body?.getReader();
    return {
      response,
      place,
      read: async () => {
        try {
          const chunk = await reader?.read();
          silence.broken();
          this.#count(0, chunk?.value?.byteLength ?? 0);
          return chunk?.value;
        } catch (cause) {
          throw failureOf(cause, path, signal);
        }
      },
      release: async () => {
        leave();
        await reader?.cancel().catch(() => {});
      },
    };
  }

  async #follow(
    start: Place,
    headers: Readonly<Record<string, string>>,
    path: string,
    { signal, silence }: { signal: AbortSignal; silence: Silence },
  ): Promise<{ response: Response; place: Place }> {
    let place = start;
    for (let hops = 0; hops <= MOST_REDIRECTS; hops += 1) {
      const response = await this.#once(place, headers, 'manual', signal);
      silence.broken();
      if (response.type === 'opaqueredirect') return this.#followUnseen(place, headers, path, signal);
      const location = locationOf(response);
      if (location === undefined) return { response, place };
      // also where it is refused: a body that nobody reads keeps its connection
      await response.body?.cancel();
      place = redirected(location, place, path);
    }
    throw new SourceError('source/http-answer', `the server redirects more than ${MOST_REDIRECTS} times`, { path });
  }

  /** In a browser: `fetch` follows, and takes `authorization` off where the origin changes. */
  async #followUnseen(
    place: Place,
    headers: Readonly<Record<string, string>>,
    path: string,
    signal: AbortSignal,
  ): Promise<{ response: Response; place: Place }> {
    const others = Object.keys(this.options.headers ?? {}).filter((name) => name.toLowerCase() !== 'authorization');
    if (place.isOwn && others.length > 0) {
      throw new SourceError('source/http-answer', 'the server redirects, and a browser hides where to', {
        path,
        hint: `the headers given might go to a stranger; leave out all but authorization`,
      });
    }
    const response = await this.#once(place, headers, 'follow', signal);
    const url = new URL(response.url);
    return { response, place: { url, isOwn: place.isOwn && url.origin === place.url.origin } };
  }

  #once(
    { url, isOwn }: Place,
    headers: Readonly<Record<string, string>>,
    redirect: 'manual' | 'follow',
    signal: AbortSignal,
  ): Promise<Response> {
    this.#count(1, 0);
    const given = isOwn ? this.options.headers : undefined;
    const all = { ...given, 'accept-encoding': 'identity', ...headers };
    return this.#fetch(url, { headers: all, redirect, signal, credentials: 'omit', referrerPolicy: 'no-referrer' });
  }

  #count(requests: number, byteLength: number): void {
    this.#requests += requests;
    this.#byteLength += byteLength;
    this.options.onTraffic?.({ requests, byteLength });
  }
}

/** Aborts a request when nothing is heard for a while. */
class Silence {
  readonly #controller = new AbortController();
  readonly #milliseconds: number;
  readonly #path: string;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(milliseconds: number, path: string) {
    this.#milliseconds = milliseconds;
    this.#path = path;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something was heard, or is about to be: the time begins anew. */
  broken(): void {
    this.stop();
    this.#timer = setTimeout(() => {
      const message = `the server was silent for ${this.#milliseconds / 1000} s`;
      this.#controller.abort(new Passing(new SourceError('source/http-unreachable', message, { path: this.#path })));
    }, this.#milliseconds);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function failureOf(cause: unknown, path: string, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  return cause instanceof SourceError ? cause : networkFailure(cause, path);
}

/** What a redirect leads to, as the server says it; undefined for other answers. */
function locationOf({ status, headers }: Response): string | undefined {
  const location = REDIRECTS.has(status) ? headers.get('location') : null;
  if (location === null) return undefined;
  // headers are given as a character for each byte, and some servers send UTF-8 as it is
  const bytes = Uint8Array.from(location, (character) => character.charCodeAt(0));
  return new TextDecoder().decode(bytes);
}

/** Where a redirect leads. @throws SourceError `source/http-answer`, `source/not-a-file` */
function redirected(location: string, { url, isOwn }: Place, path: string): Place {
  const refuse = (message: string): SourceError => new SourceError('source/http-answer', message, { path });
  if (!URL.canParse(location, url.href)) throw refuse('the server redirects to what is no address');
  const next = new URL(location, url);
  if (next.protocol !== 'https:' && next.protocol !== url.protocol) {
    throw refuse(`the server redirects from ${url.protocol.slice(0, -1)} to ${next.protocol.slice(0, -1)}`);
  }
  if (next.username !== '' || next.password !== '') throw refuse('the server redirects to an address with a user name');
  if (!url.pathname.endsWith('/') && shownAddress(next) === `${shownAddress(url)}/`) {
    throw new SourceError('source/not-a-file', 'a file was expected, but this is a folder of the server', {
      path,
      hint: 'the address of a folder ends with a slash',
    });
  }
  return { url: next, isOwn: isOwn && next.origin === url.origin };
}
