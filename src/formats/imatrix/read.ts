/**
 * Reads importance matrices: how much each column of a weight matters, as llama-imatrix measured it on a text.
 *
 * The surprising fact is that the file holds sums, not importances. llama-quantize divides each sum of squared
 * activations by how often it was added to, in float32, before its quantizer sees it; so does this reader. There are
 * two forms: a bare binary one, which has no magic number at all, and GGUF, which has been written since July 2025.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/tools/imatrix/README.md
 * @see https://github.com/ggml-org/llama.cpp/blob/master/common/imatrix-loader.cpp
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { HEAD_BYTES, describeMistake, identifyBytes } from '../../source/identify.js';
import { looksLikeDat, readDat } from './dat.js';
import { readImatrixGguf } from './gguf.js';
import type { ImportanceMatrix } from './importance-matrix.js';

export type { ImportanceMatrix } from './importance-matrix.js';

/**
 * Reads an importance matrix of either form, told apart by its first bytes. Holds one float32 for each column of each
 * tensor (some 80 MB for a 405B model, 1 GiB at most) and reads entry by entry. The source stays open.
 *
 * @throws ImatrixError all codes
 * @throws GgufError all codes that `openGgufFile` has
 * @throws SourceError `source/html-page` and its kin for what is something else, or when reading fails
 */
export async function readImportanceMatrix(source: ByteSource, options?: ReadOptions): Promise<ImportanceMatrix> {
  const head = await source.read(0, Math.min(HEAD_BYTES, source.size), options);
  const identification = identifyBytes(head, source.size);
  if (identification.kind === 'gguf') return readImatrixGguf(source, options);
  // the bare form has no magic number, so it is what is left
  if (identification.kind === 'unknown' || looksLikeDat(head)) return readDat(source, identification.sentence, options);
  throw describeMistake(identification, 'an importance matrix', source.name);
}
