/**
 * The types of whole files, under the names that `llama-quantize` takes.
 *
 * A file type is a recipe, not a number format: in a `q4_k_m` file most matrices are Q4_K, some Q6_K, and
 * vectors stay float32. `mixture.ts` has the recipes. The number is what `general.file_type` says.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/include/llama.h (enum llama_ftype)
 * @module
 */
import type { DType } from '../dtype.js';

/** A type of file. */
export interface FileType {
  /** `general.file_type` of a GGUF file. */
  readonly id: number;
  /** The type of a matrix that no rule of the recipe names. */
  readonly dtype: DType;
}

/** Name of a type of file. */
export type FileTypeName =
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'q4_0'
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q8_0'
  | 'q2_k'
  | 'q2_k_s'
  | 'q3_k_s'
  | 'q3_k_m'
  | 'q3_k'
  | 'q3_k_l'
  | 'q4_k_s'
  | 'q4_k_m'
  | 'q4_k'
  | 'q5_k_s'
  | 'q5_k_m'
  | 'q5_k'
  | 'q6_k'
  | 'iq1_s'
  | 'iq1_m'
  | 'iq2_xxs'
  | 'iq2_xs'
  | 'iq2_s'
  | 'iq2_m'
  | 'iq3_xxs'
  | 'iq3_xs'
  | 'iq3_s'
  | 'iq3_m'
  | 'iq4_nl'
  | 'iq4_xs'
  | 'tq1_0'
  | 'tq2_0'
  | 'mxfp4_moe'
  | 'q1_0'
  | 'q2_0';

const Q3_K_M: FileType = { id: 12, dtype: 'q3_k' };
const Q4_K_M: FileType = { id: 15, dtype: 'q4_k' };
const Q5_K_M: FileType = { id: 17, dtype: 'q5_k' };

/** Every type of file that can be asked for, by name. */
export const FILE_TYPES: Readonly<Record<FileTypeName, FileType>> = {
  f32: { id: 0, dtype: 'float32' },
  f16: { id: 1, dtype: 'float16' },
  bf16: { id: 32, dtype: 'bfloat16' },
  q4_0: { id: 2, dtype: 'q4_0' },
  q4_1: { id: 3, dtype: 'q4_1' },
  q5_0: { id: 8, dtype: 'q5_0' },
  q5_1: { id: 9, dtype: 'q5_1' },
  q8_0: { id: 7, dtype: 'q8_0' },
  q2_k: { id: 10, dtype: 'q2_k' },
  q2_k_s: { id: 21, dtype: 'q2_k' },
  q3_k_s: { id: 11, dtype: 'q3_k' },
  q3_k_m: Q3_K_M,
  q3_k: Q3_K_M,
  q3_k_l: { id: 13, dtype: 'q3_k' },
  q4_k_s: { id: 14, dtype: 'q4_k' },
  q4_k_m: Q4_K_M,
  q4_k: Q4_K_M,
  q5_k_s: { id: 16, dtype: 'q5_k' },
  q5_k_m: Q5_K_M,
  q5_k: Q5_K_M,
  q6_k: { id: 18, dtype: 'q6_k' },
  iq1_s: { id: 24, dtype: 'iq1_s' },
  iq1_m: { id: 31, dtype: 'iq1_m' },
  iq2_xxs: { id: 19, dtype: 'iq2_xxs' },
  iq2_xs: { id: 20, dtype: 'iq2_xs' },
  iq2_s: { id: 28, dtype: 'iq2_xs' },
  iq2_m: { id: 29, dtype: 'iq2_s' },
  iq3_xxs: { id: 23, dtype: 'iq3_xxs' },
  iq3_xs: { id: 22, dtype: 'iq3_s' },
  iq3_s: { id: 26, dtype: 'iq3_s' },
  iq3_m: { id: 27, dtype: 'iq3_s' },
  iq4_nl: { id: 25, dtype: 'iq4_nl' },
  iq4_xs: { id: 30, dtype: 'iq4_xs' },
  tq1_0: { id: 36, dtype: 'tq1_0' },
  tq2_0: { id: 37, dtype: 'tq2_0' },
  mxfp4_moe: { id: 38, dtype: 'mxfp4' },
  q1_0: { id: 40, dtype: 'q1_0' },
  q2_0: { id: 41, dtype: 'q2_0' },
};

/** Names of the types whose weights are plain numbers: safetensors takes these, and no recipe applies. */
export const PLAIN_FILE_TYPES = ['f32', 'f16', 'bf16'] as const satisfies readonly FileTypeName[];

/** A type of file without blocks. */
export type PlainFileTypeName = (typeof PLAIN_FILE_TYPES)[number];

/** Whether a string names a type of file. */
export function isFileType(name: string): name is FileTypeName {
  return Object.hasOwn(FILE_TYPES, name);
}

/** Every type once, by its first name: the short names that some have beside it are left out. */
export function fileTypeNames(): FileTypeName[] {
  return Object.keys(FILE_TYPES)
    .filter(isFileType)
    .filter((name) => fileTypeOfId(FILE_TYPES[name].id) === name);
}

/** The type of that number, by its first name: 15 is `q4_k_m`, not `q4_k`. Undefined for unknown numbers. */
export function fileTypeOfId(id: number): FileTypeName | undefined {
  return Object.keys(FILE_TYPES)
    .filter(isFileType)
    .find((name) => FILE_TYPES[name].id === id);
}

/** Whether a type of file is without blocks. */
export function isPlainFileType(name: FileTypeName): name is PlainFileTypeName {
  return (PLAIN_FILE_TYPES as readonly string[]).includes(name);
}
