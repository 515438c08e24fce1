/**
 * Hashing several files, where one that cannot be read does not spoil the others.
 *
 * @module
 */
import type { OperationOptions } from '../options.js';
import { SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { attemptFile } from './attempt-file.js';
import { type CreateHasher, type HashAlgorithm, hashSource } from './hash.js';

/** A file to hash. */
export interface FileToHash {
  /** Folder in which it lies. */
  readonly folder: Folder;
  /** Its name in that folder. */
  readonly name: string;
  /** Its size in bytes, for the progress. */
  readonly size: number;
  /** Hash function. */
  readonly algorithm: HashAlgorithm;
}

/** Hash of a file in lower-case hexadecimal, or why there is none. */
export type HashOutcome =
  | {
      /** The hash. */
      readonly digest: string;
    }
  | {
      /** Why there is none. */
      readonly error: SourceError;
    };

/**
 * Hashes files and gives one outcome each, in the order asked for. A file that cannot be read is an outcome; an
 * abort rejects with the signal's reason. The progress counts the bytes of all files together.
 */
export type HashFiles = (files: readonly FileToHash[], options?: OperationOptions) => Promise<readonly HashOutcome[]>;

/** Hashes files one after the other in this thread: the way of a browser, and of Node for little work. */
export function hashFilesInTurn(createHasher: CreateHasher): HashFiles {
  return async (files, { signal, onProgress } = {}) => {
    const total = files.reduce((sum, { size }) => sum + size, 0);
    const outcomes: HashOutcome[] = [];
    let before = 0;
    for (const file of files) {
      signal?.throwIfAborted();
      const base = before;
      outcomes.push(
        await hashFile(file, createHasher, {
          signal,
          onProgress: ({ phase, done }) => onProgress?.({ phase, item: file.name, done: base + done, total }),
        }),
      );
      before += file.size;
    }
    return outcomes;
  };
}

async function hashFile(file: FileToHash, create: CreateHasher, options: OperationOptions): Promise<HashOutcome> {
  const result = await attemptFile(file.folder, file.name, (source) =>
    hashSource(source, file.algorithm, create, options),
  );
  return result instanceof SourceError ? { error: result } : { digest: result };
}
