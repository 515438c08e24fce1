/**
 * Reading a lock file of a folder, where a bad one is a finding.
 *
 * @module
 */
import type { ReadOptions } from '../source/byte-source.js';
import { SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { readWhole } from '../source/whole.js';
import { attemptFile } from './attempt-file.js';
import { createWasmHasher } from './hash-wasm.js';
import { type Lock, LockError } from './lock.js';
import { expectConsistentLock, parseLock } from './parse-lock.js';

/** Largest lock file that is read, in bytes: that of a model of 126 layers has 200 kB. */
const LOCK_BYTES_LIMIT = 16 << 20;

/** The lock file of that name, or why it is none. @throws the signal's reason */
export async function readLock(
  folder: Folder,
  name: string,
  { signal }: ReadOptions = {},
): Promise<Lock | LockError | SourceError> {
  signal?.throwIfAborted();
  const bytes = await attemptFile(folder, name, (source) => readWhole(source, LOCK_BYTES_LIMIT));
  if (bytes instanceof SourceError) return bytes;
  try {
    const path = `${folder.name}/${name}`;
    const lock = parseLock(bytes, path);
    await expectConsistentLock(lock, path, createWasmHasher);
    return lock;
  } catch (cause) {
    if (cause instanceof LockError) return cause;
    throw cause;
  }
}
