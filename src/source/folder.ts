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

/** A {@link Folder} over named buffers or Blobs, for browsers and tests; holds what it is given and copies nothing. */
export function memoryFolder(files: Readonly<Record<string, Uint8Array | Blob>>, name = 'folder in memory'): Folder {
  const known = new Map(Object.entries(files).map(([key, value]) => [expectNameInside(key, name), value]));
  const sizeOf = (file: Uint8Array | Blob): number => (file instanceof Uint8Array ? file.byteLength : file.size);
  return {
    name,
    list: async () =>
      [...known]
        .filter(([key]) => !key.includes('/'))
        .map(([key, file]) => ({ name: key, size: sizeOf(file) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
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
