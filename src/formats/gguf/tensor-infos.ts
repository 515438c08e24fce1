/**
 * The list of tensors of a GGUF file.
 *
 * GGUF counts extents fastest first (`ne`), the reverse of PyTorch's order; they are turned around here
 * and nowhere else. Offsets count from the start of the data, which nothing in the file gives: it is
 * the first multiple of the alignment after this list.
 *
 * @see https://github.com/ggml-org/ggml/blob/master/docs/gguf.md#file-structure
 * @module
 */
import { blockLayout, byteLengthOf } from '../../dtype.js';
import { hexOffset } from '../../errors.js';
import { shownName } from '../shown-name.js';
import type { TensorInfo } from '../tensor.js';
import { alignedUp } from './alignment.js';
import { AGAIN, type GgufCursor } from './cursor.js';
import { type GgmlType, ggmlTypeOfId, removedTypeName } from './tensor-types.js';

/** Most extents of a shape, as in ggml. */
export const MAX_RANK = 4;

/** Most tensors of a file; the largest models have some ten thousand. */
const MAX_TENSORS = 1 << 20;

/** Longest name of a tensor; ggml allows 63 bytes, builds of others up to 255. */
const MAX_NAME_BYTES = 1024;

/** Fewest bytes of an entry: the length of an empty name, a rank of 0, a type, an offset. */
const LEAST_INFO_BYTES = 24;

/** An entry of the list. */
export interface GgufTensorInfo extends TensorInfo {
  /** The type as ggml knows it. */
  readonly type: GgmlType;
  /** First byte, counted from the start of the data. */
  readonly offset: number;
  /** Number of bytes. */
  readonly byteLength: number;
  /** Where the entry stands in the file, for errors. */
  readonly infoOffset: number;
}

/** The number of tensors. @throws GgufError `gguf/truncated`, `gguf/too-large` */
export function readTensorCount(cursor: GgufCursor): Promise<number> {
  return cursor.count(LEAST_INFO_BYTES, MAX_TENSORS, 'tensors');
}

/**
 * Reads the list, without a look at where the tensors lie.
 *
 * @throws GgufError `gguf/truncated`, `gguf/too-large`, `gguf/not-utf8`, `gguf/overflow`,
 *   `gguf/duplicate-tensor`, `gguf/bad-shape`, `gguf/unsupported-dtype`
 */
export async function readTensorInfos(cursor: GgufCursor, count: number): Promise<GgufTensorInfo[]> {
  const names = new Set<string>();
  const infos: GgufTensorInfo[] = [];
  for (let index = 0; index < count; index++) {
    const infoOffset = cursor.position;
    const name = await cursor.string(MAX_NAME_BYTES, `the name of tensor ${index}`);
    if (names.has(name)) {
      throw cursor.error('gguf/duplicate-tensor', `two tensors have the name ${shownName(name)}`, infoOffset);
    }
    names.add(name);
    infos.push(await readInfo(cursor, name, infoOffset));
  }
  return infos;
}

/**
 * Checks that every tensor starts at a multiple of the alignment, that no two share a byte, and that the file ends
 * where the last one does, or where its padding does.
 *
 * @throws GgufError `gguf/bad-offset`, `gguf/truncated`, `gguf/trailing-data`
 */
export function expectPlaces(
  cursor: GgufCursor,
  infos: readonly GgufTensorInfo[],
  dataStart: number,
  alignment: number,
): void {
  let end = 0;
  let before = '';
  for (const info of [...infos].sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    const { offset, byteLength, infoOffset } = info;
    const tensor = `tensor ${shownName(info.name)}`;
    if (offset % alignment !== 0) {
      const message = `${tensor} starts at ${hexOffset(offset)} of the data, which is no multiple of ${alignment}`;
      throw cursor.error('gguf/bad-offset', message, infoOffset);
    }
    if (offset < end) throw cursor.error('gguf/bad-offset', `${tensor} overlaps ${before}`, infoOffset);
    end = offset + byteLength;
    before = tensor;
  }
  expectEnd(cursor, dataStart + end, alignment, before);
}

function expectEnd(cursor: GgufCursor, end: number, alignment: number, last: string): void {
  const { size } = cursor.source;
  const padded = alignedUp(end, alignment);
  // a file without tensors may do without the padding of its header too
  if (last !== '' && end > size) {
    const message = `cut off: ${last}, the last one, ends at ${hexOffset(end)}, but the file has ${size} bytes`;
    throw cursor.error('gguf/truncated', message, size, `${end - size} bytes are missing: ${AGAIN}`);
  }
  if (size <= padded) return;
  const message = `${size - padded} bytes follow the last tensor, whose padding ends at ${hexOffset(padded)}`;
  throw cursor.error('gguf/trailing-data', message, padded, `keep only the first ${padded} bytes, or ${AGAIN}`);
}

async function readInfo(cursor: GgufCursor, name: string, infoOffset: number): Promise<GgufTensorInfo> {
  const tensor = `tensor ${shownName(name)}`;
  const shape = await readShape(cursor, tensor);
  const type = await readType(cursor, tensor);
  const offset = await cursor.number('u64', `the offset of ${tensor}`);
  const elements = shape.reduce((product, extent) => product * extent, 1);
  const { blockElements } = blockLayout(type.dtype);
  if ((shape.at(-1) ?? 1) % blockElements !== 0) {
    const message = `${tensor} has rows of ${shape.at(-1) ?? 1} elements, but ${type.name} stores blocks of ${blockElements}`;
    throw cursor.error('gguf/bad-shape', message, infoOffset);
  }
  const byteLength = byteLengthOf(type.dtype, elements);
  if (!Number.isSafeInteger(offset + byteLength) || !Number.isSafeInteger(elements)) {
    throw cursor.error('gguf/overflow', `${tensor} of shape [${shape.join(', ')}] exceeds 2^53 bytes`, infoOffset);
  }
  return { name, dtype: type.dtype, shape, type, offset, byteLength, infoOffset };
}

async function readShape(cursor: GgufCursor, tensor: string): Promise<number[]> {
  const rank = await cursor.number('u32', `the rank of ${tensor}`);
  if (rank > MAX_RANK) {
    throw cursor.error('gguf/bad-shape', `${tensor} has ${rank} extents, at most ${MAX_RANK} are allowed`);
  }
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) shape.unshift(await cursor.number('u64', `an extent of ${tensor}`));
  // readers that look for overflow by dividing would divide by it
  if (!shape.includes(0)) return shape;
  throw cursor.error('gguf/bad-shape', `${tensor} of shape [${shape.join(', ')}] has an extent of 0`);
}

async function readType(cursor: GgufCursor, tensor: string): Promise<GgmlType> {
  const offset = cursor.position;
  const id = await cursor.number('u32', `the type of ${tensor}`);
  const type = ggmlTypeOfId(id);
  if (type !== undefined) return type;
  const removed = removedTypeName(id);
  const which = removed === undefined ? `the unknown type ${id}` : `the type ${removed}, which ggml has dropped`;
  const hint = removed === undefined ? undefined : 'convert the original model again';
  throw cursor.error('gguf/unsupported-dtype', `${tensor} has ${which}`, offset, hint);
}
