/**
 * Making the lock file of files that are there.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { LlamaError, type LlamaModel, expectTensor } from '../llama/model.js';
import { openModelFolder } from '../llama/open-model.js';
import type { OperationOptions } from '../options.js';
import { SourceError } from '../source/byte-source.js';
import { type Folder, type FolderEntry, listBelow } from '../source/folder.js';
import { fingerprintModel } from './fingerprint.js';
import type { CreateHasher } from './hash.js';
import { type HashFiles, hashFilesInTurn } from './hash-files.js';
import { createWasmHasher } from './hash-wasm.js';
import { type Lock, LOCK_NAME, type LockedFile, type LockedModel, isLockName, lockedModel } from './lock.js';
import { readLock } from './read-lock.js';

/** What a lock file is made with. */
export interface LockFolderOptions extends OperationOptions {
  /** Version of this program, for the record. */
  readonly toolVersion: string;
  /** Folder above, where Llama 1 and 2 keep the tokenizer. */
  readonly parent?: Folder | undefined;
  /** Factor of the rope scaling, in place of the one chosen by shape. */
  readonly ropeFactor?: number | undefined;
  /** Name of the lock file to be, which is not locked whatever is in it now; that of a folder when absent. */
  readonly lockName?: string | undefined;
  /** Implementation of SHA-256; WebAssembly when absent. */
  readonly createHasher?: CreateHasher | undefined;
  /** Implementation of hashing files; {@link createHasher} in this thread when absent. */
  readonly hashFiles?: HashFiles | undefined;
}

/** A lock and what should be known about it. */
export interface MadeLock {
  /** The lock. */
  readonly lock: Lock;
  /** Things the person should know, one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * The lock of all files in a folder and in those below, but for the lock files directly in it and what lies in hidden
 * folders. Reads every file once, and every weight once more for the fingerprints; peak memory: two blocks for each thread that hashes.
 *
 * @throws SourceError; LlamaError and the errors of the formats where the folder holds a broken model; the signal's reason
 */
export async function lockFolder(folder: Folder, options: LockFolderOptions): Promise<MadeLock> {
  const { createHasher = createWasmHasher, ropeFactor, toolVersion: version } = options;
  const { hashFiles = hashFilesInTurn(createHasher) } = options;
  const files = await filesToLock(folder, options);
  if (files.length === 0) throw new SourceError('source/empty', 'there is no file to lock', { path: folder.name });
  const { model, warnings } = await modelOf(folder, { ...options, createHasher });
  const subject = await hashed(folder, files, { ...options, hashFiles });
  const given = ropeFactor === undefined ? {} : { ropeFactor };
  const tool = { name: 'llama-inspect', version } as const;
  return { lock: { subject, predicate: { tool, command: 'lock', options: given, source: null, model } }, warnings };
}

/** A lock file in a folder below locks nothing here, and a file that only has such a name is none: both are locked. */
async function filesToLock(
  folder: Folder,
  { lockName = LOCK_NAME, signal }: LockFolderOptions,
): Promise<FolderEntry[]> {
  const files: FolderEntry[] = [];
  for (const file of await listBelow(folder)) {
    const isLock =
      file.name === lockName ||
      (isLockName(file.name) && !((await readLock(folder, file.name, { signal })) instanceof CheckpointError));
    if (!isLock) files.push(file);
  }
  return files;
}

async function hashed(
  folder: Folder,
  files: readonly FolderEntry[],
  { hashFiles, signal, onProgress }: OperationOptions & { readonly hashFiles: HashFiles },
): Promise<LockedFile[]> {
  const toHash = files.map(({ name, size }) => ({ folder, name, size, algorithm: 'sha256' as const }));
  const outcomes = await hashFiles(toHash, { signal, onProgress });
  return outcomes.map((outcome, index) => {
    if ('error' in outcome) throw outcome.error;
    return { name: files[index]!.name, digest: { sha256: outcome.digest } };
  });
}

/** Causes for which a folder is no model of ours, although nothing about it is broken. */
const NO_MODEL: ReadonlySet<string> = new Set(['llama/unsupported', 'llama/no-model']);

async function modelOf(
  folder: Folder,
  { parent, ropeFactor, signal, createHasher, onProgress }: LockFolderOptions,
): Promise<{ readonly model: LockedModel | null; readonly warnings: readonly string[] }> {
  let opened: LlamaModel;
  try {
    opened = await openModelFolder(folder, { parent, ropeFactor, signal });
  } catch (cause) {
    if (!(cause instanceof LlamaError) || !NO_MODEL.has(cause.code)) throw cause;
    return { model: null, warnings: [`only the files are locked, no tensors: ${cause.message}`] };
  }
  await using model = opened;
  const found = await fingerprintModel(model, { createHasher, signal, onProgress });
  return { model: lockedModel(model.layout, found, (name) => expectTensor(model, name).dtype), warnings: [] };
}
