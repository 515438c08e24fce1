/**
 * Reading an importance matrix from a path. One of the few modules that know Node.
 *
 * @module
 */
import type { ReadOptions } from '../source/byte-source.js';
import { openFileSource } from '../source/file.js';
import { readImportanceMatrix } from '../formats/imatrix/read.js';
import type { ImportanceUse } from './options.js';

/**
 * Reads the importance matrix of a file, `.dat` or `.gguf`, for use in a conversion.
 *
 * @throws ImatrixError, SourceError
 */
export async function readImportance(path: string, options?: ReadOptions): Promise<ImportanceUse> {
  await using source = await openFileSource(path);
  return { matrix: await readImportanceMatrix(source, options), file: path };
}
