/**
 * Reads GGUF files.
 *
 * Magic, version, two counts, key/value pairs, the list of tensors, padding, data. Versions 2 and 3 are
 * laid out alike (3 only allowed for big-endian machines); version 1 counted in 32 bits and lasted a
 * month.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { contiguousTensor } from '../contiguous.js';
import type { TensorFile } from '../tensor.js';
import { ALIGNMENT_KEY, DEFAULT_ALIGNMENT, alignedUp, isAlignment } from './alignment.js';
import { GgufCursor } from './cursor.js';
import { GgufError } from './gguf-error.js';
import { type GgufValue, readPairCount, readPairs } from './metadata.js';
import { expectPlaces, readTensorCount, readTensorInfos } from './tensor-infos.js';

/** An open GGUF file. */
export interface GgufFile extends TensorFile {
  /** Always `gguf`. */
  readonly format: 'gguf';
  /** Version of the format. */
  readonly version: 2 | 3;
  /** The key/value pairs in the file's order, each with its exact type; arrays are read on demand. */
  readonly metadata: ReadonlyMap<string, GgufValue>;
  /** Every tensor starts at a multiple of this. */
  readonly alignment: number;
  /** Where the data starts. */
  readonly dataStart: number;
}

const MAGIC = 'GGUF';

/**
 * Opens a GGUF file: reads its pairs and its list of tensors and checks all of it. Memory is bounded by
 * one window whatever the file claims; strings in arrays are passed over. Closing the file closes the
 * source; when this throws, the source stays open.
 *
 * @throws GgufError all codes but `gguf/wrong-type`
 * @throws SourceError when reading fails
 */
export async function openGgufFile(source: ByteSource, options?: ReadOptions): Promise<GgufFile> {
  const cursor = new GgufCursor(source, options);
  const version = await readVersion(cursor);
  const tensorCount = await readTensorCount(cursor);
  const metadata = await readPairs(cursor, await readPairCount(cursor));
  const alignment = expectAlignment(cursor, metadata);
  const infos = await readTensorInfos(cursor, tensorCount);
  const dataStart = alignedUp(cursor.position, alignment);
  expectPlaces(cursor, infos, dataStart, alignment);
  return {
    format: 'gguf',
    name: source.name,
    size: source.size,
    version,
    metadata,
    alignment,
    dataStart,
    tensors: infos.map((info) =>
      contiguousTensor(info, { source, fileOffset: dataStart + info.offset, storedDtype: info.type.name }),
    ),
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}

async function readVersion(cursor: GgufCursor): Promise<2 | 3> {
  const magic = await cursor.bytes(MAGIC.length, 'the magic number');
  if (String.fromCharCode(...magic) !== MAGIC) {
    const found = [...magic].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw cursor.error('gguf/not-gguf', `the file starts with the bytes ${found}, not with "${MAGIC}"`, 0);
  }
  const offset = cursor.position;
  const version = await cursor.number('u32', 'the version');
  if (version === 2 || version === 3) return version;
  if (version !== 0 && version % 0x10000 === 0) {
    throw cursor.error('gguf/big-endian', 'the file is for big-endian machines', offset, 'get the little-endian file');
  }
  const message = `the file has version ${version} of the format, only 2 and 3 can be read`;
  const hint = version === 1 ? 'convert the original model again: version 1 was in use in August 2023 only' : undefined;
  throw cursor.error('gguf/unsupported-version', message, offset, hint);
}

function expectAlignment(cursor: GgufCursor, metadata: ReadonlyMap<string, GgufValue>): number {
  const stated = metadata.get(ALIGNMENT_KEY);
  if (stated === undefined) return DEFAULT_ALIGNMENT;
  if (stated.type === 'u32' && isAlignment(stated.value)) return stated.value;
  const found = typeof stated.value === 'object' ? 'an array' : stated.value;
  const message = `${ALIGNMENT_KEY} must be a power of two from 8 on, as u32; found ${found} as ${stated.type}`;
  throw new GgufError('gguf/bad-alignment', message, { path: cursor.source.name });
}
