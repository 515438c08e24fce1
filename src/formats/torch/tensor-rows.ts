/**
 * The rows that tell of tensors in the JSON of an object, and the numbers of their storages.
 *
 * @module
 */
import { isGlobal, isKind } from '../../pickle/access.js';
import type { PickleValue } from '../../pickle/values.js';
import { tensorByteLength } from '../tensor.js';
import type { TorchStorage } from './storages.js';
import type { StorageRow, TaggedJson, TensorRow } from './tagged-json.js';
import type { TensorValue } from './tensor-value.js';
import { className, presentName } from './torch-names.js';

/** A row while it is written. */
export type OpenRow = { -readonly [Name in keyof TensorRow]: TensorRow[Name] };

/** Numbers storages in the order in which they are mentioned. */
export class StorageNumbers {
  readonly #stored: ReadonlyMap<string, TorchStorage>;
  readonly #numbers = new Map<TorchStorage, number>();

  /** @param storages - those that are in the file */
  constructor(storages: readonly TorchStorage[]) {
    this.#stored = new Map(storages.map((storage) => [storage.key, storage]));
  }

  /** Number of a storage; null for bytes that are not in a storage of the file. */
  numberOf({ key }: Pick<TorchStorage, 'key'>): number | null {
    const storage = this.#stored.get(key);
    if (storage === undefined) return null;
    const number = this.#numbers.get(storage) ?? this.#numbers.size;
    this.#numbers.set(storage, number);
    return number;
  }

  /** All storages, by number; those that nobody mentioned come last. */
  rows(): StorageRow[] {
    for (const storage of this.#stored.values()) this.numberOf(storage);
    return [...this.#numbers].map(([storage, id]) => storageRow(id, storage));
  }
}

/** What a row says of a tensor by itself, without its parts and attributes. */
export function tensorRow(
  value: TensorValue,
  { name, path }: Pick<TensorRow, 'name' | 'path'>,
  alias: number | undefined,
  storages: StorageNumbers,
): OpenRow {
  return {
    ...{ name, path, kind: value.kind, dtype: value.storedDtype },
    ...(value.kind === 'nested' ? {} : { shape: value.shape }),
    ...(alias === undefined ? {} : { alias_of: alias }),
    ...{ requires_grad: value.requiresGrad, is_parameter: value.isParameter },
    ...(value.pythonType === undefined ? {} : { python_type: value.pythonType }),
    ...(value.coalesced === undefined ? {} : { coalesced: value.coalesced }),
    ...elementsOf(value, storages),
  };
}

/** What a quantized tensor's numbers mean; the rows of its parts are those of scales and zero points. */
export function quantizerJson(
  quantizer: PickleValue,
  parts: ReadonlyMap<string, TaggedJson>,
  floatZeroPoints: boolean,
  leaf: Leaf,
): TaggedJson {
  const [type, first = null, second = null, axis = null] = isKind(quantizer, 'tuple') ? quantizer.items : [];
  const name = isKind(type, 'global') ? presentName(type).replace(/^torch\./, '') : '';
  if (isGlobal(type, 'torch', 'per_tensor_affine')) {
    return { scheme: name, scale: leaf(first) ?? null, zero_point: leaf(second) ?? null };
  }
  const [scales, zeroPoints] = [parts.get('scales') ?? null, parts.get('zero_points') ?? null];
  // PyTorch pickles both schemes by channel under one name, and tells them apart as it reads.
  const scheme = floatZeroPoints ? 'per_channel_affine_float_qparams' : name;
  return { scheme, axis: leaf(axis) ?? null, scales, zero_points: zeroPoints };
}

type Leaf = (value: PickleValue) => TaggedJson | undefined;

function elementsOf(value: TensorValue, storages: StorageNumbers): Partial<OpenRow> {
  const { kind, dtype, shape, stride, storage, storageOffset, conjugated, negated } = value;
  if (kind === 'meta' || kind === 'wrapper') return { stride };
  if (storage === undefined) return {};
  return {
    ...{ stride, storage_offset: storageOffset, storage: storages.numberOf(storage) },
    ...(dtype === undefined ? {} : { nbytes: tensorByteLength({ dtype, shape }) }),
    ...(conjugated || negated ? { bits: { conj: conjugated, neg: negated } } : {}),
  };
}

function storageRow(id: number, storage: TorchStorage): StorageRow {
  const { key, location, elementCount, byteLength, viewOf } = storage;
  const row = { id, key, class: className(storage.className), location, numel: elementCount, nbytes: byteLength };
  if (viewOf === undefined) return row;
  const { key: whole, offset, elementCount: wholeCount } = viewOf;
  return { ...row, numel: wholeCount, view_of: { key: whole, offset, numel: elementCount } };
}
