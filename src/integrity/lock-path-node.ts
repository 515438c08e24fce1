/**
 * The lock file of what lies at a path. One of the few modules that know Node.
 *
 * A folder has one lock file. A single file has its own beside it, named after it, because several models may lie in one
 * folder; a GGUF file that is split has one for all its parts, named after the first.
 *
 * @module
 */
import { basename, dirname, join } from 'node:path';

import { parseSplitName, splitPartNames } from '../formats/gguf/split-name.js';
import { expectNoneInside } from '../llama/open-path-node.js';
import { folderLayout } from '../llama/open-model.js';
import type { OperationOptions, ThreadOptions } from '../options.js';
import { openDirectory } from '../source/directory.js';
import type { Folder } from '../source/folder.js';
import { openPath } from '../source/open-path-node.js';
import { partOfFolder } from '../source/part-of-folder.js';
import { createNodeHasher } from './hash-node.js';
import { hashingOnDisk } from './hash-pool-node.js';
import { LOCK_NAME, LockError, lockNameOf } from './lock.js';
import { type LockFolderOptions, type MadeLock, lockFolder } from './lock-folder.js';
import { toolVersion } from './tool-version-node.js';

/** A lock, and where its file belongs. */
export interface PathLock extends MadeLock {
  /** What was locked, as it was found. */
  readonly path: string;
  /** Path of the lock file, which is not written yet. */
  readonly lockPath: string;
}

/** How a path is locked. */
export interface LockPathOptions extends OperationOptions, ThreadOptions, Pick<LockFolderOptions, 'hashFiles'> {
  /** Factor of the rope scaling, in place of the one chosen by shape. */
  readonly ropeFactor?: number | undefined;
  /** Whether a lock file that exists is going to be replaced; otherwise it is refused, before anything is read. */
  readonly force?: boolean | undefined;
}

/**
 * The lock of a folder or file at a path, or of a checkpoint of that name; writes nothing. Reads every file once and every
 * weight once more.
 *
 * @throws LockError `integrity/lock-exists` unless `force`
 * @throws SourceError; LlamaError `llama/several-models` and the errors of the formats where a model is broken
 */
export async function lock(pathOrName: string, { force, ...options }: LockPathOptions = {}): Promise<PathLock> {
  const { path, folder, parent, lockName } = await placeOf(pathOrName);
  if (force !== true && (await folder.has(lockName))) {
    throw new LockError('integrity/lock-exists', 'this lock file exists already', {
      path: join(folder.name, lockName),
      hint: 'use --force to replace it, or check against it: llama-inspect verify',
    });
  }
  const given = {
    toolVersion: toolVersion(),
    createHasher: createNodeHasher,
    hashFiles: hashingOnDisk(options),
    parent,
    lockName,
  };
  const made = await lockFolder(folder, { ...given, ...options });
  return { path, lockPath: join(folder.name, lockName), ...made };
}

interface LockPlace {
  readonly path: string;
  readonly folder: Folder;
  readonly parent: Folder | undefined;
  readonly lockName: string;
}

async function placeOf(pathOrName: string): Promise<LockPlace> {
  const opened = await openPath(pathOrName);
  const { path } = opened;
  if (opened.kind === 'file') {
    await opened.source.close();
    return { path, parent: undefined, ...(await fileWithParts(path)) };
  }
  const { folder, parent } = opened;
  if ((await folderLayout(folder)) === undefined) await expectNoneInside(path);
  return { path, folder, parent, lockName: LOCK_NAME };
}

/** A file as a folder of its own: with the other parts of its split, its lock file, and nothing else. */
export async function fileWithParts(path: string): Promise<{ readonly folder: Folder; readonly lockName: string }> {
  const name = basename(path);
  const split = parseSplitName(name);
  const names = split === undefined ? [name] : splitPartNames(split);
  const lockName = lockNameOf(names[0] ?? name);
  return { folder: partOfFolder(await openDirectory(dirname(path)), [...names, lockName]), lockName };
}
