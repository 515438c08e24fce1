/**
 * How files are read from a web server, and what it cost.
 *
 * @module
 */
import { SourceError } from './byte-source.js';

/** How to read from a web server. */
export interface HttpOptions {
  /**
   * Headers for the server of the address, such as `authorization`. They go to no other: where a redirect leads to
   * another origin, it is followed without them.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Makes the requests in place of the global `fetch`. */
  readonly fetch?: typeof fetch | undefined;
  /** Aborting it rejects every read with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** How often a request that failed is made again, 4 if not given; long reads are given one more for each MiB. */
  readonly retries?: number | undefined;
  /** Milliseconds before the first of them, 500 if not given; doubled each time. */
  readonly retryDelay?: number | undefined;
  /** Milliseconds of silence after which a request has failed, 30,000 if not given, `Infinity` for never. */
  readonly timeout?: number | undefined;
  /** Most requests at one time, 6 if not given; at least 1. */
  readonly concurrency?: number | undefined;
  /** Called for each request and each piece of an answer, with what it adds to the traffic. */
  readonly onTraffic?: ((taken: Traffic) => void) | undefined;
}

/** What was asked of servers. */
export interface Traffic {
  /** Requests, those that were redirected or failed included. */
  readonly requests: number;
  /** Bytes of the answers that were taken, without their headers. */
  readonly byteLength: number;
}

/**
 * Reading an address where a function otherwise takes a path: only with these options is anything fetched.
 */
export interface RemoteOptions {
  /** Allows an address of http or https in place of a path, and says how it is read. */
  readonly remote?: HttpOptions | undefined;
}

/** Headers that say how a part is asked for, or belong to the connection. */
const OUR_HEADERS =
  /^(?:range|if-.*|accept-encoding|host|connection|content-.*|transfer-encoding|keep-alive|upgrade|te|expect)$/i;

/** Longest time that a timer can run, 24 days in milliseconds; what is longer would end at once. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * Throws for options that nothing can be read with: without a request at a time, every read would wait for ever.
 *
 * @throws SourceError `source/bad-header`; RangeError for a number out of range
 */
export function expectOptions(options: HttpOptions): void {
  expectHeaders(options.headers ?? {});
  const { concurrency = 1, timeout = 1, retries = 0, retryDelay = 0 } = options;
  const wrong = [
    ...(concurrency >= 1 ? [] : [`concurrency is ${concurrency}, and at least 1 is needed`]),
    ...(timeout > 0 ? [] : [`timeout is ${timeout}, and more than 0 is needed`]),
    ...(retries >= 0 ? [] : [`retries is ${retries}, and at least 0 is needed`]),
    ...(retryDelay >= 0 ? [] : [`retryDelay is ${retryDelay}, and at least 0 is needed`]),
  ];
  if (wrong[0] !== undefined) throw new RangeError(wrong[0]);
}

/**
 * Throws for headers that cannot be sent. The value is never told: it may be a secret.
 *
 * @throws SourceError `source/bad-header`
 */
function expectHeaders(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    const shown = JSON.stringify(name.slice(0, 40));
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) {
      throw new SourceError('source/bad-header', `${shown} is no name of a header`);
    }
    if (OUR_HEADERS.test(name)) throw new SourceError('source/bad-header', `the header ${shown} is set by the program`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new SourceError(
        'source/bad-header',
        `the value of the header ${shown} holds characters that cannot be sent`,
      );
    }
  }
}
