/**
 * The element types of safetensors under the names of the file.
 *
 * Their order matters: the library writes tensors of a later type first, so that every tensor starts
 * at a multiple of its element size. Its types of less than a byte (F4, F6_E2M3, F6_E3M2) are left out.
 *
 * @see https://docs.rs/safetensors/latest/safetensors/tensor/enum.Dtype.html
 * @module
 */
import type { DType } from '../../dtype.js';

/** Names and types, from the smallest alignment to the largest. */
const TYPES: readonly (readonly [stored: string, dtype: DType])[] = [
  ['BOOL', 'bool'],
  ['U8', 'uint8'],
  ['I8', 'int8'],
  ['F8_E5M2', 'float8_e5m2'],
  ['F8_E4M3', 'float8_e4m3fn'],
  ['F8_E8M0', 'float8_e8m0fnu'],
  ['F8_E4M3FNUZ', 'float8_e4m3fnuz'],
  ['F8_E5M2FNUZ', 'float8_e5m2fnuz'],
  ['I16', 'int16'],
  ['U16', 'uint16'],
  ['F16', 'float16'],
  ['BF16', 'bfloat16'],
  ['I32', 'int32'],
  ['U32', 'uint32'],
  ['F32', 'float32'],
  ['C64', 'complex64'],
  ['F64', 'float64'],
  ['I64', 'int64'],
  ['U64', 'uint64'],
];

/** A type as the format has it. */
export interface StoredType {
  /** The file's name for it. */
  readonly stored: string;
  /** Place in the library's order; tensors of a higher rank come first in a file. */
  readonly rank: number;
}

const DTYPES: ReadonlyMap<string, DType> = new Map(TYPES);
const STORED: ReadonlyMap<DType, StoredType> = new Map(TYPES.map(([stored, dtype], rank) => [dtype, { stored, rank }]));

/** The type that a file's name stands for; undefined for names that are not known. */
export function dtypeOfStored(stored: string): DType | undefined {
  return DTYPES.get(stored);
}

/** How the format stores a type; undefined for types that it does not have. */
export function storedTypeOf(dtype: DType): StoredType | undefined {
  return STORED.get(dtype);
}
