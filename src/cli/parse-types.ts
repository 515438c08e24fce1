/**
 * Names of types on the command line: of whole files and of single tensors.
 *
 * @module
 */
import { InvalidArgumentError } from 'commander';

import { FILE_TYPES, type FileTypeName, isFileType } from '../convert/file-types.js';
import type { TensorTypeOverride } from '../convert/mixture.js';
import type { DType } from '../dtype.js';
import { ggmlTypeOfName, ggmlTypes } from '../formats/gguf/tensor-types.js';
import { nearestNames } from './nearest.js';

/** Type of a file, such as `q4_k_m`. @throws InvalidArgumentError */
export function parseFileType(text: string): FileTypeName {
  const name = text.toLowerCase();
  if (isFileType(name)) return name;
  throw unknownType(text, Object.keys(FILE_TYPES));
}

/** Types of files with commas between them. @throws InvalidArgumentError */
export function parseFileTypes(text: string): FileTypeName[] {
  // an option that may stand without a value takes whatever comes next for it, even a path
  if (/[./\\]/.test(text)) throw new InvalidArgumentError('This is no list of types; a path comes before the option.');
  return text.split(',').map((name) => parseFileType(name.trim()));
}

/** Type of a tensor, such as `q6_k` or `f16`. @throws InvalidArgumentError */
export function parseTensorType(text: string): DType {
  const dtype = ggmlTypeOfName(text)?.dtype;
  if (dtype !== undefined) return dtype;
  const known = ggmlTypes().map(({ name }) => name.toLowerCase());
  throw unknownType(text, known);
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
    return new RegExp(text.toLowerCase());
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
