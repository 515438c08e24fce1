/**
 * Small files that are read whole: JSON, tokenizers, checklists.
 *
 * @module
 */
import { type ByteSource, type ReadOptions, SourceError } from './byte-source.js';
import type { Folder } from './folder.js';

/**
 * All bytes of a source that must not have more than `limit`.
 *
 * @throws SourceError `source/too-large` before anything is read
 */
export async function readWhole(source: ByteSource, limit: number, options?: ReadOptions): Promise<Uint8Array> {
  if (source.size <= limit) return source.read(0, source.size, options);
  throw new SourceError(
    'source/too-large',
    `${source.size} bytes are far too many for this file, at most ${limit} are read`,
    {
      path: source.name,
    },
  );
}

/** All bytes of a file of a folder. @throws as {@link readWhole} and `Folder.open` */
export async function readFile(
  folder: Folder,
  name: string,
  limit: number,
  options?: ReadOptions,
): Promise<Uint8Array> {
  const source = await folder.open(name);
  try {
    return await readWhole(source, limit, options);
  } finally {
    await source.close();
  }
}
