/**
 * From what a person types to a folder or a file. One of the few modules that know Node.
 *
 * A path is taken as it stands, a bare name is also looked up under `~/.llama/checkpoints`. The folder above
 * is opened along, because Llama 1 and 2 keep their tokenizer and its list there.
 *
 * @module
 */
import { dirname, resolve } from 'node:path';

import { type ByteSource, SourceError } from './byte-source.js';
import { openDirectory } from './directory.js';
import { openFileSource } from './file.js';
import type { Folder } from './folder.js';
import { locate } from './locate.js';

/** A folder and the one above it, or a file. */
export type OpenedPath =
  | {
      /** A folder was found. */
      readonly kind: 'folder';
      /** The path that was found. */
      readonly path: string;
      /** The folder. */
      readonly folder: Folder;
      /** The folder above; undefined where it cannot be read. */
      readonly parent: Folder | undefined;
    }
  | {
      /** A file was found. */
      readonly kind: 'file';
      /** The path that was found. */
      readonly path: string;
      /** The file; whoever opened it closes it. */
      readonly source: ByteSource;
    };

/**
 * Opens what lies at a path, or the checkpoint of that name.
 *
 * @throws SourceError `source/not-found`, `source/permission`, `source/read-failed`
 */
export async function openPath(pathOrName: string): Promise<OpenedPath> {
  const found = await locate(pathOrName);
  const path = named(found.path);
  if (found.kind === 'file') return { kind: 'file', path, source: await openFileSource(path) };
  const parent = await openDirectory(dirname(resolve(path))).catch(() => undefined);
  return { kind: 'folder', path, folder: await openDirectory(path), parent };
}

/**
 * Opens the folder at a path, or the checkpoint of that name, and the folder above.
 *
 * @throws SourceError `source/not-a-folder` and those of {@link openPath}
 */
export async function openFolderPath(pathOrName: string): Promise<Extract<OpenedPath, { kind: 'folder' }>> {
  const opened = await openPath(pathOrName);
  if (opened.kind === 'folder') return opened;
  await opened.source.close();
  throw new SourceError('source/not-a-folder', 'a folder was expected, but this is a file', {
    path: opened.path,
    hint: `name the folder that it lies in: ${dirname(opened.path)}`,
  });
}

/** A path that ends in `.` or `..` says nothing about what lies there, and converted files are named after it. */
function named(path: string): string {
  return /(?:^|[/\\])\.{1,2}[/\\]*$/.test(path) ? resolve(path) : path;
}
