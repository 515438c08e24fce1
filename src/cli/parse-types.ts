/**
 * Names of types on the command line: of whole files and of single tensors.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander';

import { FILE_TYPES, type FileTypeName, fileTypeOfId, isFileType } from '../convert/file-types.js';
import type { TensorTypeOverride } from '../convert/mixture.js';
import { type DType, isQuantized } from '../dtype.js';
import { ggmlTypeOfName, ggmlTypes } from '../formats/gguf/tensor-types.js';
import { nearestNames } from './nearest.js';

/** Type of a file, such as `q4_k_m`, or its number in llama.cpp. @throws InvalidArgumentError */
export function parseFileType(text: string): FileTypeName {
  const name = text.toLowerCase();
  if (isFileType(name)) return name;
  const numbered = /^\d+$/.test(text) ? fileTypeOfId(Number(text)) : undefined;
  if (numbered !== undefined) return numbered;
  throw unknownType(text, Object.keys(FILE_TYPES));
}

/** Types of files with commas between them. @throws InvalidArgumentError */
export function parseFileTypes(text: string): FileTypeName[] {
  // an option that may stand without a value takes whatever comes next for it, even a path
  if (/[./\\]/.test(text)) throw new InvalidArgumentError('This is no list of types; a path comes before the option.');
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('A name is missing beside a comma.');
  return names.map(parseFileType);
}

/** Type of a tensor, such as `q6_k` or `f16`. @throws InvalidArgumentError */
export function parseTensorType(text: string): DType {
  const dtype = ggmlTypeOfName(text)?.dtype;
  if (dtype !== undefined && canBecome(dtype)) return dtype;
  const known = ggmlTypes().filter((type) => canBecome(type.dtype));
  throw unknownType(
    text,
    known.map(({ name }) => name.toLowerCase()),
  );
}

/** Types that weights are written in: not integers, nor the blocks that ggml makes of activations. */
function canBecome(dtype: DType): boolean {
  return isQuantized(dtype) ? !/^q8_[1k]$/.test(dtype) : ['float32', 'float16', 'bfloat16'].includes(dtype);
}

/** The overrides so far and one more, `pattern=type`. @throws InvalidArgumentError */
export function collectTensorType(text: string, overrides: readonly TensorTypeOverride[] = []): TensorTypeOverride[] {
  const [, pattern, type] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  if (pattern === undefined || type === undefined) {
    throw new InvalidArgumentError('A pattern and a type were expected, such as ffn_down=q6_k.');
  }
  return [...overrides, { pattern: regularExpression(pattern), dtype: parseTensorType(type) }];
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch {
    throw new InvalidArgumentError(`${text} is no regular expression.`);
  }
}

function unknownType(text: string, known: readonly string[]): InvalidArgumentError {
  const nearest = nearestNames(text, known);
  const hint = nearest.length > 0 ? `did you mean ${listed(nearest)}?` : `there are ${known.join(', ')}.`;
  return new InvalidArgumentError(`There is no such type; ${hint}`);
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
