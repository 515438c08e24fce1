/**
 * The bare form of an importance matrix, `.dat`, which llama-imatrix wrote until July 2025 and still writes when asked.
 *
 * It has no magic number and no version. The counts are those of pieces of text, not of tokens, and what follows the
 * entries came later, so that old files end before it. All fields are little-endian, the integers signed:
 *
 *     i32 number of entries
 *       i32 bytes of the name | name | i32 count | i32 number of sums | f32 sums…      for each entry
 *     i32 pieces of text                                                               may be absent
 *     i32 bytes of the text's name | name                                              may be absent
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/common/imatrix-loader.cpp
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { shownName } from '../shown-name.js';
import { DatCursor, INT_BYTES } from './dat-cursor.js';
import {
  FLOAT_BYTES,
  type ImportanceMatrix,
  MAX_DATASET_BYTES,
  MAX_ENTRIES,
  MAX_FLOATS,
  divide,
} from './importance-matrix.js';

/** Longest name of a tensor; ggml allows 63 bytes, builds of others up to 255. */
const MAX_NAME_BYTES = 1024;

/** Fewest bytes of an entry: three integers, a name of one byte, one sum. */
const LEAST_ENTRY_BYTES = 3 * INT_BYTES + 1 + FLOAT_BYTES;

/**
 * Whether a file that begins with `head` can be of the bare form: a count of entries and the length of a name that both
 * make sense. No other format that is known here begins so, but a list of 640 entries does look like a Python pickle.
 */
export function looksLikeDat(head: Uint8Array): boolean {
  if (head.byteLength < 2 * INT_BYTES) return false;
  const view = new DataView(head.buffer, head.byteOffset);
  const entryCount = view.getInt32(0, true);
  const nameBytes = view.getInt32(INT_BYTES, true);
  return entryCount > 0 && entryCount <= MAX_ENTRIES && nameBytes > 0 && nameBytes <= MAX_NAME_BYTES;
}

/**
 * Reads the bare form.
 *
 * @param sentence - what the file looks like, for the error when it is something else
 * @throws ImatrixError all codes but `imatrix/missing-key`, `imatrix/missing-part`, `imatrix/wrong-type`,
 *   `imatrix/bad-shape`
 */
export async function readDat(source: ByteSource, sentence: string, options?: ReadOptions): Promise<ImportanceMatrix> {
  const cursor = new DatCursor(source, options);
  const entryCount = await readEntryCount(cursor, sentence);
  const entries = new Map<string, Float32Array>();
  let room = MAX_FLOATS;
  for (let index = 0; index < entryCount; index++) {
    const nameOffset = cursor.position;
    const name = await readName(cursor, index);
    if (entries.has(name)) {
      throw cursor.error('imatrix/duplicate-name', `two entries have the name ${shownName(name)}`, nameOffset);
    }
    const sums = await readEntry(cursor, name, room);
    room -= sums.length;
    entries.set(name, sums);
  }
  return { entries, ...(await readTrailer(cursor)), form: 'dat' };
}

async function readEntryCount(cursor: DatCursor, sentence: string): Promise<number> {
  const count = await cursor.int('the number of entries');
  if (count < 0 || count > MAX_ENTRIES) {
    const message = `an importance matrix was expected, but this is ${sentence}`;
    throw cursor.error('imatrix/not-imatrix', message, 0);
  }
  if (count === 0) throw cursor.error('imatrix/no-entries', 'the file says that it has no entries', 0);
  if (count * LEAST_ENTRY_BYTES <= cursor.left) return count;
  const message = `the file says that it has ${count} entries, but only ${cursor.left} bytes are left`;
  throw cursor.error('imatrix/truncated', message, 0);
}

async function readName(cursor: DatCursor, index: number): Promise<string> {
  const offset = cursor.position;
  const name = await cursor.string(MAX_NAME_BYTES, `the name of entry ${index}`);
  // C strings end at a zero, so what follows it would be lost on llama-quantize
  if (name !== '' && !name.includes('\0')) return name;
  const what = name === '' ? 'is empty' : `holds a zero: ${shownName(name)}`;
  throw cursor.error('imatrix/bad-name', `the name of entry ${index} ${what}`, offset);
}

/** An entry from its count on, its sums divided by it. */
async function readEntry(cursor: DatCursor, name: string, room: number): Promise<Float32Array> {
  const shown = shownName(name);
  const count = await cursor.count(`the count of ${shown}`);
  const offset = cursor.position;
  const length = await cursor.count(`the number of sums of ${shown}`);
  if (length === 0) throw cursor.error('imatrix/no-sums', `${shown} has no sums`, offset);
  cursor.expectLeft(length * FLOAT_BYTES, `the ${length} sums of ${shown}`, offset);
  if (length > room) {
    throw cursor.error('imatrix/too-large', `with ${shown} the file has more than ${MAX_FLOATS} sums`, offset);
  }
  const sums = await cursor.sums(name, length);
  // with a count of 0 llama-quantize takes the sums as they are
  if (count > 0) divide(sums, Math.fround(count));
  return sums;
}

async function readTrailer(cursor: DatCursor): Promise<Pick<ImportanceMatrix, 'chunkCount' | 'datasets'>> {
  if (cursor.left === 0) return { chunkCount: 0, datasets: [] };
  const chunkCount = await cursor.count('the number of pieces of text');
  if (cursor.left === 0) return { chunkCount, datasets: [] };
  const dataset = await cursor.string(MAX_DATASET_BYTES, "the text's name");
  if (cursor.left > 0) {
    throw cursor.error('imatrix/trailing-data', `${cursor.left} bytes follow the end of the importance matrix`);
  }
  // llama-quantize takes it for a C string, which ends at a zero
  const [path = ''] = dataset.split('\0', 1);
  return { chunkCount, datasets: dataset === '' ? [] : [path] };
}
