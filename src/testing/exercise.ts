/**
 * Everything that can be asked of an open file of tensors, within bounds.
 *
 * Throws what the readers throw; a wrong answer that a file of any bytes must not give is an {@link Unsound}.
 * Not part of the package.
 *
 * @module
 */
import { blockLayout, elementCount } from '../dtype.js';
import type { GgufFile } from '../formats/gguf/read.js';
import { openTensorFile } from '../formats/open.js';
import {
  type StoredTensor,
  type TensorFile,
  rowByteLengthOf,
  rowCountOf,
  tensorByteLength,
} from '../formats/tensor.js';
import type { TorchFile } from '../formats/torch/torch-file.js';
import { describeValue } from '../pickle/describe.js';
import { memorySource } from '../source/memory.js';
import { crcOfMember } from '../zip/archive.js';

/** A reader accepted a file and then said something that cannot be. */
export class Unsound extends Error {
  override readonly name = 'Unsound';
}

/** Most bytes that are read of one tensor at once, and of all tensors and members of a file. */
const MOST_AT_ONCE = 1 << 18;
const MOST_IN_ALL = 1 << 22;

/** Most tensors and members that are read of a file. */
const MOST_READ = 500;

/** Opens bytes as a file of tensors and reads all of it; some megabytes at most. */
export async function exercise(bytes: Uint8Array, name: string): Promise<void> {
  let closed = 0;
  const source = memorySource(bytes, name);
  const close = async (): Promise<void> => {
    closed += 1;
  };
  const watched = { ...source, close, [Symbol.asyncDispose]: close };
  try {
    await using file = await openTensorFile(watched);
    await exerciseFile(file);
  } finally {
    expectSound(closed > 0, 'the source was left open');
  }
}

/** Reads all of an open file; some megabytes at most. */
export async function exerciseFile(file: TensorFile): Promise<void> {
  if (file.format === 'gguf') await exerciseMetadata(file as GgufFile);
  if (file.format === 'torch') await exerciseArchive(file as TorchFile);
  const names = new Set(file.tensors.map((tensor) => tensor.name));
  expectSound(names.size === file.tensors.length, 'two tensors have one name');
  let left = MOST_IN_ALL;
  for (const tensor of file.tensors.slice(0, MOST_READ)) {
    if (left > 0) left -= await exerciseTensor(tensor, file.size);
  }
}

async function exerciseTensor(tensor: StoredTensor, size: number): Promise<number> {
  const { shape, dtype } = tensor;
  const byteLength = tensorByteLength(tensor);
  expectSound(
    shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0),
    `${tensor.name} has a wrong shape`,
  );
  expectSound(Number.isSafeInteger(elementCount(shape)) && Number.isSafeInteger(byteLength), 'a size beyond 2^53');
  const { blockBytes } = blockLayout(dtype);
  const length = byteLength <= MOST_AT_ONCE ? byteLength : MOST_AT_ONCE - (MOST_AT_ONCE % blockBytes);
  const start = await tensor.readBytes(0, length);
  expectSound(start.length === length, `${length} bytes of ${tensor.name} wanted, ${start.length} read`);
  const rowBytes = rowByteLengthOf(tensor);
  const rows = rowCountOf(shape);
  if (rows > 0 && rowBytes <= MOST_AT_ONCE) {
    const fitting = Math.min(rows, Math.floor(length / Math.max(1, rowBytes)));
    const first = await tensor.readRows(0, fitting);
    expectSound(isEqual(first, start.subarray(0, first.length)), `rows of ${tensor.name} are not its bytes`);
    const last = await tensor.readRows(rows - 1, 1);
    const end = await tensor.readBytes(byteLength - rowBytes, rowBytes);
    expectSound(isEqual(last, end), `the last row of ${tensor.name} is not its last bytes`);
  }
  const { fileOffset } = tensor;
  const isInside = fileOffset === undefined || (fileOffset >= 0 && fileOffset + byteLength <= size);
  expectSound(isInside, `${tensor.name} is said to lie outside the file`);
  return length;
}

async function exerciseMetadata(file: GgufFile): Promise<void> {
  for (const { value } of file.metadata.values()) {
    if (typeof value !== 'object') continue;
    const elements = value.elementType === 'str' ? await value.readStrings() : await value.readNumbers();
    expectSound(elements.length === value.length, 'an array has another length than it says');
  }
}

async function exerciseArchive(file: TorchFile): Promise<void> {
  describeValue(file.root);
  await file.locate();
  let left = MOST_IN_ALL;
  for (const entry of file.archive?.entries.slice(0, MOST_READ) ?? []) {
    if (file.archive !== undefined && entry.size <= left) await crcOfMember(file.archive, entry);
    left -= entry.size;
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

function expectSound(holds: boolean, otherwise: string): void {
  if (!holds) throw new Unsound(otherwise);
}
