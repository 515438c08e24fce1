/**
 * GGUF files for tests: made byte by byte by the specification, and one that our writer made of every type.
 *
 * Not part of the package.
 *
 * @module
 */
import type { GgufArray } from '../formats/gguf/array.js';
import { planGguf } from '../formats/gguf/plan.js';
import { type GgufFile, openGgufFile } from '../formats/gguf/read.js';
import { memorySource } from '../source/memory.js';

/** A field of one byte. */
export function u8(value: number): number[] {
  return [value];
}

/** A field of four bytes. */
export function u32(value: number): number[] {
  return [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
}

/** A field of eight bytes. */
export function u64(value: number | bigint): number[] {
  const big = BigInt.asUintN(64, BigInt(value));
  return [...u32(Number(big & 0xffffffffn)), ...u32(Number(big >> 32n))];
}

/** A string after its length. */
export function str(text: string): number[] {
  const bytes = new TextEncoder().encode(text);
  return [...u64(bytes.byteLength), ...bytes];
}

/** The numbers of some types of values. */
export const [U8, U32, BOOL, STR, ARR, U64, I64] = [0, 4, 7, 8, 9, 10, 11].map(u32) as [number[], number[], number[], number[], number[], number[], number[]]; // prettier-ignore

/** What to put into a file; what is left out follows from the rest. */
export interface Parts {
  magic?: string;
  version?: number[];
  tensorCount?: number[];
  pairCount?: number[];
  /** Bytes of each pair. */
  pairs?: number[][];
  /** Bytes of each entry of the list of tensors. */
  tensors?: number[][];
  /** Bytes after the padding. */
  dataLength?: number;
  alignment?: number;
}

/** A file of those parts, its data the bytes 0, 1, 2, … */
export function file(parts: Parts): Uint8Array {
  const { pairs = [], tensors = [], dataLength = 0, alignment = 32 } = parts;
  const head = [
    ...new TextEncoder().encode(parts.magic ?? 'GGUF'),
    ...(parts.version ?? u32(3)),
    ...(parts.tensorCount ?? u64(tensors.length)),
    ...(parts.pairCount ?? u64(pairs.length)),
    ...pairs.flat(),
    ...tensors.flat(),
  ];
  const bytes = new Uint8Array(Math.ceil(head.length / alignment) * alignment + dataLength);
  bytes.set(head);
  for (let i = 0; i < dataLength; i++) bytes[bytes.byteLength - dataLength + i] = i;
  return bytes;
}

/** An entry of the list of tensors; extents fastest first, as in the file. */
export function tensor(name: string, ne: (number | bigint)[], type: number, offset: number | bigint): number[] {
  return [...str(name), ...u32(ne.length), ...ne.flatMap(u64), ...u32(type), ...u64(offset)];
}

/** A pair from its key and the bytes of its type and value. */
export const pair = (key: string, ...value: number[][]): number[] => [...str(key), ...value.flat()];

/** Opens a file that is called `x.gguf`. */
export function open(bytes: Uint8Array): Promise<GgufFile> {
  return openGgufFile(memorySource(bytes, 'x.gguf'));
}

/** An array of the metadata. */
export function arrayOf(opened: GgufFile, key: string): GgufArray {
  const value = opened.metadata.get(key)?.value;
  if (typeof value !== 'object') throw new Error(`${key} is no array`);
  return value;
}

/** One pair of every type, the smallest and the largest value of each. */
export const EVERY_TYPE = planGguf({
  metadata: [
    { key: 'u8', type: 'u8', value: 255 },
    { key: 'i8', type: 'i8', value: -128 },
    { key: 'u16', type: 'u16', value: 65535 },
    { key: 'i16', type: 'i16', value: -32768 },
    { key: 'u32', type: 'u32', value: 4294967295 },
    { key: 'i32', type: 'i32', value: -2147483648 },
    { key: 'f32', type: 'f32', value: 0.1 },
    { key: 'yes', type: 'bool', value: true },
    { key: 'no', type: 'bool', value: false },
    { key: 'str', type: 'str', value: '\ufeffgrüße \u0000' },
    { key: 'u64', type: 'u64', value: Number.MAX_SAFE_INTEGER },
    { key: 'i64', type: 'i64', value: -Number.MAX_SAFE_INTEGER },
    { key: 'f64', type: 'f64', value: 0.1 },
    { key: 'strings', type: 'arr[str]', value: ['\ufeffĠa', '', '▁b'] },
    { key: 'bools', type: 'arr[bool]', value: [true, false] },
    { key: 'numbers', type: 'arr[i32]', value: [1, -2, 3] },
    { key: 'scores', type: 'arr[f32]', value: Float32Array.of(-0.5, 1) },
    { key: 'wide', type: 'arr[i64]', value: [-1, 2 ** 40] },
    { key: 'small', type: 'arr[i8]', value: [-128, 127] },
    { key: 'short', type: 'arr[i16]', value: [-32768, 32767] },
    { key: 'ids', type: 'arr[u32]', value: Uint32Array.of(4294967295) },
    { key: 'double', type: 'arr[f64]', value: [0.1] },
    { key: 'large', type: 'arr[u64]', value: [2 ** 53 - 1] },
    { key: 'none', type: 'arr[u16]', value: [] },
  ],
  tensors: [
    { name: 'w', dtype: 'float16', shape: [2, 3] },
    { name: 'q', dtype: 'q8_0', shape: [2, 64] },
  ],
});
/** The file of that plan; each byte of its data is its offset's lowest. */
export const WHOLE = new Uint8Array(EVERY_TYPE.byteLength).map((_, i) => i);
WHOLE.set(EVERY_TYPE.header);
