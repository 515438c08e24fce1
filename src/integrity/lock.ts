/**
 * The lock file: which files make a model, their hashes, and the fingerprint of every tensor in them.
 *
 * It is a Statement of the in-toto attestation framework, so programs that sign and check attestations take it as it is:
 * `subject` is every file with its SHA-256, `predicate` is ours. The same files give the same bytes: no time, no path.
 *
 * @see https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
 * @see docs/fingerprints.md
 * @module
 */
import type { DType } from '../dtype.js';
import { CheckpointError, type ErrorContext } from '../errors.js';
import type { LlamaModel } from '../llama/model.js';
import { expectNameInside } from '../source/folder.js';
import type { JsonValue } from './canonical-json.js';
import type { FingerprintedConfig, ModelFingerprint, ModelParts } from './fingerprint.js';
import type { TensorFingerprint } from './fingerprint-tensor.js';
import type { VocabularyFacts } from './fingerprint-vocabulary.js';

/** Name of the lock file of a folder; that of a single file has the file's name before it, as `1b.gguf.llama-inspect.lock.json`. */
export const LOCK_NAME = 'llama-inspect.lock.json';

/** Name of the lock file of a single file, which lies beside it. */
export function lockNameOf(fileName: string): string {
  return `${fileName}.${LOCK_NAME}`;
}

/** Whether a file directly in a folder has the name of a lock file; one in a folder below is a file as any other. */
export function isLockName(name: string): boolean {
  return name === LOCK_NAME || (name.endsWith(`.${LOCK_NAME}`) && !name.includes('/'));
}

/** What says that a Statement is a lock file of this version. */
export const LOCK_PREDICATE_TYPE = 'https://llama-inspect.dev/lock/v1';

const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

/** A file and its hash. */
export interface LockedFile {
  /** Name in the folder. */
  readonly name: string;
  /** Its SHA-256. */
  readonly digest: {
    /** In lower-case hexadecimal. */
    readonly sha256: string;
  };
}

/** A file that a conversion read. */
export interface LockedSourceFile {
  /** Name in its folder. */
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Its hash, where it is known without reading a large file for nothing else; null where not. */
  readonly digest: Readonly<Partial<Record<'sha256' | 'md5', string>>> | null;
  /** The list beside it that states the hash, which nobody has checked here; null for a hash that was computed. */
  readonly statedBy: string | null;
}

/** What a conversion read. */
export interface LockedSource {
  /** Last part of its path. */
  readonly name: string;
  /** Layout. */
  readonly layout: LlamaModel['layout'];
  /** Its files, by name; `../tokenizer.model` is that of the folder above. */
  readonly files: readonly LockedSourceFile[];
  /** Adapters that were merged into it, in their order; absent where there were none. */
  readonly adapters?: readonly LockedAdapter[] | undefined;
  /** Files that options name, as the importance matrix; absent where there are none. */
  readonly inputs?: readonly LockedSourceFile[] | undefined;
}

/** An adapter that a conversion merged. */
export interface LockedAdapter {
  /** Name of its folder. */
  readonly name: string;
  /** Its files, by name. */
  readonly files: readonly LockedSourceFile[];
}

/** A tensor as a lock file has it. */
export interface LockedTensor extends Omit<TensorFingerprint, 'dtype'> {
  /** Type in which it is stored; the fingerprint does not depend on it where the values do not. */
  readonly dtype: DType;
}

/** The model that the files hold. */
export interface LockedModel {
  /** Layout of the files. */
  readonly layout: LlamaModel['layout'];
  /** Fingerprint of the model. */
  readonly fingerprint: string;
  /** Fingerprints of its parts; no vocabulary is null. */
  readonly parts: LockedParts;
  /** Hyperparameters, as they are hashed. */
  readonly hyperparameters: FingerprintedConfig;
  /** What is hashed of the vocabulary; null where there is none. */
  readonly vocabulary: VocabularyFacts | null;
  /** Every tensor in canonical order; an output matrix that equals the embedding is left out. */
  readonly tensors: readonly LockedTensor[];
}

/** Fingerprints of the parts of a model. */
export interface LockedParts extends Omit<ModelParts, 'vocabulary'> {
  /** Of the vocabulary; null where there is none. */
  readonly vocabulary: string | null;
}

/** The program that wrote a lock file. */
export interface LockTool {
  /** Its name. */
  readonly name: 'llama-inspect';
  /** Its version. */
  readonly version: string;
}

/** Our part of the Statement. */
export interface LockPredicate {
  /** What wrote the file. */
  readonly tool: LockTool;
  /** `convert` for an output of a conversion, `lock` for files that were there. */
  readonly command: 'convert' | 'lock';
  /** Options of the command that decide what was written. */
  readonly options: Readonly<Record<string, JsonValue>>;
  /** What was converted; null for `lock`. */
  readonly source: LockedSource | null;
  /** The model; null where the files are no text Llama. */
  readonly model: LockedModel | null;
}

/** A lock file. */
export interface Lock {
  /** Every file but the lock file itself, by name. */
  readonly subject: readonly LockedFile[];
  /** What they are and where they come from. */
  readonly predicate: LockPredicate;
}

/** Causes for which a lock file is refused. */
export type LockErrorCode = 'integrity/bad-lock' | 'integrity/lock-exists';

/** A lock file that cannot be understood, or would be overwritten. */
export class LockError extends CheckpointError {
  declare readonly code: LockErrorCode;

  constructor(code: LockErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}

/**
 * A fingerprint as a lock file states it.
 *
 * @param layout - layout of the locked files
 * @param found - the fingerprint
 * @param storedAs - type in which the tensor of a canonical name is stored
 */
export function lockedModel(
  layout: LlamaModel['layout'],
  found: ModelFingerprint,
  storedAs: (name: string) => DType,
): LockedModel {
  const { sha256, parts, hyperparameters, vocabulary } = found;
  const tensors = found.tensors.map(({ name, shape, sha256: hash }) => {
    return { name, dtype: storedAs(name), shape, sha256: hash };
  });
  return {
    ...{ layout, fingerprint: sha256, parts: { ...parts, vocabulary: parts.vocabulary ?? null } },
    ...{ hyperparameters, vocabulary: vocabulary ?? null, tensors },
  };
}

/** The bytes of a lock file: JSON, a tensor or file on each line, the same for the same lock. */
export function formatLock({ subject, predicate }: Lock): Uint8Array {
  const ordered = [...subject].sort((a, b) => (a.name < b.name ? -1 : 1));
  const statement = { _type: STATEMENT_TYPE, subject: ordered, predicateType: LOCK_PREDICATE_TYPE, predicate };
  return new TextEncoder().encode(`${pretty(statement, '')}\n`);
}

/** Longest object or list that stands on one line. */
const LINE = 200;

function pretty(value: unknown, indent: string): string {
  const flat = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || (indent !== '' && flat.length + indent.length <= LINE))
    return flat;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const parts = Array.isArray(value)
    ? value.map((part) => pretty(part, inner))
    : Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${pretty(part, inner)}`);
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

/**
 * Reads a lock file.
 *
 * @throws LockError `integrity/bad-lock` for what is no lock file of this version, or names a file outside of its folder
 */
export function parseLock(bytes: Uint8Array, path: string): Lock {
  const refuse = (message: string, cause?: unknown): never => {
    throw new LockError('integrity/bad-lock', message, { path, cause });
  };
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    return refuse(`this is not valid JSON: ${(cause as Error).message}`, cause);
  }
  const statement = json as Partial<Record<'_type' | 'subject' | 'predicateType' | 'predicate', unknown>> | null;
  if (statement?._type !== STATEMENT_TYPE) return refuse(`a Statement of in-toto was expected (${STATEMENT_TYPE})`);
  if (statement.predicateType !== LOCK_PREDICATE_TYPE) {
    const { predicateType: type } = statement;
    const found = typeof type === 'string' ? JSON.stringify(type.slice(0, 200)) : typeof type;
    return refuse(`its predicateType is ${found}, not ${LOCK_PREDICATE_TYPE}${olderThan(type)}`);
  }
  const { subject, predicate } = statement;
  if (!isList(subject) || subject.length === 0) return refuse('its subject names no file');
  const bad = subject.find((file) => !isLockedFile(file, path));
  if (bad !== undefined) {
    return refuse(`a file inside the folder with its SHA-256 was expected, found ${JSON.stringify(bad).slice(0, 200)}`);
  }
  const names = new Set<string>();
  for (const { name } of subject as readonly LockedFile[]) {
    if (names.size === names.add(name).size) return refuse(`its subject names ${JSON.stringify(name)} twice`);
  }
  if (!isPredicate(predicate)) return refuse('its predicate has no tool, command and model as we write them');
  return { subject: subject as readonly LockedFile[], predicate };
}

/** What to say of a lock file of a version that is not known yet. */
function olderThan(predicateType: unknown): string {
  const version =
    typeof predicateType === 'string' ? /^https:\/\/llama-inspect\.dev\/lock\/v(\d+)$/.exec(predicateType) : null;
  return version === null ? '' : ': it was written by another version of llama-inspect; the newest reads it';
}

const SHA256 = /^[0-9a-f]{64}$/;

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isLockedFile(value: unknown, path: string): value is LockedFile {
  const { name, digest } = (value ?? {}) as Partial<LockedFile>;
  if (typeof name !== 'string' || typeof digest?.sha256 !== 'string' || !SHA256.test(digest.sha256)) return false;
  try {
    return expectNameInside(name, path) === name;
  } catch {
    return false;
  }
}

function isPredicate(value: unknown): value is LockPredicate {
  const { tool, command, model } = (value ?? {}) as Partial<Record<keyof LockPredicate, unknown>>;
  const { name, version } = (tool ?? {}) as Partial<LockPredicate['tool']>;
  if (typeof name !== 'string' || typeof version !== 'string') return false;
  return (command === 'convert' || command === 'lock') && (model === null || isLockedModel(model));
}

function isLockedModel(value: unknown): boolean {
  const { fingerprint, hyperparameters, parts, tensors } = (value ?? {}) as Partial<LockedModel>;
  if (typeof fingerprint !== 'string' || typeof hyperparameters !== 'object' || typeof parts !== 'object') return false;
  return isList(tensors) && tensors.every(isTensorFingerprint);
}

function isTensorFingerprint(value: unknown): boolean {
  const { name, sha256 } = (value ?? {}) as Partial<TensorFingerprint>;
  return typeof name === 'string' && typeof sha256 === 'string' && SHA256.test(sha256);
}
