/**
 * The tensors of files as they lie there, with their hashes on request.
 *
 * The hash is over the tensor's contiguous, row-major, little-endian bytes, so a strided view and its copy
 * have the same one.
 *
 * @module
 */
import { blockLayout } from '../dtype.js';
import { type StoredTensor, type TensorFile, tensorByteLength } from '../formats/tensor.js';
import type { OperationOptions } from '../options.js';
import type { CreateHasher } from './hash.js';

/** One tensor of a file. */
export interface ListedTensor {
  /** Name as in the file. */
  readonly name: string;
  /** Type in the file's own spelling: `bfloat16`, `BF16`, `Q4_K`. */
  readonly dtype: string;
  /** Extents in PyTorch's order. */
  readonly shape: readonly number[];
  /** Bytes in contiguous form. */
  readonly byteLength: number;
  /** The file it lies in. */
  readonly file: string;
  /** Name of an earlier tensor of the file that lies in the same storage at the same place. */
  readonly sharedWith?: string;
  /** SHA-256 of the contiguous bytes in lower-case hexadecimal, when asked for. */
  readonly sha256?: string;
}

/** What to find out beside names, types and shapes. */
export interface ListTensorsOptions extends OperationOptions {
  /** Hash each tensor with this implementation of SHA-256; reads every byte once. */
  readonly createHasher?: CreateHasher | undefined;
}

/** Most bytes hashed at once. */
const HASH_BLOCK_BYTES = 1 << 20;

/** All tensors of the files, in file order. Peak memory: one block of 1 MiB. @throws every error of reading */
export async function listTensors(
  files: readonly TensorFile[],
  options: ListTensorsOptions = {},
): Promise<readonly ListedTensor[]> {
  const listed: ListedTensor[] = [];
  const progress = {
    done: 0,
    total: files.flatMap(({ tensors }) => tensors).reduce((sum, t) => sum + tensorByteLength(t), 0),
  };
  for (const file of files) {
    const seen = new Map<string, string>();
    for (const tensor of file.tensors) {
      const { name, storedDtype: dtype, shape } = tensor;
      const sharedWith = sharedName(tensor, seen);
      listed.push({
        ...{ name, dtype, shape, byteLength: tensorByteLength(tensor), file: file.name },
        ...(sharedWith === undefined ? {} : { sharedWith }),
        ...(options.createHasher && { sha256: await hashTensor(tensor, options.createHasher, options, progress) }),
      });
    }
  }
  return listed;
}

function sharedName(tensor: StoredTensor, seen: Map<string, string>): string | undefined {
  if (tensor.viewKey === undefined) return undefined;
  const earlier = seen.get(tensor.viewKey);
  if (earlier === undefined) seen.set(tensor.viewKey, tensor.name);
  return earlier;
}

async function hashTensor(
  tensor: StoredTensor,
  createHasher: CreateHasher,
  { signal, onProgress }: OperationOptions,
  progress: { done: number; readonly total: number },
): Promise<string> {
  const hasher = await createHasher('sha256');
  const total = tensorByteLength(tensor);
  const { blockBytes } = blockLayout(tensor.dtype);
  const step = Math.floor(HASH_BLOCK_BYTES / blockBytes) * blockBytes;
  for (let start = 0; start < total; start += step) {
    signal?.throwIfAborted();
    const length = Math.min(step, total - start);
    hasher.update(await tensor.readBytes(start, length, { signal }));
    progress.done += length;
    onProgress?.({ phase: 'hash', item: tensor.name, ...progress });
  }
  return hasher.digestHex();
}
