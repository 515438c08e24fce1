/**
 * The system's errors of writing in this package's words.
 *
 * @see https://nodejs.org/api/errors.html#common-system-errors
 * @module
 */
import { ConvertError, type ConvertErrorCode } from './plan.js';

/**
 * The error to throw when the system refuses to write.
 *
 * @param cause - what the system threw
 * @param path - the file or folder that was to be written
 * @param code - the code where the system's own says no more than that it failed
 */
export function outputError(cause: unknown, path: string, code: ConvertErrorCode): ConvertError {
  const { code: system, message } = cause as { readonly code?: unknown; readonly message: string };
  switch (system) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new ConvertError('convert/no-space', 'the disk is full', { path, cause });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new ConvertError('convert/not-writable', 'writing there is not permitted', { path, cause });
    case 'ENOTDIR':
    case 'EEXIST':
      return new ConvertError('convert/not-writable', 'a file stands where a folder is needed', { path, cause });
    default:
      return new ConvertError(code, message, { path, cause });
  }
}
