/**
 * What went wrong between here and a web server, in one line each.
 *
 * Of what the server says only its status and two well-known headers are used: its words could be anything.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-status-codes
 * @module
 */
import { SourceError } from './byte-source.js';

/** A failure that may pass: the request is made again. */
export class Passing extends Error {
  /** What to tell when it does not pass. */
  readonly error: SourceError;
  /** Milliseconds that the server asked to wait. */
  readonly wait: number | undefined;

  constructor(error: SourceError, wait?: number) {
    super(error.message);
    this.error = error;
    this.wait = wait;
  }
}

/** Statuses that may pass. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Longest time to wait because a server asks for it, in milliseconds. */
const LONGEST_WAIT = 30_000;

const STATUS_NAMES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  408: 'Request Timeout',
  410: 'Gone',
  416: 'Range Not Satisfiable',
  429: 'Too Many Requests',
  451: 'Unavailable For Legal Reasons',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** The error for an answer that is none; a {@link Passing} one where asking again may help. */
export function statusFailure(response: Response, path: string): SourceError | Passing {
  const { status } = response;
  const named = `${status}${status in STATUS_NAMES ? ` ${STATUS_NAMES[status]}` : ''}`;
  if (PASSING.has(status)) return passing(response, named, path);
  switch (status) {
    case 401:
    case 403:
      return refusal(response, named, path);
    case 404:
    case 410:
      return new SourceError('source/not-found', `the server has no such file (${named})`, {
        path,
        hint: /\.[a-z][a-z0-9]{1,11}$/i.test(path) ? undefined : 'the address of a folder ends with a slash',
      });
    default:
      return new SourceError('source/http-status', `the server answers ${named}`, { path });
  }
}

function passing(response: Response, named: string, path: string): SourceError | Passing {
  const wait = retryAfter(response.headers.get('retry-after'));
  const context = { path, hint: 'try again later' };
  if (wait !== undefined && wait > LONGEST_WAIT) {
    const seconds = Math.ceil(wait / 1000);
    return new SourceError('source/http-status', `the server answers ${named} and asks to wait ${seconds} s`, context);
  }
  return new Passing(
    new SourceError('source/http-status', `the server answers ${named} again and again`, context),
    wait,
  );
}

/** Milliseconds that `Retry-After` asks for, as seconds or as a date. */
function retryAfter(value: string | null): number | undefined {
  if (value === null) return undefined;
  const wait = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

const TOKEN_HINT =
  'a token is sent with --header "authorization=Bearer …"; for huggingface.co it is taken from HF_TOKEN';

function refusal(response: Response, named: string, path: string): SourceError {
  if (response.headers.get('x-error-code') === 'GatedRepo') {
    return new SourceError('source/permission', `its licence must be accepted first (${named})`, {
      path,
      hint: `accept it on the page of the repository, then give a token of that account: ${TOKEN_HINT}`,
    });
  }
  const message =
    response.status === 401 ? `the server asks for a login (${named})` : `the server does not permit it (${named})`;
  return new SourceError('source/permission', message, {
    path,
    hint: `a licence may have to be accepted first, or a signed address has expired; ${TOKEN_HINT}`,
  });
}

/** Codes of Node for what does not pass: a name that nobody has, a certificate that nobody should trust. */
const LASTING = /^(?:ENOTFOUND|ERR_TLS_\w+|CERT_\w+|\w+_CERT\w*|UNABLE_TO_\w+|ERR_INVALID_\w+)$/;

const NETWORK_SENTENCES: Readonly<Record<string, string>> = {
  ENOTFOUND: 'no server has this name',
  EAI_AGAIN: 'the name of the server cannot be looked up now',
  ECONNREFUSED: 'the server refuses connections',
  ECONNRESET: 'the connection broke',
  EPIPE: 'the connection broke',
  ETIMEDOUT: 'the server does not answer',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'the server does not answer',
};

/** The error for a request that got no answer, or whose answer broke off. */
export function networkFailure(cause: unknown, path: string): SourceError | Passing {
  const code = codeOf(cause);
  const sentence = NETWORK_SENTENCES[code] ?? (code === '' ? 'the server cannot be reached' : `no answer (${code})`);
  // a browser never says why; there, this is the commonest cause
  const hint = code === '' ? 'in a browser: the server must permit pages of other sites to read it (CORS)' : undefined;
  const error = new SourceError('source/http-unreachable', sentence, { path, hint, cause });
  return LASTING.test(code) ? error : new Passing(error);
}

/** Node's `fetch` throws a TypeError whose cause, or the cause of that, has the system's code. */
function codeOf(thrown: unknown): string {
  for (let cause = thrown; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string' && /^[A-Z0-9_]{2,60}$/.test(cause.code)) return cause.code;
  }
  return '';
}
