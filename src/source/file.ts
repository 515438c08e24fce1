/**
 * A source over a file on disk. One of the few modules that know Node.
 *
 * A single `fs.read` stops at 2^31 - 1 bytes, so longer reads go in pieces. `fs.readv` fills many buffers in one call, which puts
 * rows into another order at no cost.
 *
 * @see https://nodejs.org/api/fs.html#filehandlereadbuffer-offset-length-position
 * @module
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

import { type ByteSource, SourceError, bufferFor, expectInside } from './byte-source.js';
import { lengthOf, withoutFilled } from './scattered.js';

/** Longest single read handed to the system; below its limit of 2^31 - 1. */
const LONGEST_READ = 1 << 30;

/** Most buffers that the system fills in one call (IOV_MAX); Windows fills any number, one by one. */
const MOST_BUFFERS = 1024;

/** Opening a pipe waits for its other end unless told not to; Windows has neither the pipes nor the flag. */
const READ_WITHOUT_WAITING = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens a regular file for positional reading.
 *
 * @throws SourceError `source/not-found`, `source/permission`, `source/not-a-file`, `source/read-failed`
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  const handle = await open(path, READ_WITHOUT_WAITING).catch((cause: unknown) => {
    throw systemError(cause, path);
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new SourceError('source/not-a-file', 'a file was expected, but this is a folder, a pipe or a device', {
        path,
      });
    }
    return fileSource(handle, path, stats.size);
  } catch (cause) {
    await handle.close();
    throw cause;
  }
}

function fileSource(handle: FileHandle, name: string, size: number): ByteSource {
  let open = true;
  const fill = async (offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> => {
    expectInside({ name, size }, offset, target.byteLength);
    for (let done = 0; done < target.byteLength;) {
      signal?.throwIfAborted();
      const length = Math.min(target.byteLength - done, LONGEST_READ);
      const { bytesRead } = await handle.read(target, done, length, offset + done).catch((cause: unknown) => {
        throw systemError(cause, name);
      });
      if (bytesRead === 0) throw becameShorter(name, offset + done);
      done += bytesRead;
    }
  };
  const fillAll = async (offset: number, targets: readonly Uint8Array[], signal?: AbortSignal): Promise<void> => {
    expectInside({ name, size }, offset, lengthOf(targets));
    let at = offset;
    for (let left = withoutFilled(targets, 0); left.length > 0;) {
      signal?.throwIfAborted();
      const { bytesRead } = await handle.readv(left.slice(0, MOST_BUFFERS), at).catch((cause: unknown) => {
        throw systemError(cause, name);
      });
      if (bytesRead === 0) throw becameShorter(name, at);
      at += bytesRead;
      left = withoutFilled(left, bytesRead);
    }
  };
  const close = async (): Promise<void> => {
    if (!open) return;
    open = false;
    await handle.close();
  };
  return {
    name,
    size,
    read: async (offset, length, options) => {
      expectInside({ name, size }, offset, length);
      const target = bufferFor(length, options);
      await fill(offset, target, options?.signal);
      return target;
    },
    readInto: (offset, target, options) => fill(offset, target, options?.signal),
    readScattered: (offset, targets, options) => fillAll(offset, targets, options?.signal),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function becameShorter(path: string, offset: number): SourceError {
  return new SourceError('source/short-read', 'the file has become shorter while it was read', { path, offset });
}

/** The system's error in this package's words. */
export function systemError(cause: unknown, path: string): SourceError {
  const { code, message } = cause as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return new SourceError('source/not-found', 'there is no such file or folder', { path, cause });
    case 'EACCES':
    case 'EPERM':
      return new SourceError('source/permission', 'reading it is not permitted', { path, cause });
    case 'EISDIR':
      return new SourceError('source/not-a-file', 'a file was expected, but this is a folder', { path, cause });
    case 'ENOTDIR':
      return new SourceError('source/not-a-folder', 'a folder was expected, but this is a file', { path, cause });
    default:
      return new SourceError('source/read-failed', message, { path, cause });
  }
}
