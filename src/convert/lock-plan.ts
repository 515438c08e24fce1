/**
 * A plan with a lock file: what was written, and from what, beside it.
 *
 * The lock file is one more file of the plan, the last. Its size is known beforehand, as hashes have one length; its
 * content is made when everything else has been written. So it appears together with the other files, or not at all.
 *
 * @see docs/fingerprints.md
 * @module
 */
import { type ModelFingerprint, fingerprintOf } from '../integrity/fingerprint.js';
import { type VocabularyFingerprint, fingerprintVocabulary } from '../integrity/fingerprint-vocabulary.js';
import type { JsonValue } from '../integrity/canonical-json.js';
import { type CreateHasher, type Hasher, hashingHere } from '../integrity/hash.js';
import { LOCK_NAME, type LockPredicate, type LockedFile, type LockedSource, formatLock, lockNameOf, lockedModel } from '../integrity/lock.js'; // prettier-ignore
import type { LlamaModel } from '../llama/model.js';
import { lastPathPart } from '../llama/model-name.js';
import { WriteRecord, type Written } from './lock-record.js';
import type { ConvertOptions } from './options.js';
import type { ConversionPlan, PlannedFile } from './plan.js';

/** What a lock file tells beside hashes. */
export interface PlanLockOptions {
  /** Version of this program. */
  readonly toolVersion: string;
  /** Files of the source, and their hashes where they are known. */
  readonly source: LockedSource;
  /** Options of the conversion. */
  readonly options: ConvertOptions;
  /** Implementation of SHA-256. */
  readonly createHasher: CreateHasher;
  /** What the parts of the conversion have written; nothing when absent. */
  readonly written?: Written | undefined;
}

/** Name of the lock file of an output: a folder has one, a GGUF file its own beside it. */
export function lockNameOfOutput(to: ConversionPlan['to'], firstFile: string): string {
  return to === 'gguf' ? lockNameOf(firstFile) : LOCK_NAME;
}

/** The plan with a lock file at its end. Reads nothing; goes through the vocabulary once, before anything else takes memory. */
export async function planWithLock(
  plan: ConversionPlan,
  model: LlamaModel,
  options: PlanLockOptions,
): Promise<ConversionPlan> {
  const { createHasher, written: known } = options;
  const stated = statedOptions(options.options, model);
  const vocabulary = model.vocabulary && (await fingerprintVocabulary(model.vocabulary, createHasher));
  const record = new WriteRecord(model, plan, createHasher, known);
  const asLock = (files: readonly LockedFile[], found: ModelFingerprint): Uint8Array => {
    const written = lockedModel(LAYOUTS[plan.to], found, (tensor) => record.dtypeOf(tensor));
    return formatLock({ subject: files, predicate: { ...predicateOf(options, stated), model: written } });
  };
  const name = lockNameOfOutput(plan.to, plan.files[0]?.name ?? '');
  const { byteLength } = asLock(...(await standIn(plan, model, vocabulary)));
  let bytes = new Uint8Array(0);
  const file: PlannedFile = { name, byteLength, pieces: [{ kind: 'bytes', get bytes() { return bytes; } }] }; // prettier-ignore
  return {
    ...plan,
    files: [...plan.files, file],
    byteLength: plan.byteLength + byteLength,
    record: async (next, { beginHash = hashingHere(createHasher), ...readOptions }) => {
      if (next !== file) return record.beginFile(next.name, beginHash);
      const { files, tensors } = await record.finish(readOptions);
      const found = await fingerprintOf({ model, vocabulary, tensors }, createHasher);
      bytes = padded(asLock(files, found), byteLength);
      return undefined;
    },
  };
}

const LAYOUTS: Readonly<Record<ConversionPlan['to'], LlamaModel['layout']>> = {
  ...{ safetensors: 'hf', gguf: 'gguf', meta: 'meta' },
};

/** Files and a fingerprint of the lengths that the real ones will have. */
async function standIn(
  plan: ConversionPlan,
  model: LlamaModel,
  vocabulary: VocabularyFingerprint | undefined,
): Promise<[LockedFile[], ModelFingerprint]> {
  const hash = (index: number): string => String(index).padStart(64, '0');
  const files = plan.files.map(({ name }) => ({ name, digest: { sha256: hash(0) } }));
  const nothing: Hasher = { update: () => {}, digestHex: () => hash(0) };
  // each another, as an output that equals the embedding would be left out
  const tensors = [...model.tensors].map(([name, { dtype, shape }], index) => ({ name, dtype, shape, sha256: hash(index) })); // prettier-ignore
  return [files, await fingerprintOf({ model, vocabulary, tensors }, () => nothing)];
}

/** The text with spaces before its last line end; needed where an output turned out to equal the embedding. */
function padded(text: Uint8Array, byteLength: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(byteLength).fill(0x20);
  bytes.set(text.subarray(0, -1));
  bytes[byteLength - 1] = 0x0a;
  return bytes;
}

function predicateOf(
  { toolVersion: version, source }: PlanLockOptions,
  options: LockPredicate['options'],
): Omit<LockPredicate, 'model'> {
  return { tool: { name: 'llama-inspect', version }, command: 'convert', options, source };
}

/** Options that decide what is written, without paths, and what the model was opened with. */
export function statedOptions(
  options: ConvertOptions,
  model: Pick<LlamaModel, 'adapters' | 'ropeFactor'>,
): LockPredicate['options'] {
  const adapters = (model.adapters ?? []).map(lastPathPart);
  const { ropeFactor } = model;
  return {
    ...optionsJson(options),
    ...(ropeFactor === undefined ? {} : { ropeFactor }),
    ...(adapters.length === 0 ? {} : { adapters }),
  };
}

/** Options that decide what is written, without paths; every option has its line, so that none is forgotten. */
function optionsJson(options: ConvertOptions): Record<string, JsonValue> {
  const { to, type, pure, outputType, embeddingType, allowRequantize, maxShardSize, mergesAs } = options;
  const { shards, splitMaxSize, tensorTypes, importance, chatTemplate, metadata } = options;
  const given: Record<keyof ConvertOptions, JsonValue | undefined> = {
    ...{ to, type, pure, outputType, embeddingType, allowRequantize, maxShardSize, mergesAs, shards, splitMaxSize },
    tensorTypes: tensorTypes?.map(({ pattern, dtype }) => `${pattern.source}=${dtype}`),
    // their hashes are among the files that were read
    importance: importance && lastPathPart(importance.file),
    chatTemplate: chatTemplate && lastPathPart(chatTemplate.file),
    metadata: metadata?.map(
      ({ key, type: given, value }) => `${key}${given === undefined ? '' : `:${given}`}=${value}`,
    ),
    // the subject of the statement
    fileName: undefined,
  };
  return Object.fromEntries(
    Object.entries(given).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
