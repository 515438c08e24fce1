/**
 * Arrays of GGUF's metadata, which stay in the file until someone wants them.
 *
 * A Llama 3 file has three of them with 128,256, 128,256 and 280,147 elements, and whoever lists
 * tensors needs none. Opening a file passes over them and keeps their place.
 *
 * @module
 */
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import type { GgufCursor } from './cursor.js';
import { GgufError, type GgufErrorCode } from './gguf-error.js';
import {
  type GgufElementType,
  type GgufNumbers,
  type GgufNumberType,
  isInRange,
  numberFormat,
  valueTypeOfId,
} from './value-types.js';

/** Most elements of an array: sixteen times the merges of the largest vocabulary known, and quick to pass over. */
const MAX_ELEMENTS = 1 << 23;

/** Most bytes of an array that is decoded, as all of it is held in memory: ten times the largest vocabulary known. */
const MAX_DECODED_BYTES = 1 << 28;

/** An array in the metadata: its type and length are known, its elements are read on demand. */
export interface GgufArray {
  /** Type of its elements. */
  readonly elementType: GgufElementType;
  /** Number of its elements. */
  readonly length: number;
  /** First byte of its first element in the file. */
  readonly fileOffset: number;
  /** Bytes of all its elements; a string takes eight more than its own. */
  readonly byteLength: number;
  /**
   * All elements of an array of strings; one read.
   *
   * @throws GgufError `gguf/wrong-type`, `gguf/not-utf8`, `gguf/too-large`
   */
  readStrings(options?: ReadOptions): Promise<string[]>;
  /**
   * All elements of an array of numbers, in the file's own type; booleans as 0 and 1. One read.
   *
   * @throws GgufError `gguf/wrong-type`, `gguf/overflow` for 64-bit integers beyond 2^53, `gguf/bad-value` for
   *   booleans other than 0 and 1, `gguf/too-large`
   */
  readNumbers(options?: ReadOptions): Promise<GgufNumbers>;
}

/**
 * Passes over an array, from the type of its elements on, and keeps its place.
 *
 * @param key - its key, for errors
 * @throws GgufError `gguf/truncated`, `gguf/unknown-type`, `gguf/nested-array`, `gguf/too-large`
 */
export async function scanArray(cursor: GgufCursor, key: string): Promise<GgufArray> {
  const elementType = await readElementType(cursor, key);
  const length = await cursor.count(leastBytes(elementType), MAX_ELEMENTS, `elements of ${key}`);
  const fileOffset = cursor.position;
  if (elementType === 'str') await cursor.skipStrings(length, key);
  else cursor.skip(length * leastBytes(elementType));
  const stretch = { source: cursor.source, key, fileOffset, byteLength: cursor.position - fileOffset, length };
  return {
    elementType,
    length,
    fileOffset,
    byteLength: stretch.byteLength,
    readStrings: async (options) => {
      if (elementType === 'str') return decodeStrings(stretch, await readStretch(stretch, options));
      throw failure(stretch, 'gguf/wrong-type', `${key} is an array of ${elementType}, not of strings`);
    },
    readNumbers: async (options) => {
      if (elementType === 'str') throw failure(stretch, 'gguf/wrong-type', `${key} is an array of strings, not of numbers`); // prettier-ignore
      const bytes = await readStretch(stretch, options);
      if (elementType !== 'bool') return decodeNumbers(stretch, elementType, bytes);
      expectBools(stretch, bytes);
      return decodeNumbers(stretch, 'u8', bytes);
    },
  };
}

/** Where an array's elements lie. */
interface Stretch {
  readonly source: ByteSource;
  readonly key: string;
  readonly fileOffset: number;
  readonly byteLength: number;
  readonly length: number;
}

async function readElementType(cursor: GgufCursor, key: string): Promise<GgufElementType> {
  const offset = cursor.position;
  const id = await cursor.number('u32', `the element type of ${key}`);
  const type = valueTypeOfId(id);
  if (type === undefined) throw cursor.error('gguf/unknown-type', `${key} has elements of the unknown type ${id}`, offset); // prettier-ignore
  if (type === 'arr') throw cursor.error('gguf/nested-array', `${key} is an array of arrays, which nothing writes`, offset); // prettier-ignore
  return type;
}

function leastBytes(type: GgufElementType): number {
  if (type === 'str') return 8;
  return type === 'bool' ? 1 : numberFormat(type).byteLength;
}

async function readStretch(stretch: Stretch, options: ReadOptions | undefined): Promise<Uint8Array> {
  const { source, fileOffset, byteLength, key } = stretch;
  if (byteLength <= MAX_DECODED_BYTES) return source.read(fileOffset, byteLength, options);
  const message = `the elements of ${key} take ${byteLength} bytes, at most ${MAX_DECODED_BYTES} are read`;
  throw failure(stretch, 'gguf/too-large', message);
}

function decodeStrings(stretch: Stretch, bytes: Uint8Array): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { get } = numberFormat('u64');
  const strings: string[] = [];
  let at = 0;
  try {
    for (; strings.length < stretch.length; at += 8 + get(view, at)) {
      strings.push(decoder.decode(bytes.subarray(at + 8, at + 8 + get(view, at))));
    }
  } catch {
    const message = `element ${strings.length} of ${stretch.key} is not valid UTF-8`;
    throw failure(stretch, 'gguf/not-utf8', message, stretch.fileOffset + at);
  }
  return strings;
}

function decodeNumbers(stretch: Stretch, type: GgufNumberType, bytes: Uint8Array): GgufNumbers {
  const format = numberFormat(type);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = format.allocate(stretch.length);
  for (let i = 0; i < numbers.length; i++) {
    const value = format.get(view, i * format.byteLength);
    if (!isInRange(format, value)) {
      const offset = stretch.fileOffset + i * format.byteLength;
      throw failure(stretch, 'gguf/overflow', `element ${i} of ${stretch.key} is ${value}, beyond 2^53`, offset);
    }
    numbers[i] = value;
  }
  return numbers;
}

function expectBools(stretch: Stretch, bytes: Uint8Array): void {
  const at = bytes.findIndex((byte) => byte > 1);
  if (at === -1) return;
  const message = `element ${at} of ${stretch.key} must be 0 or 1 as a bool, found ${bytes[at]!}`;
  throw failure(stretch, 'gguf/bad-value', message, stretch.fileOffset + at);
}

function failure(stretch: Stretch, code: GgufErrorCode, message: string, offset = stretch.fileOffset): GgufError {
  return new GgufError(code, message, { path: stretch.source.name, offset });
}
