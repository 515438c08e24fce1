/**
 * A folder of files, whether on disk, picked in a browser or made in memory.
 *
 * A checkpoint is a folder of parts that belong together. Names in it are plain file names or paths
 * with `/` below it; a name that would leave the folder is refused, because names come from
 * checklists and indexes that strangers wrote.
 *
 * @module
 */
import { type ByteSource, SourceError } from './byte-source.js';
import { blobSource } from './blob.js';
import { memorySource } from './memory.js';

/** One file of a folder. */
export interface FolderEntry {
  /** Path below the folder, with `/` between its parts. */
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
}

/** A set of named files that can be opened one by one. */
export interface Folder {
  /** What a person calls it: its path, or a name given by the program. */
  readonly name: string;
  /** The files directly in it, sorted by name; sub-folders are left out. */
  list(): Promise<readonly FolderEntry[]>;
  /**
   * All files in it and in the folders below, sorted by name, but for folders whose name begins with a dot; absent where
   * nothing is below.
   */
  listBelow?(): Promise<readonly FolderEntry[]>;
  /** Whether the file is there. */
  has(name: string): Promise<boolean>;
  /**
   * Opens one of its files.
   *
   * @throws SourceError `source/not-found`, `source/outside-folder` and the errors of the file itself
   */
  open(name: string): Promise<ByteSource>;
}

/**
 * The name in a form that cannot leave the folder: `./` dropped, `/` between parts.
 *
 * @throws SourceError `source/outside-folder` for absolute names, `..`, drive letters, backslashes and NUL
 */
export function expectNameInside(name: string, folder: string): string {
  const parts = name.split('/').filter((part) => part !== '.' && part !== '');
  const leaves =
    name.startsWith('/') ||
    /^[A-Za-z]:/.test(name) ||
    /[\\\0]/.test(name) ||
    parts.includes('..') ||
    parts.length === 0;
  if (!leaves) return parts.join('/');
  throw new SourceError('source/outside-folder', `the name ${JSON.stringify(name)} leads out of the folder`, {
    path: folder,
  });
}

/** All files in a folder and in those below, as far as it can tell. @throws the errors of listing it */
export async function listBelow(folder: Folder): Promise<readonly FolderEntry[]> {
  return (await folder.listBelow?.()) ?? folder.list();
}

/** Order of the entries of a folder. */
export function byName(a: FolderEntry, b: FolderEntry): number {
  return a.name < b.name ? -1 : 1;
}

/** Whether a path leads through a folder whose name begins with a dot: version control, or a downloader's cache. */
export function isInHiddenFolder(name: string): boolean {
  return name
    .split('/')
    .slice(0, -1)
    .some((part) => part.startsWith('.'));
}

/** A {@link Folder} over named buffers or Blobs, for browsers and tests; holds what it is given and copies nothing. */
export function memoryFolder(files: Readonly<Record<string, Uint8Array | Blob>>, name = 'folder in memory'): Folder {
  const known = new Map(Object.entries(files).map(([key, value]) => [expectNameInside(key, name), value]));
  const sizeOf = (file: Uint8Array | Blob): number => (file instanceof Uint8Array ? file.byteLength : file.size);
  const entries = [...known].map(([key, file]) => ({ name: key, size: sizeOf(file) })).sort(byName);
  return {
    name,
    list: async () => entries.filter((entry) => !entry.name.includes('/')),
    listBelow: async () => entries.filter((entry) => !isInHiddenFolder(entry.name)),
    has: async (key) => known.has(expectNameInside(key, name)),
    open: async (key) => {
      const inside = expectNameInside(key, name);
      const file = known.get(inside);
      if (file === undefined) {
        throw new SourceError('source/not-found', 'there is no such file', { path: `${name}/${inside}` });
      }
      const label = `${name}/${inside}`;
      return file instanceof Uint8Array ? memorySource(file, label) : blobSource(file, label);
    },
  };
}
