/**
 * Scanning what lies at a path, folders with everything below them. One of the few modules that know Node.
 *
 * @module
 */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { SourceError } from '../../source/byte-source.js';
import { systemError } from '../../source/file.js';
import type { FolderEntry } from '../../source/folder.js';
import type { RemoteOptions } from '../../source/http-options.js';
import { openPath } from '../../source/open-path-node.js';
import { type ScanOptions, scanFiles, scanReport } from './scan-folder.js';
import { scanFile } from './scan-file.js';
import type { ScanReport } from './scan-report.js';

/** Files of a folder that are scanned; a cache of a hundred models has fewer. */
const MOST_FILES = 100_000;

/**
 * Scans a file, or a folder with all folders below it, hidden ones and those that links lead to included. Reads headers, directories and pickles, and the first bytes of every member of an archive.
 *
 * @throws SourceError `source/not-found`, `source/permission` for the path and the folders below it, `source/too-large`; the signal's reason when aborted
 */
export async function scan(pathOrName: string, options: ScanOptions & RemoteOptions = {}): Promise<ScanReport> {
  const opened = await openPath(pathOrName, options);
  if (opened.kind === 'folder') {
    const { entries, notes } = await (opened.below?.() ?? filesBelow(opened.path));
    return scanFiles(opened.folder, entries, notes, options);
  }
  const { allow = [], signal } = options;
  await using source = opened.source;
  return scanReport(opened.path, [await scanFile(source, { allow, signal, required: true })], allow);
}

interface Below {
  readonly entries: FolderEntry[];
  readonly notes: string[];
  /** Folders still to be listed, by their path below the root; empty for the root itself. */
  readonly pending: string[];
  /** Real paths of the folders listed, since links may lead in circles. */
  readonly visited: Set<string>;
}

async function filesBelow(root: string): Promise<Below> {
  const below: Below = { entries: [], notes: [], pending: [''], visited: new Set() };
  for (let folder = below.pending.shift(); folder !== undefined; folder = below.pending.shift()) {
    const path = join(root, folder);
    const real = await realpath(path);
    if (below.visited.has(real)) continue;
    below.visited.add(real);
    const names = await readdir(path).catch((cause: unknown) => {
      throw systemError(cause, path);
    });
    for (const name of names.sort()) await addChild(root, folder === '' ? name : `${folder}/${name}`, below);
  }
  return below;
}

async function addChild(root: string, name: string, { entries, notes, pending }: Below): Promise<void> {
  const found = await stat(join(root, name)).catch(() => undefined);
  if (found === undefined) notes.push(`${name} is a link that leads nowhere, or cannot be looked at`);
  else if (found.isDirectory()) pending.push(name);
  else if (found.isFile()) entries.push({ name, size: found.size });
  else notes.push(`${name} is a pipe or a device, and was not opened`);
  if (entries.length <= MOST_FILES) return;
  throw new SourceError('source/too-large', `more than ${MOST_FILES} files are not scanned at once`, {
    path: root,
    hint: 'scan the folders below it one by one',
  });
}
