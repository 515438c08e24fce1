/**
 * Working on one file of a folder without letting its faults end the whole.
 *
 * @module
 */
import { type ByteSource, SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';

/**
 * Opens a file, works on it and closes it again; gives the source's error as a value, as it is a finding here.
 * Other errors, an abort among them, are thrown.
 */
export async function attemptFile<T>(
  folder: Folder,
  name: string,
  work: (source: ByteSource) => Promise<T>,
): Promise<T | SourceError> {
  try {
    await using source = await folder.open(name);
    return await work(source);
  } catch (cause) {
    if (cause instanceof SourceError) return cause;
    throw cause;
  }
}
