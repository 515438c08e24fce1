/**
 * What an answer says of the file that it is a part of.
 *
 * A part is used only if it is the part that was asked for, unpacked, of the file as it was before. The caller
 * compares the tags of each answer; `If-Range` would make the server compare them, but a browser asks for leave to
 * send it, which most stores of files refuse.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-range-requests
 * @module
 */
import { SourceError, type SourceErrorCode } from './byte-source.js';
import { hexOffset } from '../errors.js';

/** By what a file is recognised as the same; null where the server does not say. */
export interface FileTags {
  /** Size in bytes. */
  readonly size: number;
  /** `ETag`, strong or weak. */
  readonly etag: string | null;
  /** `Last-Modified`. */
  readonly modified: string | null;
}

/** A stretch of a file. */
export interface Stretch {
  /** First byte. */
  readonly start: number;
  /** Byte behind the last. */
  readonly end: number;
}

/** The part that an answer of status 206 holds, and the size of the whole; undefined where it is not told. */
export interface Part extends Stretch {
  readonly size: number | undefined;
}

/** The header that asks for a stretch of at least one byte. */
export function rangeHeader({ start, end }: Stretch): Readonly<Record<string, string>> {
  return { range: `bytes=${start}-${end - 1}` };
}

/**
 * The part that an answer of status 206 holds, which begins where it should and goes no further.
 *
 * @throws SourceError `source/http-answer`
 */
export function expectPart(response: Response, wanted: Stretch, path: string): Part {
  expectPlain(response, path);
  const header = response.headers.get('content-range');
  if (header === null) {
    throw new SourceError('source/http-answer', 'the server does not say which part of the file it sends', {
      path,
      hint: 'in a browser: the server must expose the header content-range (CORS)',
    });
  }
  const [, first = '', last = '', size = ''] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header) ?? [];
  const part = { start: Number(first), end: Number(last) + 1, size: size === '*' ? undefined : Number(size) };
  const fits =
    part.start === wanted.start && part.end > part.start && part.end <= Math.min(wanted.end, part.size ?? Infinity);
  if (first !== '' && fits) return part;
  const range = `bytes ${wanted.start}-${wanted.end - 1}`;
  throw new SourceError(
    'source/http-answer',
    `the server sends another part (${JSON.stringify(header.slice(0, 60))}) than asked for (${range})`,
    { path, offset: wanted.start },
  );
}

/** Size of the whole file from an answer of status 200; undefined where the server does not say. @throws as {@link expectPart} */
export function wholeSize(response: Response, path: string): number | undefined {
  expectPlain(response, path);
  const length = response.headers.get('content-length');
  return length !== null && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
}

/** A packed answer is unpacked before we see it, so that its bytes stand elsewhere. */
function expectPlain(response: Response, path: string): void {
  const encoding = response.headers.get('content-encoding')?.toLowerCase() ?? 'identity';
  const type = response.headers.get('content-type') ?? '';
  if (encoding === 'identity' && !/^multipart\/byteranges/i.test(type)) return;
  const form = encoding === 'identity' ? 'in several parts' : `packed (content-encoding ${encoding.slice(0, 20)})`;
  throw new SourceError('source/http-answer', `the server sends the file ${form}, although it was asked not to`, {
    path,
  });
}

/** What an answer says by which the file is recognised. */
export function tagsOf({ headers }: Response, size: number): FileTags {
  return { size, etag: headers.get('etag'), modified: headers.get('last-modified') };
}

/** Throws unless an answer is of the file as it was when it was opened. @throws SourceError `source/http-changed` */
export function expectSame(before: FileTags, response: Response, size: number | undefined, path: string): void {
  const now = tagsOf(response, size ?? before.size);
  const differs = (key: 'etag' | 'modified'): boolean =>
    before[key] !== null && now[key] !== null && before[key] !== now[key];
  if (now.size === before.size && !differs('etag') && !differs('modified')) return;
  const what = now.size === before.size ? 'another version' : `${now.size} bytes instead of ${before.size}`;
  throw changed(`the file was changed on the server while it was read: now it is ${what}`, path);
}

/** The error for a file that is no longer what it was. */
export function changed(message: string, path: string): SourceError {
  return new SourceError('source/http-changed', message, { path, hint: 'run it again' });
}

/** The error for bytes that only a download of what stands before them would give. */
export function withoutRanges({ end }: Stretch, limit: number, path: string): SourceError {
  const code: SourceErrorCode = 'source/http-no-ranges';
  const message =
    `the server sends the whole file whatever part is asked for; bytes up to ${hexOffset(end)} are wanted, ` +
    `but no more than the first ${limit >> 20} MiB are read so`;
  return new SourceError(code, message, { path, hint: 'download the file, or serve it with support for ranges' });
}

/** The error for files that would have to be kept whole, and are too many for that. */
export function tooMuchKept(path: string): SourceError {
  const message = 'the server sends whole files only, and those read from it are too large to keep all of them';
  return new SourceError('source/http-no-ranges', message, { path, hint: 'download the files' });
}
