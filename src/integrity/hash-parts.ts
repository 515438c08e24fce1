/**
 * The hash that is a model's fingerprint, of parts that may also come from a lock file.
 *
 * @see docs/fingerprints.md
 * @module
 */
import { type JsonValue, canonicalJson } from './canonical-json.js';
import type { TensorFingerprint } from './fingerprint-tensor.js';
import { hashText } from './fingerprint-vocabulary.js';
import type { CreateHasher } from './hash.js';

/** The object that is hashed, by its type: other rules would be another version. */
const TYPE = 'llama-inspect/model/v1';

/** The parts of a model that are hashed. */
export interface HashedParts {
  /** Every tensor but an output matrix that equals the embedding. */
  readonly tensors: readonly Pick<TensorFingerprint, 'name' | 'sha256'>[];
  /** Hyperparameters. */
  readonly hyperparameters: JsonValue;
  /** Facts of the vocabulary, or their hash where it is known; null where there is none. */
  readonly vocabulary: JsonValue;
}

/** The fingerprint and the hashes of its parts. */
export interface PartHashes {
  /** The fingerprint: SHA-256 in lower-case hexadecimal. */
  readonly sha256: string;
  /** Of each part; no vocabulary is null. */
  readonly parts: { readonly tensors: string; readonly hyperparameters: string; readonly vocabulary: string | null };
}

/** The fingerprint of a model and the hashes of its parts; that of no vocabulary is null. Reads nothing. */
export async function hashParts(
  { tensors, hyperparameters, vocabulary: facts }: HashedParts,
  createHasher: CreateHasher,
): Promise<PartHashes> {
  const byName = Object.fromEntries(tensors.map(({ name, sha256 }) => [name, sha256]));
  const hash = (value: JsonValue): Promise<string> => hashText(canonicalJson(value), createHasher);
  const vocabulary = facts === null || typeof facts === 'string' ? facts : await hash(facts);
  const sha256 = await hash({ type: TYPE, tensors: byName, hyperparameters, vocabulary });
  return { sha256, parts: { tensors: await hash(byName), hyperparameters: await hash(hyperparameters), vocabulary } };
}
