/**
 * What can be wrong with a ZIP archive.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/**
 * Causes for which the ZIP room refuses.
 *
 * - `zip/not-a-zip`: neither a beginning nor an end of an archive is there
 * - `zip/no-end-record`: it begins like an archive, but the end is missing: cut off
 * - `zip/bad-end-record`: the records at the end contradict each other or the file
 * - `zip/multi-disk`: a volume of an archive in several parts
 * - `zip/bad-directory`: the central directory is not what the end record announces
 * - `zip/too-large`: more entries or bytes than this package accepts
 * - `zip/duplicate-name`: two members share a name
 * - `zip/overlap`: members overlap each other or the directory
 * - `zip/bad-local-header`: a member's own header is missing or contradicts the directory
 * - `zip/unlisted-bytes`: bytes between members that no member accounts for (found by a scan)
 * - `zip/bad-descriptor`: the sizes behind a member's data contradict the directory (found by a scan)
 * - `zip/encrypted`, `zip/unsupported-method`: members that cannot be unpacked here
 * - `zip/bad-data`: compressed data that do not unpack to the announced size
 * - `zip/bad-write`: a writer was given something else than was planned
 */
export type ZipErrorCode =
  | 'zip/not-a-zip'
  | 'zip/no-end-record'
  | 'zip/bad-end-record'
  | 'zip/multi-disk'
  | 'zip/bad-directory'
  | 'zip/too-large'
  | 'zip/duplicate-name'
  | 'zip/overlap'
  | 'zip/bad-local-header'
  | 'zip/unlisted-bytes'
  | 'zip/bad-descriptor'
  | 'zip/encrypted'
  | 'zip/unsupported-method'
  | 'zip/bad-data'
  | 'zip/bad-write';

/** A fault in an archive, or in what a writer of one was given. */
export class ZipError extends CheckpointError {
  declare readonly code: ZipErrorCode;

  constructor(code: ZipErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
