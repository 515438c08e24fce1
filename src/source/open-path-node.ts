/**
 * From what a person types to a folder or a file. One of the few modules that know Node.
 *
 * A path is taken as it stands, a bare name is also looked up under `~/.llama/checkpoints`. The folder above
 * is opened along, because Llama 1 and 2 keep their tokenizer and its list there. An address (`https://…`) is opened
 * only for those who say how; otherwise nothing is ever fetched.
 *
 * @module
 */
import { dirname, join, resolve } from 'node:path';

import { isAddress, withoutSecrets } from './address.js';
import { type ByteSource, SourceError } from './byte-source.js';
import { openDirectory } from './directory.js';
import { openFileSource } from './file.js';
import type { Folder, FolderEntry } from './folder.js';
import type { RemoteOptions } from './http-options.js';
import { locate } from './locate.js';

/** A folder and the one above it, or a file. */
export type OpenedPath = OpenedFile | OpenedFolder;

/** A folder that was found at a path. */
export interface OpenedFolder {
  /** A folder was found. */
  readonly kind: 'folder';
  /** The path that was found. */
  readonly path: string;
  /** The folder. */
  readonly folder: Folder;
  /** The folder above; undefined where it cannot be read. */
  readonly parent: Folder | undefined;
  /** The path, or the address, of a file in it. */
  readonly pathOf: (name: string) => string;
  /** For a folder on a web server: its files and those below, as far as they are known, and what is not known. */
  readonly below?: () => Promise<EntriesBelow>;
}

/** What a folder on a web server and those below hold. */
export interface EntriesBelow {
  /** The files that are known. */
  readonly entries: readonly FolderEntry[];
  /** What is not known. */
  readonly notes: readonly string[];
}

/** A file that was found at a path. */
export interface OpenedFile {
  /** A file was found. */
  readonly kind: 'file';
  /** The path that was found. */
  readonly path: string;
  /** The file; whoever opened it closes it. */
  readonly source: ByteSource;
  /** The folder that it lies in; on a web server, with those of the named files that are there. */
  readonly folder: (names: readonly string[]) => Promise<Folder>;
}

/** Where something may be opened, and how to stop. */
export interface OpenPathOptions extends RemoteOptions {
  /** Aborts the requests for an address, unless `remote` has a signal of its own. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens what lies at a path, or the checkpoint of that name; with `remote`, also at an address.
 *
 * @throws SourceError `source/not-found`, `source/permission`, `source/read-failed`; `source/address-not-taken` for an
 *   address without `remote`, otherwise for one whatever `openHttpSource` throws
 */
export async function openPath(pathOrName: string, { remote, signal }: OpenPathOptions = {}): Promise<OpenedPath> {
  if (isAddress(pathOrName)) {
    if (remote === undefined) throw addressNotTaken(pathOrName);
    const { openAddress } = await import('./open-address.js');
    return openAddress(pathOrName, { ...remote, signal: remote.signal ?? signal });
  }
  const found = await locate(pathOrName);
  const path = named(found.path);
  if (found.kind === 'file') {
    return {
      kind: 'file',
      path,
      source: await openFileSource(path),
      folder: () => openDirectory(dirname(resolve(path))),
    };
  }
  const parent = await openDirectory(dirname(resolve(path))).catch(() => undefined);
  return { kind: 'folder', path, folder: await openDirectory(path), parent, pathOf: (name) => join(path, name) };
}

function addressNotTaken(address: string): SourceError {
  return new SourceError('source/address-not-taken', 'this is an address, and a path was expected', {
    path: withoutSecrets(address),
    hint: 'addresses are taken by inspect, tensors, scan and tokenize; for anything else, download it first',
  });
}

/**
 * Opens the folder at a path, or the checkpoint of that name, and the folder above.
 *
 * @throws SourceError `source/not-a-folder` and those of {@link openPath}
 */
export async function openFolderPath(pathOrName: string): Promise<OpenedFolder> {
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
