/**
 * Which conversion a part belongs to, so that parts of two conversions are never taken for one.
 *
 * Weights are not read whole for it. A fine-tune has the names, sizes and hyperparameters of its base model, so the first
 * row of every tensor is hashed too, where it can be had without reading many others.
 *
 * @module
 */
import { ROW_BLOCK_BYTES, type Tensor, rowByteLengthOf, rowCountOf } from '../formats/tensor.js';
import { type JsonValue, canonicalJson } from '../integrity/canonical-json.js';
import { hashText } from '../integrity/fingerprint-vocabulary.js';
import type { CreateHasher } from '../integrity/hash.js';
import type { LockedSource } from '../integrity/lock.js';
import type { LlamaModel } from '../llama/model.js';
import type { ReadOptions } from '../source/byte-source.js';
import { statedOptions } from './lock-plan.js';
import type { ConvertOptions } from './options.js';
import { type ConversionIdentity, type ConversionPlan, ConvertError, type FilePiece } from './plan.js';

/** What an identity is made of beside the model. */
export interface IdentityParts {
  /** Version of the program. */
  readonly toolVersion: string;
  /** Files of the source. */
  readonly source: LockedSource;
  /** Options of the conversion. */
  readonly options: ConvertOptions;
  /** Whether a lock file is written. */
  readonly lock: boolean;
  /** Implementation of SHA-256. */
  readonly createHasher: CreateHasher;
}

/**
 * The identity of a conversion. Reads the first row of every tensor for which no more than 1 MiB has to be read, and makes every header.
 *
 * @param whole - plan of the whole conversion, without a lock file
 * @throws the errors of the source
 */
export async function conversionIdentity(
  whole: Pick<ConversionPlan, 'to' | 'files'>,
  model: LlamaModel,
  { toolVersion: tool, source, options, lock, createHasher, signal }: IdentityParts & ReadOptions,
): Promise<ConversionIdentity> {
  const files: JsonValue[] = [];
  for (const { name, byteLength, pieces } of whole.files) {
    const hashed: JsonValue[] = [];
    for (const piece of pieces) hashed.push(await pieceJson(piece, createHasher));
    files.push({ name, byteLength, pieces: hashed });
  }
  const rows = await hashOfFirstRows([...model.tensors.values()], createHasher, signal);
  // its interfaces have no index signature, but nothing that JSON cannot say
  const stated = JSON.parse(JSON.stringify(source)) as JsonValue;
  return {
    ...{ tool, options: { ...statedOptions(options, model), lock } },
    source: await hashText(canonicalJson({ files: stated, rows }), createHasher),
    plan: await hashText(canonicalJson(files), createHasher),
  };
}

/**
 * Refuses a part of another conversion.
 *
 * @param found - identity that the part's record has
 * @param expected - identity of the conversion in hand
 * @param part - what the part is called
 * @param path - the record
 * @throws ConvertError `convert/part-mismatch`
 */
export function expectSameConversion(
  found: ConversionIdentity,
  expected: ConversionIdentity,
  part: string,
  path: string,
): void {
  const difference = differenceOf(found, expected);
  if (difference === undefined) return;
  throw new ConvertError('convert/part-mismatch', `${part} is of another conversion: ${difference}`, {
    path,
    hint: 'give every part the same source and options; --force writes one anew, and a record of a run given up may be removed',
  });
}

function differenceOf(found: ConversionIdentity, expected: ConversionIdentity): string | undefined {
  if (found.tool !== expected.tool) return `llama-inspect ${found.tool} wrote it, and this is ${expected.tool}`;
  const keys = [...new Set([...Object.keys(expected.options), ...Object.keys(found.options)])];
  const key = keys.find((name) => said(found, name) !== said(expected, name));
  if (key !== undefined) return `its option ${key} is ${said(found, key)}, and here it is ${said(expected, key)}`;
  if (found.source !== expected.source) return 'the files or weights of its source are others';
  return found.plan === expected.plan ? undefined : 'it plans other files from the same source and options';
}

/** An option's value in a message. */
function said({ options }: ConversionIdentity, key: string): string {
  const value = options[key];
  return value === undefined ? 'not given' : canonicalJson(value).slice(0, 100);
}

async function pieceJson(piece: FilePiece, createHasher: CreateHasher): Promise<JsonValue> {
  switch (piece.kind) {
    case 'bytes': {
      const hasher = await createHasher('sha256');
      hasher.update(piece.bytes);
      return hasher.digestHex();
    }
    case 'tensor': {
      const { name, dtype, shape, from, fileOffset, byteLength, tensor } = piece;
      return { name, dtype, shape, from, fileOffset, byteLength, source: { dtype: tensor.dtype, shape: tensor.shape } };
    }
    case 'late':
    case 'made':
      return piece.byteLength;
  }
}

async function hashOfFirstRows(
  tensors: readonly Tensor[],
  createHasher: CreateHasher,
  signal: AbortSignal | undefined,
): Promise<string> {
  const hasher = await createHasher('sha256');
  for (const tensor of tensors) {
    signal?.throwIfAborted();
    const { name, dtype, shape } = tensor;
    hasher.update(new TextEncoder().encode(canonicalJson({ name, dtype, shape })));
    if (rowCountOf(shape) === 0 || rowByteLengthOf(tensor) * (tensor.rowGroup ?? 1) > ROW_BLOCK_BYTES) continue;
    hasher.update(await tensor.readRows(0, 1, { signal }));
  }
  return hasher.digestHex();
}
