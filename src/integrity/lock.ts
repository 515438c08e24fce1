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
import type { JsonValue } from './canonical-json.js';
import type { LineProblem } from './checklist.js';
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

/** What says that a JSON object is a Statement. */
export const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';

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

  /**
   * @param code - cause
   * @param message - what was found and what was expected
   * @param context - where
   * @param outside - the file outside of the folder that the lock names, where that is the cause
   */
  constructor(
    code: LockErrorCode,
    message: string,
    context?: ErrorContext,
    readonly outside?: LineProblem,
  ) {
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
