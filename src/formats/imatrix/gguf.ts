/**
 * The GGUF form of an importance matrix, which llama-imatrix writes since July 2025.
 *
 * A tensor `NAME.in_sum2` holds the sums of squares and `NAME.counts` how many tokens went into them, one count for
 * each expert; both are F32. An expert that no token reached has a count of 0, and importances of 1 then. Other
 * tensors, such as `NAME.in_sum`, are passed over.
 *
 *     imatrix.datasets      arr[str]   the texts
 *     imatrix.chunk_count   u32        pieces of them
 *     imatrix.chunk_size    u32        tokens of a piece
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/common/imatrix-loader.cpp
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { type GgufFile, openGgufFile } from '../gguf/read.js';
import type { GgufValue } from '../gguf/metadata.js';
import { shownName } from '../shown-name.js';
import { type StoredTensor, rowCountOf, rowLengthOf } from '../tensor.js';
import {
  FLOAT_BYTES,
  type FloatStretch,
  type ImportanceMatrix,
  MAX_DATASET_BYTES,
  MAX_ENTRIES,
  MAX_FLOATS,
  divide,
  imatrixError,
  readFloats,
  readSums,
} from './importance-matrix.js';

const SUMS_SUFFIX = '.in_sum2';
const COUNTS_SUFFIX = '.counts';

const DATASETS = 'imatrix.datasets';
const CHUNK_COUNT = 'imatrix.chunk_count';
const CHUNK_SIZE = 'imatrix.chunk_size';

/** llama.cpp keeps the number of pieces in an `int`. */
const MAX_CHUNK_COUNT = 0x7fffffff;

/** Where the two halves of an entry lie. */
interface Entry {
  readonly sums: FloatStretch;
  readonly counts: FloatStretch;
}

/**
 * Reads the GGUF form.
 *
 * @throws ImatrixError all codes but `imatrix/truncated`, `imatrix/trailing-data`, `imatrix/duplicate-name`,
 *   `imatrix/no-sums`
 * @throws GgufError all codes that `openGgufFile` has, as well as `gguf/not-utf8` for names of texts
 */
export async function readImatrixGguf(source: ByteSource, options?: ReadOptions): Promise<ImportanceMatrix> {
  const file = await openGgufFile(source, options); // not closed here, as the source is the caller's
  const places = findEntries(file, source);
  expectEntries(file, source, places.size);
  const chunkCount = expectChunkCount(file, source);
  const datasets = await readDatasets(file, source, options);
  const entries = new Map<string, Float32Array>();
  for (const [name, entry] of places) entries.set(name, await readEntry(entry, options));
  return { entries, datasets, chunkCount, form: 'gguf' };
}

/** Pairs sums with counts and checks shapes, types and room; reads nothing. */
function findEntries(file: GgufFile, source: ByteSource): Map<string, Entry> {
  const tensors = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const entries = new Map<string, Entry>();
  let room = MAX_FLOATS;
  for (const tensor of file.tensors) {
    const name = entryName(tensor.name);
    if (name === undefined || entries.has(name)) continue;
    if (name === '') throw imatrixError('imatrix/bad-name', 'an entry has no name', source, tensor.fileOffset);
    const entry = {
      sums: expectFloats(source, name, tensors.get(name + SUMS_SUFFIX), SUMS_SUFFIX),
      counts: expectFloats(source, name, tensors.get(name + COUNTS_SUFFIX), COUNTS_SUFFIX),
    };
    expectShape(entry);
    room -= entry.sums.count;
    if (room < 0) tooLarge(source, `with ${shownName(name)} the file has more than ${MAX_FLOATS} sums`);
    entries.set(name, entry);
  }
  if (entries.size > MAX_ENTRIES) tooLarge(source, `the file has ${entries.size} entries, at most ${MAX_ENTRIES} are read`); // prettier-ignore
  return entries;
}

function entryName(tensorName: string): string | undefined {
  const suffix = [SUMS_SUFFIX, COUNTS_SUFFIX].find((ending) => tensorName.endsWith(ending));
  return suffix === undefined ? undefined : tensorName.slice(0, -suffix.length);
}

function expectFloats(
  source: ByteSource,
  name: string,
  tensor: StoredTensor | undefined,
  suffix: string,
): FloatStretch {
  if (tensor === undefined) {
    throw imatrixError('imatrix/missing-part', `the tensor ${shownName(name + suffix)} is missing`, source);
  }
  const { fileOffset, storedDtype, shape } = tensor;
  if (storedDtype !== 'F32' || fileOffset === undefined) {
    const message = `the tensor ${shownName(tensor.name)} must be F32, found ${storedDtype}`;
    throw imatrixError('imatrix/wrong-type', message, source, fileOffset);
  }
  return { source, name, fileOffset, count: rowCountOf(shape) * rowLengthOf(shape) };
}

function expectShape({ sums, counts }: Entry): void {
  if (counts.count <= sums.count && sums.count % counts.count === 0) return;
  const message = `${shownName(sums.name)} has ${sums.count} sums, which ${counts.count} counts cannot share`;
  throw imatrixError('imatrix/bad-shape', message, sums.source, sums.fileOffset);
}

function tooLarge(source: ByteSource, message: string): never {
  throw imatrixError('imatrix/too-large', message, source);
}

/** Refuses a file without entries, and says what it is where it is the GGUF file of a model. */
function expectEntries({ metadata }: GgufFile, source: ByteSource, entryCount: number): void {
  if (entryCount > 0) return;
  const kind = metadata.get('general.type')?.value;
  if (kind === 'imatrix' || metadata.has(CHUNK_COUNT)) {
    throw imatrixError('imatrix/no-entries', 'the file has no entries', source);
  }
  const what = typeof kind === 'string' ? ` of the type ${shownName(kind)}` : '';
  const message = `an importance matrix was expected, but this is a GGUF file${what} without any importances`;
  throw imatrixError('imatrix/not-imatrix', message, source);
}

/** A pair without which llama-quantize refuses a file. */
function expectKey({ metadata }: GgufFile, source: ByteSource, key: string): GgufValue {
  const found = metadata.get(key);
  if (found !== undefined) return found;
  throw imatrixError('imatrix/missing-key', `the metadata lacks ${key}`, source);
}

function expectU32(file: GgufFile, source: ByteSource, key: string): number {
  const { type, value } = expectKey(file, source, key);
  if (type === 'u32') return value;
  throw imatrixError('imatrix/wrong-type', `${key} must be of the type u32, found ${type}`, source);
}

function expectChunkCount(file: GgufFile, source: ByteSource): number {
  expectU32(file, source, CHUNK_SIZE); // of no use here, but files without it are refused
  const count = expectU32(file, source, CHUNK_COUNT);
  if (count <= MAX_CHUNK_COUNT) return count;
  throw imatrixError('imatrix/bad-count', `${CHUNK_COUNT} is ${count}, at most ${MAX_CHUNK_COUNT} is possible`, source);
}

async function readDatasets(
  file: GgufFile,
  source: ByteSource,
  options: ReadOptions | undefined,
): Promise<readonly string[]> {
  const { type, value } = expectKey(file, source, DATASETS);
  if (typeof value !== 'object' || value.elementType !== 'str') {
    throw imatrixError('imatrix/wrong-type', `${DATASETS} must be an array of strings, found ${type}`, source);
  }
  if (value.byteLength <= MAX_DATASET_BYTES) return value.readStrings(options);
  const message = `${DATASETS} takes ${value.byteLength} bytes, at most ${MAX_DATASET_BYTES} are read`;
  throw imatrixError('imatrix/too-large', message, source, value.fileOffset);
}

/** The sums of an entry, those of each expert divided by its count. */
async function readEntry({ sums, counts }: Entry, options: ReadOptions | undefined): Promise<Float32Array> {
  const values = await readSums(sums, options);
  const columns = sums.count / counts.count;
  for (const [expert, stored] of (await readFloats(counts, options)).entries()) {
    const count = roundedCount(stored);
    const own = values.subarray(expert * columns, (expert + 1) * columns);
    if (count > 0) divide(own, count);
    else if (count === 0) own.fill(1);
    else {
      const message = `count ${expert} of ${shownName(counts.name)} is ${stored}, which is no number of tokens`;
      throw imatrixError('imatrix/bad-count', message, counts.source, counts.fileOffset + expert * FLOAT_BYTES);
    }
  }
  return values;
}

/** The count as C's `lround` rounds it, halves up; NaN where it is negative, not finite or beyond 64 bits. */
function roundedCount(stored: number): number {
  if (!(stored >= 0 && stored < 2 ** 63)) return NaN;
  // floor(x + 0.5) would be wrong beyond 2^52, and just below a half
  return stored % 1 >= 0.5 ? Math.ceil(stored) : Math.floor(stored);
}
