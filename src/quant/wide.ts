/**
 * Plain types that are decoded by way of JavaScript's own numbers: float64, the integers, bool.
 *
 * Every one of them is exact as a number, save 64-bit integers beyond 2^53. Not every one is exact as
 * a float32; whoever narrows them can compare with these numbers to learn what was lost.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { wordsOf } from './words.js';

const READERS = {
  float64: (bytes: Uint8Array) => wordsOf(Float64Array, bytes),
  int8: (bytes: Uint8Array) => wordsOf(Int8Array, bytes),
  int16: (bytes: Uint8Array) => wordsOf(Int16Array, bytes),
  int32: (bytes: Uint8Array) => wordsOf(Int32Array, bytes),
  int64: (bytes: Uint8Array) => Float64Array.from(wordsOf(BigInt64Array, bytes), Number),
  uint8: (bytes: Uint8Array) => bytes,
  uint16: (bytes: Uint8Array) => wordsOf(Uint16Array, bytes),
  uint32: (bytes: Uint8Array) => wordsOf(Uint32Array, bytes),
  uint64: (bytes: Uint8Array) => Float64Array.from(wordsOf(BigUint64Array, bytes), Number),
  bool: (bytes: Uint8Array) => bytes.map((byte) => (byte === 0 ? 0 : 1)),
} as const satisfies Partial<Record<DType, (bytes: Uint8Array) => ArrayLike<number>>>;

/** A plain type whose elements this module reads. */
export type WideType = keyof typeof READERS;

/** Names of these types. */
export const WIDE_TYPES = Object.keys(READERS) as readonly WideType[];

/** Whether this module reads the type. */
export function isWideType(dtype: DType): dtype is WideType {
  return dtype in READERS;
}

/** The elements as numbers: a view where that is possible, else a copy of eight bytes an element. */
export function numbersOf(dtype: WideType, bytes: Uint8Array): ArrayLike<number> {
  return READERS[dtype](bytes);
}
