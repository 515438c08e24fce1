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
  /** Milliseconds of silence after which a request has failed, 30,000 if not given. */
  readonly timeout?: number | undefined;
  /** Most requests at one time, 6 if not given. */
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
  /^(?:range|if-.*|accept-encoding|host|connection|content-.*|transfer-encoding|keep-alive|upgrade|te)$/i;

/**
 * Throws for headers that cannot be sent. The value is never told: it may be a secret.
 *
 * @throws SourceError `source/bad-header`
 */
export function expectHeaders(headers: Readonly<Record<string, string>>): void {
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
