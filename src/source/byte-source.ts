/**
 * Bytes by position: the one way this package reads anything.
 *
 * A file, a browser Blob, an HTTP range and a buffer all look alike from here on. A source is never
 * read whole; `read` gives exactly the bytes asked for or throws.
 *
 * @module
 */
import { CheckpointError, type ErrorContext, hexOffset } from '../errors.js';

/** Cancelling a single read, and where its bytes go. */
export interface ReadOptions {
  /** Aborting rejects the read with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * A buffer that may be filled and returned in place of a new one, where it is exactly as long as what is read. A
   * reader may ignore it, so that only what is returned counts; two reads never share one.
   */
  readonly into?: Uint8Array | undefined;
}

/** The buffer that a read of `length` bytes fills: the one offered, where it fits, else a new one. */
export function bufferFor(length: number, options: ReadOptions | undefined): Uint8Array {
  return options?.into?.byteLength === length ? options.into : new Uint8Array(length);
}

/** Random access to a fixed number of bytes. */
export interface ByteSource {
  /** What a person calls it: a path, a file name, a URL. */
  readonly name: string;
  /** Number of bytes, fixed when the source was opened. */
  readonly size: number;
  /** Whether small reads near each other are few larger ones already, so that nobody need see to it. */
  readonly readsAhead?: boolean;
  /**
   * Exactly `length` bytes from `offset`. The caller may keep and change the result only when the
   * source is not in memory: treat it as read-only.
   *
   * @throws SourceError `source/out-of-range` before reading anything, `source/short-read` when the
   *   bytes have gone since the source was opened, `source/read-failed` for the system's own errors
   */
  read(offset: number, length: number, options?: ReadOptions): Promise<Uint8Array>;
  /** Fills `target` with the bytes from `offset`; same cost and errors as `read`, but allocates nothing. */
  readInto(offset: number, target: Uint8Array, options?: ReadOptions): Promise<void>;
  /**
   * Fills `targets` one after another with the bytes from `offset`, at the cost of one read for some hundred of them; same
   * errors as `read`. Absent where reading all and copying is as good.
   */
  readScattered?(offset: number, targets: readonly Uint8Array[], options?: ReadOptions): Promise<void>;
  /** Gives the handle back; harmless when called twice. */
  close(): Promise<void>;
  /** The same as `close`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Causes for which a source refuses. */
export type SourceErrorCode =
  | 'source/out-of-range'
  | 'source/short-read'
  | 'source/read-failed'
  | 'source/not-found'
  | 'source/not-a-file'
  | 'source/not-a-folder'
  | 'source/permission'
  | 'source/outside-folder'
  | 'source/bad-threads'
  | 'source/too-large'
  | 'source/empty'
  | 'source/html-page'
  | 'source/error-document'
  | 'source/lfs-pointer'
  | 'source/annex-pointer'
  | 'source/all-zero'
  | 'source/other-format'
  | 'source/unrecognised'
  | 'source/bad-address'
  | 'source/address-not-taken'
  | 'source/bad-header'
  | 'source/http-unreachable'
  | 'source/http-status'
  | 'source/http-answer'
  | 'source/http-no-ranges'
  | 'source/http-changed';

/** A file that cannot be read, or is not what its name promises. */
export class SourceError extends CheckpointError {
  declare readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}

/** Throws unless the `length` bytes from `offset` lie inside the source. */
export function expectInside(source: { name: string; size: number }, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (valid && offset + length <= source.size) return;
  throw new SourceError(
    'source/out-of-range',
    `${length} bytes wanted at ${valid ? hexOffset(offset) : offset}, but the file has ${source.size} bytes`,
    { path: source.name, offset: valid ? offset : undefined },
  );
}
