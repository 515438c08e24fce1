/**
 * Errors that are about what a file holds, and so are findings here.
 *
 * @module
 */
import { CheckpointError } from '../../errors.js';
import { SourceError } from '../../source/byte-source.js';

/** Errors of a source that are about the content: everything but failing to read. */
const ABOUT_READING: ReadonlySet<string> = new Set([
  'source/short-read',
  'source/read-failed',
  'source/permission',
  'source/not-found',
]);

/** The error as a value; throws it again where reading itself failed, or an abort or a fault of this program. */
export function asContentError(cause: unknown): CheckpointError {
  const isContent =
    cause instanceof CheckpointError && !(cause instanceof SourceError && ABOUT_READING.has(cause.code));
  if (isContent) return cause;
  throw cause;
}
