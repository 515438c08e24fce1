/**
 * Hashing a source block by block.
 *
 * While one block is hashed, the next is already being read, so a file takes as long as the slower of the
 * two and two blocks of memory, however large it is.
 *
 * @module
 */
import type { OperationOptions } from '../options.js';
import type { ByteSource } from '../source/byte-source.js';
import { readAhead } from './read-ahead.js';

/** Hash functions: MD5 for Meta's lists, SHA-256 for everything of our own. */
export type HashAlgorithm = 'md5' | 'sha256';

/** A hash in the making. */
export interface Hasher {
  /** Takes the next bytes; the caller may change them afterwards. */
  update(bytes: Uint8Array): void;
  /** Hash of all bytes taken, in lower-case hexadecimal; called once, at the end. */
  digestHex(): string;
}

/** Makes a fresh {@link Hasher}. */
export type CreateHasher = (algorithm: HashAlgorithm) => Hasher | Promise<Hasher>;

/** A hash in the making whose bytes are worked on elsewhere, perhaps in another thread. */
export interface DeferredHasher {
  /** Takes the next bytes, in the order of the calls; the caller may change them when the promise has settled. */
  update(bytes: Uint8Array): Promise<void>;
  /** Hash of all bytes taken, in lower-case hexadecimal; called once, at the end. */
  digestHex(): Promise<string>;
}

/** Begins a {@link DeferredHasher}. */
export type BeginHash = (algorithm: HashAlgorithm) => Promise<DeferredHasher>;

/** Hashing in this thread, for what may also be done in another. */
export function hashingHere(createHasher: CreateHasher): BeginHash {
  return async (algorithm) => {
    const hasher = await createHasher(algorithm);
    return { update: async (bytes) => hasher.update(bytes), digestHex: async () => hasher.digestHex() };
  };
}

/**
 * Hash of a whole source in lower-case hexadecimal; reads each byte once and holds two blocks of 1 MiB.
 *
 * @param source - what to hash; stays open
 * @param algorithm - hash function
 * @param createHasher - its implementation
 * @param options - an abort rejects with the signal's reason; the progress counts bytes
 * @throws SourceError `source/short-read`, `source/read-failed`
 */
export async function hashSource(
  source: ByteSource,
  algorithm: HashAlgorithm,
  createHasher: CreateHasher,
  { signal, onProgress }: OperationOptions = {},
): Promise<string> {
  signal?.throwIfAborted();
  const { name: item, size: total } = source;
  const hasher = await createHasher(algorithm);
  await readAhead(
    total,
    (offset, target) => source.readInto(offset, target, { signal }),
    (block, done) => {
      hasher.update(block);
      onProgress?.({ phase: 'hash', item, done, total });
    },
  );
  signal?.throwIfAborted();
  return hasher.digestHex();
}
