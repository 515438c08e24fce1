/**
 * A folder on disk.
 *
 * Links to files are followed, as a downloader may have linked a shared tokenizer into each folder. Links to folders are
 * not, as they may lead out of the folder, or in circles.
 *
 * @module
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SourceError } from './byte-source.js';
import { openFileSource, systemError } from './file.js';
import { type Folder, type FolderEntry, byName, expectNameInside } from './folder.js';

/**
 * Opens a folder on disk.
 *
 * @throws SourceError `source/not-found`, `source/not-a-folder`, `source/permission`
 */
export async function openDirectory(path: string): Promise<Folder> {
  const stats = await stat(path).catch((cause: unknown) => {
    throw systemError(cause, path);
  });
  if (!stats.isDirectory()) {
    throw new SourceError('source/not-a-folder', 'a folder was expected, but this is a file', { path });
  }
  return {
    name: path,
    list: () => listFiles(path),
    listBelow: async () => (await filesBelow(path)).sort(byName),
    has: async (name) =>
      stat(join(path, expectNameInside(name, path))).then(
        (found) => found.isFile(),
        () => false,
      ),
    open: async (name) => openFileSource(join(path, expectNameInside(name, path))),
  };
}

/** Deepest folder that is looked into; deeper trees are no checkpoints, and paths have an end. */
const DEEPEST = 16;

async function filesBelow(path: string, below = '', depth = 0): Promise<FolderEntry[]> {
  const files = (await listFiles(path)).map(({ name, size }) => ({ name: below + name, size }));
  if (depth === DEEPEST) return files;
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw systemError(cause, path);
  });
  for (const entry of entries) {
    if (!entry.isDirectory() || entry.name.startsWith('.')) continue;
    files.push(...(await filesBelow(join(path, entry.name), `${below}${entry.name}/`, depth + 1)));
  }
  return files;
}

async function listFiles(path: string): Promise<FolderEntry[]> {
  const names = await readdir(path).catch((cause: unknown) => {
    throw systemError(cause, path);
  });
  const entries: FolderEntry[] = [];
  for (const name of names.sort()) {
    const stats = await stat(join(path, name)).catch(() => undefined);
    if (stats?.isFile() === true) entries.push({ name, size: stats.size });
  }
  return entries;
}
