/**
 * Files on disk, each of which appears whole or not at all. One of the few modules that know Node.
 *
 * Each file is written under a temporary sibling name and flushed. Only when all of them are complete are they
 * renamed, one after another: an error or an abort before that leaves nothing, but a rename that fails, or a
 * process that is killed between two of them, leaves the files renamed so far, each of them whole. A process
 * that is killed earlier leaves temporary files, never a file under its final name.
 *
 * @module
 */
import { type FileHandle, mkdir, open, rename, rm, rmdir, stat, statfs } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { dirname, join, resolve } from 'node:path';

import type { ByteSink } from '../source/byte-sink.js';
import type { Output } from './output.js';
import { outputError } from './output-error.js';
import { ConvertError } from './plan.js';

/** How existing files are treated. */
export interface DirectoryOutputOptions {
  /** Replace files that exist; otherwise they are refused. */
  readonly force?: boolean | undefined;
}

/** An {@link Output} in a folder on disk, which is made when it does not exist. */
export function directoryOutput(folder: string, options: DirectoryOutputOptions = {}): Output {
  const path = resolve(folder);
  const state: DirectoryState = { path, made: [], begun: new Map(), current: undefined };
  return {
    name: folder,
    prepare: async (files) => {
      await refuseExisting(path, files, options.force === true);
      await expectSpace(path, files);
      await makeFolders(state);
    },
    create: (name) => create(state, name),
    commit: () => commit(state),
    discard: () => discard(state),
  };
}

/** The name that a file was to have whose temporary name this is; undefined for other names. */
export function nameOfPartial(temporary: string): string | undefined {
  return /^\.(.+)\.[0-9a-f]{12}\.partial$/s.exec(temporary)?.[1];
}

interface DirectoryState {
  readonly path: string;
  /** Folders that had to be made, outermost first, so that they can be removed again. */
  made: string[];
  /** Final name by temporary name. */
  readonly begun: Map<string, string>;
  current: FileHandle | undefined;
}

/** Refuses files that exist, unless they are to be replaced, and folders in their place. @throws ConvertError `convert/exists` */
export async function refuseExisting(
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
 * Makes the folder and those above it, each noted as soon as it stands. Not `mkdir` with `recursive`, which never
 * ends where the system answers ENOENT although the parent exists, as /proc does.
 */
async function makeFolders({ path, made }: DirectoryState): Promise<void> {
  const nearest = await nearestFolder(path);
  const missing: string[] = [];
  for (let folder = path; folder !== nearest; folder = dirname(folder)) missing.unshift(folder);
  for (const folder of missing) {
    try {
      await mkdir(folder);
      made.push(folder);
    } catch (cause) {
      // made by another process a moment ago, as those of the parts of one conversion
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw outputError(cause, path, 'convert/not-writable');
    }
  }
  if (!(await stat(path)).isDirectory()) {
    throw new ConvertError('convert/not-writable', 'a file stands where a folder is needed', { path });
  }
}

/** The folder itself, or the nearest one above it that exists. */
async function nearestFolder(path: string): Promise<string> {
  for (let place = path; ; place = dirname(place)) {
    const found = await stat(place).catch(() => undefined);
    if (found !== undefined || dirname(place) === place) return place;
  }
}

/**
 * Name under which a file is written before it is complete. It is random, as processes on several machines may write into
 * one folder, and each container may have the same process id.
 */
function temporaryName(name: string): string {
  return `.${name}.${randomBytes(6).toString('hex')}.partial`;
}

async function create(state: DirectoryState, name: string): Promise<ByteSink> {
  await finishCurrent(state);
  const temporary = join(state.path, temporaryName(name));
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
  state.made = [];
}

/** Removes what it can. It never throws: the error for which it is called is the one to be told. */
async function discard(state: DirectoryState): Promise<void> {
  await state.current?.close().catch(() => {});
  state.current = undefined;
  for (const temporary of state.begun.keys()) await rm(temporary, { force: true }).catch(() => {});
  state.begun.clear();
  // A folder in which something else lies by now is not empty, so `rmdir` leaves it alone.
  for (const folder of state.made.reverse()) await rmdir(folder).catch(() => {});
  state.made = [];
}
