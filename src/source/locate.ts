/**
 * Where a person's checkpoints lie on this machine. One of the few modules that know Node.
 *
 * Meta's downloader puts them under `~/.llama/checkpoints/NAME`, so a name that is no path is looked up there.
 *
 * @module
 */
import { readdir, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

import { SourceError } from './byte-source.js';
import { systemError } from './file.js';

/** What lies at a path. */
export interface Located {
  /** The path that was found. */
  readonly path: string;
  /** Whether it is a folder or a file. */
  readonly kind: 'folder' | 'file';
}

/** Folder into which Meta's downloader puts checkpoints. */
export function checkpointsFolder(home = homedir()): string {
  return join(home, '.llama', 'checkpoints');
}

/**
 * A path as given, or else the checkpoint of that name.
 *
 * @throws SourceError `source/not-found`, `source/permission`
 */
export async function locate(pathOrName: string, home = homedir()): Promise<Located> {
  const isName = pathOrName !== '' && !/[/\\]/.test(pathOrName) && pathOrName !== '.' && pathOrName !== '..';
  const places = isName ? [pathOrName, join(checkpointsFolder(home), pathOrName.replaceAll(':', '-'))] : [pathOrName];
  for (const path of places) {
    const found = await stat(path).catch((cause: unknown) => {
      const error = systemError(cause, path);
      if (error.code === 'source/not-found') return undefined;
      throw error;
    });
    if (found !== undefined) return { path, kind: found.isDirectory() ? 'folder' : 'file' };
  }
  throw new SourceError('source/not-found', 'there is no such file or folder', {
    path: pathOrName,
    hint: isName ? `nor a checkpoint of this name under ${checkpointsFolder(home)}` : undefined,
  });
}

/** The folders directly in a folder, by name; hidden ones are left out. */
export async function subfolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw systemError(cause, path);
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const isFolder = entry.isSymbolicLink()
      ? await stat(join(path, entry.name)).then(
          (found) => found.isDirectory(),
          () => false,
        )
      : entry.isDirectory();
    if (isFolder) names.push(entry.name);
  }
  return names.sort().map((name) => resolve(path, name));
}
