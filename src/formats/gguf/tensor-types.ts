/**
 * The types of tensors in GGUF: ggml's numbers and names for them.
 *
 * Numbers are never used again: the holes are types that ggml once had.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/include/ggml.h (enum ggml_type)
 * @module
 */
import type { DType } from '../../dtype.js';

/** A type as ggml knows it. */
export interface GgmlType {
  /** Its number in the file. */
  readonly id: number;
  /** ggml's name for it: `F32`, `Q4_K`. */
  readonly name: string;
  /** The same type in this package's words. */
  readonly dtype: DType;
}

const TYPES: readonly GgmlType[] = [
  { id: 0, name: 'F32', dtype: 'float32' },
  { id: 1, name: 'F16', dtype: 'float16' },
  { id: 2, name: 'Q4_0', dtype: 'q4_0' },
  { id: 3, name: 'Q4_1', dtype: 'q4_1' },
  { id: 6, name: 'Q5_0', dtype: 'q5_0' },
  { id: 7, name: 'Q5_1', dtype: 'q5_1' },
  { id: 8, name: 'Q8_0', dtype: 'q8_0' },
  { id: 9, name: 'Q8_1', dtype: 'q8_1' },
  { id: 10, name: 'Q2_K', dtype: 'q2_k' },
  { id: 11, name: 'Q3_K', dtype: 'q3_k' },
  { id: 12, name: 'Q4_K', dtype: 'q4_k' },
  { id: 13, name: 'Q5_K', dtype: 'q5_k' },
  { id: 14, name: 'Q6_K', dtype: 'q6_k' },
  { id: 15, name: 'Q8_K', dtype: 'q8_k' },
  { id: 16, name: 'IQ2_XXS', dtype: 'iq2_xxs' },
  { id: 17, name: 'IQ2_XS', dtype: 'iq2_xs' },
  { id: 18, name: 'IQ3_XXS', dtype: 'iq3_xxs' },
  { id: 19, name: 'IQ1_S', dtype: 'iq1_s' },
  { id: 20, name: 'IQ4_NL', dtype: 'iq4_nl' },
  { id: 21, name: 'IQ3_S', dtype: 'iq3_s' },
  { id: 22, name: 'IQ2_S', dtype: 'iq2_s' },
  { id: 23, name: 'IQ4_XS', dtype: 'iq4_xs' },
  { id: 24, name: 'I8', dtype: 'int8' },
  { id: 25, name: 'I16', dtype: 'int16' },
  { id: 26, name: 'I32', dtype: 'int32' },
  { id: 27, name: 'I64', dtype: 'int64' },
  { id: 28, name: 'F64', dtype: 'float64' },
  { id: 29, name: 'IQ1_M', dtype: 'iq1_m' },
  { id: 30, name: 'BF16', dtype: 'bfloat16' },
  { id: 34, name: 'TQ1_0', dtype: 'tq1_0' },
  { id: 35, name: 'TQ2_0', dtype: 'tq2_0' },
  { id: 39, name: 'MXFP4', dtype: 'mxfp4' },
  { id: 40, name: 'NVFP4', dtype: 'nvfp4' },
  { id: 41, name: 'Q1_0', dtype: 'q1_0' },
  { id: 42, name: 'Q2_0', dtype: 'q2_0' },
];

/** Types that files of 2023 and 2024 may still hold and that nothing reads any more. */
const REMOVED: ReadonlyMap<number, string> = new Map([
  [4, 'Q4_2'],
  [5, 'Q4_3'],
  [31, 'Q4_0_4_4'],
  [32, 'Q4_0_4_8'],
  [33, 'Q4_0_8_8'],
  [36, 'IQ4_NL_4_4'],
  [37, 'IQ4_NL_4_8'],
  [38, 'IQ4_NL_8_8'],
]);

const BY_ID: ReadonlyMap<number, GgmlType> = new Map(TYPES.map((type) => [type.id, type]));
const BY_NAME: ReadonlyMap<string, GgmlType> = new Map(TYPES.map((type) => [type.name, type]));
const BY_DTYPE: ReadonlyMap<DType, GgmlType> = new Map(TYPES.map((type) => [type.dtype, type]));

/** The type with that number; undefined for numbers that ggml does not use. */
export function ggmlTypeOfId(id: number): GgmlType | undefined {
  return BY_ID.get(id);
}

/** The type of that name, in letters of either case; undefined for names that ggml does not know. */
export function ggmlTypeOfName(name: string): GgmlType | undefined {
  return BY_NAME.get(name.toUpperCase());
}

/** All types, by their numbers. */
export function ggmlTypes(): readonly GgmlType[] {
  return TYPES;
}

/** The name of a type that ggml no longer has; undefined for other numbers. */
export function removedTypeName(id: number): string | undefined {
  return REMOVED.get(id);
}

/** How ggml knows a type; undefined for types that it does not have. */
export function ggmlTypeOf(dtype: DType): GgmlType | undefined {
  return BY_DTYPE.get(dtype);
}
