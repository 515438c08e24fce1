/**
 * Scanning what lies at a path, folders with everything below them. One of the few modules that know Node.
 *
 * @module
 */
import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { systemError } from '../../source/file.js';
import type { FolderEntry } from '../../source/folder.js';
import { openPath } from '../../source/open-path-node.js';
import { type ScanOptions, scanFiles, scanReport } from './scan-folder.js';
import { scanFile } from './scan-file.js';
import type { ScanReport } from './scan-report.js';

/** Files of a folder that are scanned; a cache of a hundred models has fewer. */
const MOST_FILES = 100_000;

/**
 * Scans a file, or a folder with all folders below it, hidden ones too; links to files are followed, links to folders
 * are not. Reads headers, directories and pickles, and the first bytes of every member of an archive.
 *
 * @throws SourceError `source/not-found`, `source/permission` for the path itself; the signal's reason when aborted
 */
export async function scan(pathOrName: string, options: ScanOptions = {}): Promise<ScanReport> {
  const opened = await openPath(pathOrName);
  if (opened.kind === 'folder') {
    const { entries, notes } = await filesBelow(opened.path);
    return scanFiles(opened.folder, entries, notes, options);
  }
  const { allow = [], signal } = options;
  await using source = opened.source;
  return scanReport(opened.path, [await scanFile(source, { allow, signal, required: true })], allow);
}

interface Below {
  readonly entries: FolderEntry[];
  readonly notes: string[];
}

async function filesBelow(root: string): Promise<Below> {
  const below: Below = { entries: [], notes: [] };
  const pending = [''];
  for (let folder = pending.shift(); folder !== undefined; folder = pending.shift()) {
    const children = await readdir(join(root, folder), { withFileTypes: true }).catch((cause: unknown) => {
      throw systemError(cause, join(root, folder));
    });
    for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const name = folder === '' ? child.name : `${folder}/${child.name}`;
      if (below.entries.length >= MOST_FILES) {
        below.notes.push(`only the first ${MOST_FILES} files were scanned`);
        return below;
      }
      if (child.isDirectory()) pending.push(name);
      else await addFile(root, name, child, below);
    }
  }
  return below;
}

async function addFile(root: string, name: string, child: Dirent, { entries, notes }: Below): Promise<void> {
  const found = await stat(join(root, name)).catch(() => undefined);
  if (found === undefined) notes.push(`${name} is a link that leads nowhere`);
  else if (found.isFile()) entries.push({ name, size: found.size });
  else if (child.isSymbolicLink() && found.isDirectory())
    notes.push(`${name} is a link to a folder, and was not followed`);
  else notes.push(`${name} is a pipe or a device, and was not opened`);
}
