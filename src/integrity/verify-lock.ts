/**
 * A model against its lock files: which tensors changed?
 *
 * Where all files have the hashes of the lock, so have the tensors in them, and no weight is read. Where one has not, the
 * fingerprints tell whether it holds another model or the same one, stored in another way.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { openModelFolder } from '../llama/open-model.js';
import type { OperationOptions } from '../options.js';
import type { Folder } from '../source/folder.js';
import { partOfFolder } from '../source/part-of-folder.js';
import { canonicalJson } from './canonical-json.js';
import type { FilesReport } from './files-report.js';
import { type FingerprintedConfig, type ModelFingerprint, fingerprintModel } from './fingerprint.js';
import type { CreateHasher } from './hash.js';
import { createWasmHasher } from './hash-wasm.js';
import { LOCK_NAME, type Lock, type LockedModel, type LockPredicate, isLockName } from './lock.js';
import { readLock } from './read-lock.js';

/** A tensor that is not as the lock has it. */
export interface TensorChange {
  /** Canonical name. */
  readonly name: string;
  /** What became of it. */
  readonly change: 'changed' | 'missing' | 'added';
}

/** What became of a model since it was locked. */
export interface LockReport {
  /** Name of the lock file. */
  readonly name: string;
  /** What wrote it. */
  readonly tool: LockPredicate['tool'];
  /** Fingerprint of the model that was locked; null where the lock has none. */
  readonly fingerprint: string | null;
  /**
   * `files-match`: every file has its hash, so no tensor was looked at; `unchanged`: the files changed and the model did not,
   * or its fingerprints were asked for and are right; `changed`: another model; `unreadable`: it cannot be opened;
   * `no-model`: the lock has only files, and they changed.
   */
  readonly status: 'files-match' | 'unchanged' | 'changed' | 'unreadable' | 'no-model';
  /** Tensors that are not as the lock has them, in canonical order. */
  readonly tensors: readonly TensorChange[];
  /** Names of hyperparameters that changed. */
  readonly hyperparameters: readonly (keyof FingerprintedConfig)[];
  /** Whether the vocabulary changed. */
  readonly vocabularyChanged: boolean;
  /** Why the model cannot be opened. */
  readonly error: CheckpointError | undefined;
}

/** How a model is held against its lock. */
export interface VerifyLockOptions extends OperationOptions {
  /** Folder above, where Llama 1 and 2 keep the tokenizer. */
  readonly parent?: Folder | undefined;
  /** Implementation of SHA-256; WebAssembly when absent. */
  readonly createHasher?: CreateHasher | undefined;
  /** Whether fingerprints are checked although all files have their hashes. */
  readonly deep?: boolean | undefined;
}

/** Every lock file of a folder that can be read. Reads weights only where files differ from it, or with `deep`. @throws the signal's reason */
export async function verifyLocks(
  folder: Folder,
  files: FilesReport,
  options: VerifyLockOptions = {},
): Promise<LockReport[]> {
  const reports: LockReport[] = [];
  for (const { name } of (await folder.list()).filter((entry) => isLockName(entry.name))) {
    const lock = await readLock(folder, name, options);
    if (!(lock instanceof CheckpointError)) reports.push(await verifyLock(folder, { name, lock }, files, options));
  }
  return reports;
}

async function verifyLock(
  folder: Folder,
  { name, lock }: { readonly name: string; readonly lock: Lock },
  files: FilesReport,
  options: VerifyLockOptions,
): Promise<LockReport> {
  const { tool, model } = lock.predicate;
  const facts = { name, tool, fingerprint: model?.fingerprint ?? null };
  const none = { tensors: [], hyperparameters: [], vocabularyChanged: false, error: undefined };
  const allMatch = files.files.every(({ list, status }) => list !== name || status === 'ok');
  if (allMatch && (options.deep !== true || model === null)) return { ...facts, ...none, status: 'files-match' };
  if (model === null) return { ...facts, ...none, status: 'no-model' };
  const place = name === LOCK_NAME ? folder : partOfFolder(folder, lock.subject.map((file) => file.name)); // prettier-ignore
  const found = await fingerprintIn(place, lock, options);
  if (found instanceof CheckpointError) return { ...facts, ...none, status: 'unreadable', error: found };
  const changes = changesOf(model, found);
  const { tensors, hyperparameters, vocabularyChanged } = changes;
  const agrees = tensors.length + hyperparameters.length === 0 && !vocabularyChanged;
  const same = found.sha256 === model.fingerprint && agrees;
  return { ...facts, ...changes, error: undefined, status: same ? 'unchanged' : 'changed' };
}

/** The fingerprint of what is there now, or why there is none. */
async function fingerprintIn(
  folder: Folder,
  { predicate }: Lock,
  { parent, signal, onProgress, createHasher = createWasmHasher }: VerifyLockOptions,
): Promise<ModelFingerprint | CheckpointError> {
  // where the factor was given by a person, it is no change that it is not given again; all but Meta's files state it
  const isUnstated = predicate.command === 'lock' || predicate.model?.layout === 'meta';
  const factor = predicate.options['ropeFactor'];
  const ropeFactor = typeof factor === 'number' && isUnstated ? factor : undefined;
  try {
    await using model = await openModelFolder(folder, { parent, signal, ropeFactor });
    return await fingerprintModel(model, { createHasher, signal, onProgress });
  } catch (cause) {
    signal?.throwIfAborted();
    if (cause instanceof CheckpointError) return cause;
    throw cause;
  }
}

type Changes = Pick<LockReport, 'tensors' | 'hyperparameters' | 'vocabularyChanged'>;

function changesOf(locked: LockedModel, found: ModelFingerprint): Changes {
  const now = new Map(found.tensors.map(({ name, sha256 }) => [name, sha256]));
  const before = new Map(locked.tensors.map(({ name, sha256 }) => [name, sha256]));
  const gone = locked.tensors.flatMap(({ name, sha256 }): TensorChange[] => {
    const hash = now.get(name);
    if (hash === undefined) return [{ name, change: 'missing' }];
    return hash === sha256 ? [] : [{ name, change: 'changed' }];
  });
  const added = found.tensors.flatMap(({ name }): TensorChange[] =>
    before.has(name) ? [] : [{ name, change: 'added' }],
  );
  const keys = Object.keys(found.hyperparameters) as (keyof FingerprintedConfig)[];
  return {
    tensors: [...gone, ...added],
    hyperparameters: keys.filter((key) => differs(locked.hyperparameters[key], found.hyperparameters[key])),
    vocabularyChanged: locked.parts.vocabulary !== (found.parts.vocabulary ?? null),
  };
}

type ConfigPart = FingerprintedConfig[keyof FingerprintedConfig] | undefined;

function differs(a: ConfigPart, b: ConfigPart): boolean {
  return jsonOf(a) !== jsonOf(b);
}

function jsonOf(value: ConfigPart): string {
  return canonicalJson(typeof value === 'object' && value !== null ? { ...value } : (value ?? null));
}
