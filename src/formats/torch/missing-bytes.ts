/**
 * How much of a checkpoint is missing whose download stopped.
 *
 * An archive tells its size at its end only, which is what such a file lacks. But torch.save writes the pickle first, and
 * that names every storage with its number of elements: the file must be longer than all of them together.
 *
 * @module
 */
import { walkPickle } from '../../pickle/walk.js';
import type { WalkStorage } from '../../pickle/walk-state.js';
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { firstMember } from '../../zip/first-member.js';
import { storageItemBytes, storageTypeOf } from './torch-dtypes.js';

/**
 * Bytes that a cut-off checkpoint lacks at least; undefined where that cannot be told. Reads the first member, which is
 * the pickle, and remembers no more of it than a walk does.
 */
export async function leastMissingBytes(source: ByteSource, options?: ReadOptions): Promise<number | undefined> {
  const member = await firstMember(source, options);
  if (member?.name.endsWith('data.pkl') !== true) return undefined;
  const walk = await walkPickle(source, { start: member.dataOffset, ...options });
  if (!walk.stopped || walk.fault !== undefined) return undefined;
  let least = walk.end;
  for (const storage of walk.storages.values()) least += storageBytes(storage) ?? 0;
  return least > source.size ? least - source.size : undefined;
}

/** Bytes of a storage, by its class and its number of elements; undefined where they cannot be told. */
export function storageBytes({ storageClass, elementCount }: WalkStorage): number | undefined {
  const type = storageClass && storageTypeOf(`${storageClass.module}.${storageClass.name}`);
  return type === undefined || elementCount === undefined ? undefined : storageItemBytes(type) * elementCount;
}
