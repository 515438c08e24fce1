/**
 * Storages: the bytes behind tensors.
 *
 * A pickle names a storage by a "persistent id", the tuple ('storage', class, key, location, elements);
 * its bytes lie in a record of their own. Tensors that share memory name the same key.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (persistent_load)
 * @module
 */
import type { ErrorContext } from '../../errors.js';
import { isKind, qualifiedName } from '../../pickle/access.js';
import { describeValue } from '../../pickle/describe.js';
import type { PersistentValue, PickleValue } from '../../pickle/values.js';
import type { ByteSource } from '../../source/byte-source.js';
import { type StorageType, storageItemBytes, storageTypeOf, swapUnit } from './torch-dtypes.js';
import { TorchError } from './torch-error.js';

/** The bytes of a storage in the file. */
export interface StorageRecord {
  /** What a person calls it: `archive/data/0`. */
  readonly name: string;
  /** Its bytes. */
  readonly source: ByteSource;
  /** Where they begin in the file, when that is known and they lie there as they are. */
  readonly fileOffset: () => number | undefined;
}

/** A storage as a pickle names it. */
export interface TorchStorage {
  /** Name of its record among the storages; storages with equal keys are one. */
  readonly key: string;
  /** Its class: `torch.BFloat16Storage`. */
  readonly className: string;
  /** What it holds. */
  readonly type: StorageType;
  /** Device it was saved from: `cpu`, `cuda:0`. */
  readonly location: string;
  /** Elements; bytes where it is untyped. */
  readonly elementCount: number;
  /** Bytes. */
  readonly byteLength: number;
  /** Bytes that have to be reversed together to make the data little-endian; 1 where there is nothing to do. */
  readonly swapUnit: number;
  /** Where its bytes are. */
  readonly record: StorageRecord;
}

/** Finds the record of a storage. */
export interface StorageRecords {
  /** Whether the data are big-endian. */
  readonly bigEndian: boolean;
  /** The record of that key, or undefined. */
  find(key: string): StorageRecord | undefined;
}

/** The storages of a file, each checked when it is first named. */
export class StorageTable {
  private readonly byValue = new Map<PersistentValue, TorchStorage>();
  private readonly byKey = new Map<string, TorchStorage>();

  constructor(
    private readonly records: StorageRecords,
    private readonly path: string,
  ) {}

  /** The storages named so far, in order, each once. */
  get storages(): readonly TorchStorage[] {
    return [...this.byKey.values()];
  }

  /**
   * The storage a persistent id names.
   *
   * @throws TorchError `torch/bad-tensor`, `torch/unknown-storage`, `torch/missing-storage`, `torch/short-storage`
   */
  resolve(value: PersistentValue): TorchStorage {
    const known = this.byValue.get(value);
    if (known !== undefined) return known;
    const storage = this.parse(value);
    this.byValue.set(value, storage);
    if (!this.byKey.has(storage.key)) this.byKey.set(storage.key, storage);
    return storage;
  }

  private parse(value: PersistentValue): TorchStorage {
    const context = { path: this.path, offset: value.offset };
    const { storageClass, key, location, elementCount } = parseId(value.id, context);
    const type = storageTypeOf(storageClass);
    if (type === undefined) {
      throw new TorchError('torch/unknown-storage', `the storage class ${storageClass} is not known`, context);
    }
    const record = this.records.find(key);
    if (record === undefined) {
      throw new TorchError('torch/missing-storage', `the storage data/${key} is missing from the file`, context);
    }
    const byteLength = elementCount * storageItemBytes(type);
    if (byteLength > record.source.size) {
      throw new TorchError(
        'torch/short-storage',
        `the storage ${record.name} should have ${byteLength} bytes, but has ${record.source.size}`,
        context,
      );
    }
    const unit = this.records.bigEndian ? swapUnit(type) : 1;
    return { key, className: storageClass, type, location, elementCount, byteLength, swapUnit: unit, record };
  }
}

/** Whether a persistent value claims to be a storage. */
export function isStorage(value: PickleValue | undefined): value is PersistentValue {
  return isKind(value, 'persistent') && isKind(value.id, 'tuple') && value.id.items[0] === 'storage';
}

interface StorageId {
  readonly storageClass: string;
  readonly key: string;
  readonly location: string;
  readonly elementCount: number;
}

function parseId(id: PickleValue, context: ErrorContext): StorageId {
  const [, storageClass, key, location, elementCount] = isKind(id, 'tuple') ? id.items : [];
  if (!isKind(storageClass, 'global') || typeof key !== 'string' || typeof location !== 'string') {
    throw new TorchError(
      'torch/bad-tensor',
      `the persistent id of a storage is ${describeValue(id)}, not ('storage', class, key, location, elements)`,
      context,
    );
  }
  if (typeof elementCount !== 'number' || elementCount < 0) {
    const found = elementCount === undefined ? 'nothing' : describeValue(elementCount);
    throw new TorchError('torch/bad-tensor', `the size of the storage data/${key} is ${found}`, context);
  }
  return { storageClass: qualifiedName(storageClass), key, location, elementCount };
}
