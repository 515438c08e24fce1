/**
 * Reading the bytes of a lock file, which a stranger may have written or changed.
 *
 * All that is printed or compared later is looked at here, and the hashes of the parts are computed from what the file
 * itself says of them, so a lock file whose statements contradict each other is refused before any of them is shown.
 *
 * @module
 */
import { isJsonObject } from '../llama/json-object.js';
import { expectNameInside } from '../source/folder.js';
import type { JsonValue } from './canonical-json.js';
import { hashParts } from './hash-parts.js';
import type { CreateHasher } from './hash.js';
import {
  LOCK_PREDICATE_TYPE,
  type Lock,
  LockError,
  type LockPredicate,
  type LockedFile,
  STATEMENT_TYPE,
} from './lock.js';
import { faultOfPredicate, isSha256 } from './lock-shape.js';

/**
 * Reads a lock file; see {@link expectConsistentLock} for what it says of its model.
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
  const subject = expectSubject(statement.subject, path);
  const { predicate } = statement;
  const fault = faultOfPredicate(predicate);
  return fault === undefined ? { subject, predicate: predicate as LockPredicate } : refuse(fault);
}

/** What to say of a lock file of a version that is not known yet. */
function olderThan(predicateType: unknown): string {
  const version =
    typeof predicateType === 'string' ? /^https:\/\/llama-inspect\.dev\/lock\/v(\d+)$/.exec(predicateType) : null;
  return version === null ? '' : ': it was written by another version of llama-inspect; the newest reads it';
}

function expectSubject(subject: unknown, path: string): readonly LockedFile[] {
  const context = { path };
  if (!Array.isArray(subject) || subject.length === 0) {
    throw new LockError('integrity/bad-lock', 'its subject names no file', context);
  }
  const names = new Set<string>();
  for (const [index, file] of (subject as readonly unknown[]).entries()) {
    const { name, digest } = (file ?? {}) as Partial<LockedFile>;
    const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 200)) : String(file === null ? null : typeof name); // prettier-ignore
    const outside = typeof name === 'string' && isOutside(name, path);
    if (outside) {
      const message = `the name ${shown} leads out of the folder`;
      throw new LockError('integrity/bad-lock', message, context, { line: index + 1, fault: 'outside-folder', message, name }); // prettier-ignore
    }
    if (typeof name !== 'string' || expectNameInside(name, path) !== name || !isSha256(digest?.sha256)) {
      const message = `a file inside the folder with its SHA-256 was expected, found ${shown}`;
      throw new LockError('integrity/bad-lock', message, context);
    }
    if (names.has(name)) throw new LockError('integrity/bad-lock', `its subject names ${shown} twice`, context);
    names.add(name);
  }
  return subject as readonly LockedFile[];
}

function isOutside(name: string, folder: string): boolean {
  try {
    expectNameInside(name, folder);
    return false;
  } catch {
    return true;
  }
}

/**
 * Holds what a lock file says of its model against itself: the hashes of the parts and the fingerprint follow from the
 * tensors, hyperparameters and vocabulary that it lists. Reads nothing.
 *
 * @throws LockError `integrity/bad-lock` where they do not
 */
export async function expectConsistentLock(
  { predicate }: Lock,
  path: string,
  createHasher: CreateHasher,
): Promise<void> {
  const { model } = predicate;
  if (model === null) return;
  const { vocabulary } = model;
  const stated = {
    tensors: model.tensors,
    hyperparameters: jsonOf(model.hyperparameters),
    vocabulary: vocabulary === null ? null : jsonOf(vocabulary),
  };
  const { sha256, parts } = await hashParts(stated, createHasher);
  const wrong = (['tensors', 'hyperparameters', 'vocabulary'] as const).find(
    (part) => parts[part] !== model.parts[part],
  );
  if (wrong === undefined && sha256 === model.fingerprint) return;
  const what = wrong === undefined ? 'fingerprint is not that of its parts' : `hash of the ${wrong} is not that of those it lists`; // prettier-ignore
  throw new LockError('integrity/bad-lock', `it contradicts itself: its ${what}`, {
    path,
    hint: 'it was changed after it was written; make it anew from files that you trust: llama-inspect lock --force',
  });
}

function jsonOf(value: object): JsonValue {
  return isJsonObject(value) ? (value as JsonValue) : null;
}
