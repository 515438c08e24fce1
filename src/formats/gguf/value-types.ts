/**
 * The types of values in the metadata of GGUF.
 *
 * A value carries its type as a number; 64-bit integers were added last, which is why they follow the
 * array. Names are those of gguf-py, shortened: `u32`, `str`, `arr[i32]`.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#file-structure
 * @module
 */

/** Types that JavaScript holds in a number. */
export type GgufNumberType = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32' | 'u64' | 'i64' | 'f64';

/** Types that an array can have as elements. */
export type GgufElementType = GgufNumberType | 'bool' | 'str';

/** Every type's name, at the place of its number in the file. */
const NAMES = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'bool', 'str', 'arr', 'u64', 'i64', 'f64'] as const;

/** How a number is stored. */
export interface NumberFormat {
  /** Bytes that it takes. */
  readonly byteLength: number;
  /** Smallest and largest value; undefined for floating point, which takes every number. */
  readonly range: readonly [smallest: number, largest: number] | undefined;
  /** The number at a place; 64-bit integers beyond 2^53 are rounded, the caller checks. */
  readonly get: (view: DataView, at: number) => number;
  /** Stores a number that is in range. */
  readonly set: (view: DataView, at: number, value: number) => void;
  /** An array of so many elements that holds every value of the type. */
  readonly allocate: (length: number) => GgufNumbers;
}

/** An array of numbers of the metadata, in the type of the file; 64-bit integers as float64. */
export type GgufNumbers =
  Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** 2^53 - 1: the largest integer that numbers hold without a gap; larger 64-bit integers are refused. */
const LARGEST = Number.MAX_SAFE_INTEGER;

const HIGH_HALF = 2 ** 32;

const NUMBER_FORMATS: Readonly<Record<GgufNumberType, NumberFormat>> = {
  u8: {
    byteLength: 1,
    range: [0, 0xff],
    get: (view, at) => view.getUint8(at),
    set: (view, at, value) => view.setUint8(at, value),
    allocate: (length) => new Uint8Array(length),
  },
  i8: {
    byteLength: 1,
    range: [-0x80, 0x7f],
    get: (view, at) => view.getInt8(at),
    set: (view, at, value) => view.setInt8(at, value),
    allocate: (length) => new Int8Array(length),
  },
  u16: {
    byteLength: 2,
    range: [0, 0xffff],
    get: (view, at) => view.getUint16(at, true),
    set: (view, at, value) => view.setUint16(at, value, true),
    allocate: (length) => new Uint16Array(length),
  },
  i16: {
    byteLength: 2,
    range: [-0x8000, 0x7fff],
    get: (view, at) => view.getInt16(at, true),
    set: (view, at, value) => view.setInt16(at, value, true),
    allocate: (length) => new Int16Array(length),
  },
  u32: {
    byteLength: 4,
    range: [0, 0xffffffff],
    get: (view, at) => view.getUint32(at, true),
    set: (view, at, value) => view.setUint32(at, value, true),
    allocate: (length) => new Uint32Array(length),
  },
  i32: {
    byteLength: 4,
    range: [-0x80000000, 0x7fffffff],
    get: (view, at) => view.getInt32(at, true),
    set: (view, at, value) => view.setInt32(at, value, true),
    allocate: (length) => new Int32Array(length),
  },
  f32: {
    byteLength: 4,
    range: undefined,
    get: (view, at) => view.getFloat32(at, true),
    set: (view, at, value) => view.setFloat32(at, value, true),
    allocate: (length) => new Float32Array(length),
  },
  u64: {
    byteLength: 8,
    range: [0, LARGEST],
    get: (view, at) => view.getUint32(at, true) + view.getUint32(at + 4, true) * HIGH_HALF,
    set: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
    allocate: (length) => new Float64Array(length),
  },
  i64: {
    byteLength: 8,
    range: [-LARGEST, LARGEST],
    get: (view, at) => view.getUint32(at, true) + view.getInt32(at + 4, true) * HIGH_HALF,
    set: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
    allocate: (length) => new Float64Array(length),
  },
  f64: {
    byteLength: 8,
    range: undefined,
    get: (view, at) => view.getFloat64(at, true),
    set: (view, at, value) => view.setFloat64(at, value, true),
    allocate: (length) => new Float64Array(length),
  },
};

/** The type with that number; undefined where there is none. */
export function valueTypeOfId(id: number): GgufElementType | 'arr' | undefined {
  return NAMES[id];
}

/** The number of a type. */
export function idOfValueType(type: GgufElementType | 'arr'): number {
  return NAMES.indexOf(type);
}

/** How numbers of the type are stored. */
export function numberFormat(type: GgufNumberType): NumberFormat {
  return NUMBER_FORMATS[type];
}

/** Whether the number is one of the type's: in range, and whole where the type is. */
export function isInRange({ range }: NumberFormat, value: number): boolean {
  return range === undefined || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}
