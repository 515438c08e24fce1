/**
 * The key/value pairs of a GGUF file.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#standardized-key-value-pairs
 * @module
 */
import type { ReadOptions } from '../../source/byte-source.js';
import { shownName } from '../shown-name.js';
import { type GgufArray, scanArray } from './array.js';
import type { GgufCursor } from './cursor.js';
import type { GgufMetadataEntry } from './plan.js';
import { type GgufElementType, type GgufNumbers, type GgufNumberType, valueTypeOfId } from './value-types.js';

/** Most pairs of a file; files have fewer than a hundred. */
const MAX_PAIRS = 1 << 16;

/** Longest key, by the specification. */
const MAX_KEY_BYTES = 65_535;

/** Longest string outside an array; the longest known, chat templates, have some ten thousand bytes. */
const MAX_STRING_BYTES = 1 << 24;

/** Fewest bytes of a pair: the length of an empty key, a type, a value of one byte. */
const LEAST_PAIR_BYTES = 13;

/** A value and the exact type it has in the file. */
export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'str'; readonly value: string }
  | { readonly type: `arr[${GgufElementType}]`; readonly value: GgufArray };

/** A value whose array, if it is one, has been read. */
export interface GgufReadValue {
  /** Type in the file. */
  readonly type: GgufValue['type'];
  /** The value. */
  readonly value: number | boolean | string | readonly string[] | GgufNumbers;
}

/**
 * Reads the pairs; arrays are passed over and stay in the file.
 *
 * @throws GgufError `gguf/truncated`, `gguf/too-large`, `gguf/not-utf8`, `gguf/duplicate-key`,
 *   `gguf/unknown-type`, `gguf/nested-array`, `gguf/bad-value`, `gguf/overflow`
 */
export async function readPairs(cursor: GgufCursor, count: number): Promise<Map<string, GgufValue>> {
  const pairs = new Map<string, GgufValue>();
  for (let pair = 0; pair < count; pair++) {
    const offset = cursor.position;
    const key = await cursor.string(MAX_KEY_BYTES, `key ${pair}`);
    if (pairs.has(key)) {
      throw cursor.error('gguf/duplicate-key', `the key ${shownName(key)} occurs twice in the metadata`, offset);
    }
    pairs.set(key, await readValue(cursor, shownName(key)));
  }
  return pairs;
}

/** The number of pairs. @throws GgufError `gguf/truncated`, `gguf/too-large` */
export function readPairCount(cursor: GgufCursor): Promise<number> {
  return cursor.count(LEAST_PAIR_BYTES, MAX_PAIRS, 'key/value pairs');
}

/**
 * Reads the arrays among some pairs and leaves the other pairs as they are.
 *
 * @param keys - which pairs; keys that the metadata does not have are left out
 * @throws GgufError `gguf/not-utf8`, `gguf/overflow`, `gguf/too-large`
 */
export async function readMetadataValues(
  metadata: ReadonlyMap<string, GgufValue>,
  keys: Iterable<string>,
  options?: ReadOptions,
): Promise<Map<string, GgufReadValue>> {
  const read = new Map<string, GgufReadValue>();
  for (const key of keys) {
    const found = metadata.get(key);
    if (found === undefined) continue;
    const { type, value } = found;
    if (typeof value !== 'object') read.set(key, { type, value });
    else if (value.elementType === 'str') read.set(key, { type, value: await value.readStrings(options) });
    else read.set(key, { type, value: await value.readNumbers(options) });
  }
  return read;
}

/** A pair that has been read, as it is written again. */
export function metadataEntry([key, { type, value }]: [string, GgufReadValue]): GgufMetadataEntry {
  // booleans were read as the numbers 0 and 1, which the writer does not take for booleans
  const written = type === 'arr[bool]' ? Array.from(value as Uint8Array, (element) => element !== 0) : value;
  return { key, type, value: written } as GgufMetadataEntry;
}

async function readValue(cursor: GgufCursor, key: string): Promise<GgufValue> {
  const offset = cursor.position;
  const id = await cursor.number('u32', `the type of ${key}`);
  const type = valueTypeOfId(id);
  switch (type) {
    case undefined:
      throw cursor.error('gguf/unknown-type', `${key} has the unknown type ${id}`, offset);
    case 'arr': {
      const value = await scanArray(cursor, key);
      return { type: `arr[${value.elementType}]`, value };
    }
    case 'str':
      return { type, value: await cursor.string(MAX_STRING_BYTES, key) };
    case 'bool':
      return { type, value: await readBoolean(cursor, key) };
    default:
      return { type, value: await cursor.number(type, key) };
  }
}

async function readBoolean(cursor: GgufCursor, key: string): Promise<boolean> {
  const value = await cursor.number('u8', key);
  if (value <= 1) return value === 1;
  throw cursor.error('gguf/bad-value', `${key} must be 0 or 1 as a bool, found ${value}`, cursor.position - 1);
}
