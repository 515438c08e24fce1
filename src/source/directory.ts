/**
 * A folder on disk.
 *
 * Links are followed, as a downloader may have linked a shared tokenizer into each folder.
 *
 * @module
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SourceError } from './byte-source.js';
import { openFileSource, systemError } from './file.js';
import { type Folder, type FolderEntry, expectNameInside } from './folder.js';

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
    has: async (name) =>
      stat(join(path, expectNameInside(name, path))).then(
        (found) => found.isFile(),
        () => false,
      ),
    open: async (name) => openFileSource(join(path, expectNameInside(name, path))),
  };
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
