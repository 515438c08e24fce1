/**
 * What the parts of a split GGUF file say of each other, and whether it is true.
 *
 * The first part holds all metadata; the others say only which part they are (`split.no`, from zero), how many
 * there are and how many tensors all have together. llama.cpp goes by the names of the files; but parts of two
 * conversions of one model have the same names, so names, metadata and tensors must tell one story here.
 *
 * @see https://github.com/ggml-org/llama.cpp/tree/master/tools/gguf-split
 * @module
 */
import { shownName } from '../shown-name.js';
import { ALIGNMENT_KEY } from './alignment.js';
import { GgufError, type GgufErrorCode } from './gguf-error.js';
import type { GgufValue } from './metadata.js';
import type { GgufFile } from './read.js';

/** What a part says of the whole. */
export interface GgufSplit {
  /** Which part it is, from zero. */
  readonly no: number;
  /** How many parts there are; at least two. */
  readonly count: number;
  /** Tensors of all parts together. */
  readonly tensorCount: number;
}

/** What the keys about a split begin with. */
export const SPLIT_KEYS = 'split.';

const NO = 'split.no';
const COUNT = 'split.count';
const TENSOR_COUNT = 'split.tensors.count';

/**
 * What a file says about being a part; undefined for whole files, among them those that were put together again,
 * whose `split.count` is zero.
 *
 * @throws GgufError `gguf/wrong-type`, `gguf/bad-value`
 */
export function ggufSplit(file: GgufFile): GgufSplit | undefined {
  const count = file.metadata.has(COUNT) ? expectNumber(file, COUNT, 'u16') : 0;
  if (count < 2) return undefined;
  const no = expectNumber(file, NO, 'u16');
  const tensorCount = expectNumber(file, TENSOR_COUNT, 'i32');
  if (no >= count) throw splitFault(file, 'gguf/bad-value', `${NO} is ${no}, but there are only ${count} parts`);
  if (tensorCount < 0) throw splitFault(file, 'gguf/bad-value', `${TENSOR_COUNT} is ${tensorCount}`);
  return { no, count, tensorCount };
}

/** Throws for a part without the others. @throws GgufError `gguf/missing-part` and those of {@link ggufSplit} */
export function expectWhole(file: GgufFile): void {
  const split = ggufSplit(file);
  if (split === undefined) return;
  throw splitFault(
    file,
    'gguf/missing-part',
    `this is part ${split.no + 1} of ${split.count} of a split file, which by itself is no model`,
    `keep all parts in one folder, called NAME-00001-of-${String(split.count).padStart(5, '0')}.gguf and so on`,
  );
}

/**
 * Throws unless the files, in the order of their names, are all parts of one file and each stands in its place.
 *
 * @throws GgufError `gguf/foreign-part`, `gguf/part-order`, `gguf/duplicate-tensor` and those of {@link ggufSplit}
 */
export function expectOneSplit(files: readonly GgufFile[]): void {
  const splits = files.map((file) => expectPartOf(file, files.length));
  const tensorCount = files.reduce((sum, { tensors }) => sum + tensors.length, 0);
  for (const [no, file] of files.entries()) {
    if (splits[no]!.no === no) continue;
    const message = `its name says part ${no + 1}, but it says itself that it is part ${splits[no]!.no + 1}`;
    throw splitFault(file, 'gguf/part-order', message, 'name each part by its own number again');
  }
  for (const [no, file] of files.entries()) {
    const stated = splits[no]!.tensorCount;
    if (stated !== tensorCount) {
      throw foreign(file, `it says that all parts have ${stated} tensors together, but they have ${tensorCount}`);
    }
    expectSameMetadata(file, files[0]!);
  }
  expectUniqueTensors(files);
}

/**
 * Throws unless the file is a part of as many as its name says.
 *
 * @throws GgufError `gguf/foreign-part` and those of {@link ggufSplit}
 */
export function expectPartOf(file: GgufFile, count: number): GgufSplit {
  const split = ggufSplit(file);
  if (split === undefined) throw foreign(file, 'it does not say that it is a part of a split file');
  if (split.count === count) return split;
  throw foreign(file, `it says that there are ${split.count} parts, but its name says ${count}`);
}

function splitFault(file: GgufFile, code: GgufErrorCode, message: string, hint?: string): GgufError {
  return new GgufError(code, message, { path: file.name, hint });
}

function foreign(file: GgufFile, message: string): GgufError {
  return splitFault(file, 'gguf/foreign-part', message, 'download all parts again, from one place');
}

function expectNumber(file: GgufFile, key: string, type: 'u16' | 'i32'): number {
  const found = file.metadata.get(key);
  if (found?.type === type) return found.value;
  throw splitFault(file, 'gguf/wrong-type', `${key} must be there as ${type}, found ${found?.type ?? 'nothing'}`);
}

/** Later parts need no metadata; what they repeat must be what the first says. */
function expectSameMetadata(file: GgufFile, first: GgufFile): void {
  for (const [key, value] of file.metadata) {
    if (key.startsWith(SPLIT_KEYS) || key === ALIGNMENT_KEY || isSameValue(value, first.metadata.get(key))) continue;
    throw foreign(file, `its ${shownName(key)} is not that of the first part`);
  }
}

function isSameValue(a: GgufValue, b: GgufValue | undefined): boolean {
  if (a.type !== b?.type) return false;
  if (typeof a.value !== 'object' || typeof b.value !== 'object') return Object.is(a.value, b.value);
  return a.value.length === b.value.length && a.value.byteLength === b.value.byteLength;
}

function expectUniqueTensors(files: readonly GgufFile[]): void {
  const owners = new Map<string, GgufFile>();
  for (const file of files) {
    for (const { name } of file.tensors) {
      const owner = owners.get(name);
      if (owner !== undefined) {
        throw splitFault(file, 'gguf/duplicate-tensor', `the tensor ${shownName(name)} is in ${owner.name} too`);
      }
      owners.set(name, file);
    }
  }
}
