/**
 * Files on disk that appear all at once or not at all. One of the few modules that know Node.
 *
 * Each file is written under a temporary sibling name, flushed, and renamed when all of them are
 * complete, so an interrupt or a full disk leaves neither half a file nor a stray temporary one.
 *
 * @module
 */
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pid } from 'node:process';

import type { ByteSink } from '../source/byte-sink.js';
import type { Output } from './output.js';
import { ConvertError, type ConvertErrorCode } from './plan.js';

/** How existing files are treated. */
export interface DirectoryOutputOptions {
  /** Replace files that exist; otherwise they are refused. */
  readonly force?: boolean | undefined;
}

/** An {@link Output} in a folder on disk, which is made when it does not exist. */
export function directoryOutput(folder: string, options: DirectoryOutputOptions = {}): Output {
  const path = resolve(folder);
  const state: DirectoryState = { path, made: undefined, begun: new Map(), current: undefined };
  return {
    name: folder,
    prepare: async (files) => {
      await refuseExisting(path, files, options.force === true);
      await expectSpace(path, files);
      state.made = await makeFolders(path);
    },
    create: (name) => create(state, name),
    commit: () => commit(state),
    discard: () => discard(state),
  };
}

interface DirectoryState {
  readonly path: string;
  /** First folder that had to be made, so that it can be removed again. */
  made: string | undefined;
  /** Final name by temporary name. */
  readonly begun: Map<string, string>;
  current: FileHandle | undefined;
}

async function refuseExisting(
  path: string,
  files: readonly { readonly name: string }[],
  force: boolean,
): Promise<void> {
  for (const { name } of files) {
    const file = join(path, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined) continue;
    if (found.isDirectory())
      throw new ConvertError('convert/exists', 'a folder of this name exists already', { path: file });
    if (!force) {
      throw new ConvertError('convert/exists', 'this file exists already', {
        path: file,
        hint: 'use --force to replace it',
      });
    }
  }
}

async function expectSpace(path: string, files: readonly { readonly byteLength: number }[]): Promise<void> {
  const needed = files.reduce((sum, file) => sum + file.byteLength, 0);
  const place = await nearestFolder(path);
  const { bavail, bsize } = await statfs(place).catch((cause: unknown) => {
    throw outputError(cause, path, 'convert/not-writable');
  });
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new ConvertError('convert/no-space', `${needed} bytes are needed, but only ${free} are free there`, { path });
}

/**
 * Makes the folder and those above it; gives the first one made. Not `mkdir` with `recursive`, which never
 * ends where the system answers ENOENT although the parent exists, as /proc does.
 */
async function makeFolders(path: string): Promise<string | undefined> {
  const nearest = await nearestFolder(path);
  const missing: string[] = [];
  for (let folder = path; folder !== nearest; folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    await mkdir(folder).catch((cause: unknown) => {
      throw outputError(cause, path, 'convert/not-writable');
    });
  }
  if (!(await stat(path)).isDirectory()) {
    throw new ConvertError('convert/not-writable', 'a file stands where a folder is needed', { path });
  }
  return missing[0];
}

/** The folder itself, or the nearest one above it that exists. */
async function nearestFolder(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const found = await stat(place).catch(() => undefined);
    if (found !== undefined || dirname(place) === place) return place;
  }
}

/** Two conversions of one process never share a temporary name. */
let outputsBegun = 0;

async function create(state: DirectoryState, name: string): Promise<ByteSink> {
  await finishCurrent(state);
  const temporary = join(state.path, `.${name}.${pid}-${(outputsBegun += 1)}.partial`);
  state.begun.set(temporary, join(state.path, name));
  const handle = await open(temporary, 'wx').catch((cause: unknown) => {
    state.begun.delete(temporary);
    throw outputError(cause, join(state.path, name), 'convert/not-writable');
  });
  state.current = handle;
  let position = 0;
  return {
    get position() {
      return position;
    },
    write: async (bytes) => {
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await handle
          .write(bytes, done, bytes.byteLength - done, position)
          .catch((cause: unknown) => {
            throw outputError(cause, join(state.path, name), 'convert/write-failed');
          });
        done += bytesWritten;
        position += bytesWritten;
      }
    },
  };
}

/** Flushes and closes the file in hand, so that what is renamed later is on the disk. */
async function finishCurrent(state: DirectoryState): Promise<void> {
  const handle = state.current;
  state.current = undefined;
  if (handle === undefined) return;
  try {
    await handle.sync();
  } catch (cause) {
    throw outputError(cause, state.path, 'convert/write-failed');
  } finally {
    await handle.close();
  }
}

async function commit(state: DirectoryState): Promise<void> {
  await finishCurrent(state);
  for (const [temporary, final] of state.begun) {
    await rename(temporary, final).catch((cause: unknown) => {
      throw outputError(cause, final, 'convert/write-failed');
    });
    state.begun.delete(temporary);
  }
  state.made = undefined;
}

async function discard(state: DirectoryState): Promise<void> {
  await state.current?.close().catch(() => {});
  state.current = undefined;
  for (const temporary of state.begun.keys()) await rm(temporary, { force: true });
  state.begun.clear();
  if (state.made === undefined) return;
  for (let folder = state.path; folder.length >= state.made.length; folder = dirname(folder)) {
    if ((await readdir(folder).catch(() => [''])).length > 0) return;
    await rmdir(folder);
  }
}

function outputError(cause: unknown, path: string, code: ConvertErrorCode): ConvertError {
  const system = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (system === 'ENOSPC' || system === 'EDQUOT') {
    return new ConvertError('convert/no-space', 'the disk is full', { path, cause });
  }
  if (system === 'EACCES' || system === 'EPERM' || system === 'EROFS') {
    return new ConvertError('convert/not-writable', 'writing there is not permitted', { path, cause });
  }
  if (system === 'ENOTDIR' || system === 'EEXIST') {
    return new ConvertError('convert/not-writable', 'a file stands where a folder is needed', { path, cause });
  }
  return new ConvertError(code, cause instanceof Error ? cause.message : String(cause), { path, cause });
}
