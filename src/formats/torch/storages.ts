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
import type { GlobalValue, PersistentValue, PickleValue } from '../../pickle/values.js';
import type { ByteSource } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { type StorageType, storageItemBytes, storageTypeOf, swapUnit } from './torch-dtypes.js';
import { TorchError } from './torch-error.js';

/** The bytes of a storage in the file. */
export interface StorageRecord {
  /** What a person calls it: `archive/data/0`. */
  readonly name: string;
  /** Its length. */
  readonly byteLength: number;
  /** Its bytes; opened when they are first asked for. */
  readonly source: ByteSource;
  /** Where they begin in the file, when that is known and they lie there as they are. */
  readonly fileOffset: number | undefined;
}

/** A storage as a pickle names it. */
export interface TorchStorage {
  /** Name of its record among the storages, or of a view; storages with equal keys are one. */
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
  /** The storage of which it is a stretch, in files before PyTorch 0.4. */
  readonly viewOf: ViewedStorage | undefined;
}

/** A storage of which another is a stretch. */
export interface ViewedStorage {
  /** Its key. */
  readonly key: string;
  /** Its elements. */
  readonly elementCount: number;
  /** First element of the stretch. */
  readonly offset: number;
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
  readonly #records: StorageRecords;
  readonly #path: string;
  readonly #byKey = new Map<string, TorchStorage>();
  readonly #classes = new Map<GlobalValue, StorageClass>();

  constructor(records: StorageRecords, path: string) {
    this.#records = records;
    this.#path = path;
  }

  /** The storages named so far, in order, each once. */
  get storages(): readonly TorchStorage[] {
    return [...this.#byKey.values()];
  }

  /**
   * The storage a persistent id names.
   *
   * @throws TorchError `torch/bad-tensor`, `torch/unknown-storage`, `torch/missing-storage`, `torch/short-storage`
   */
  resolve(value: PersistentValue): TorchStorage {
    const id = parseStorageId(value, this.#path);
    const { className, type } = this.#classOf(id.storageClass);
    const key = id.view?.key ?? id.key;
    const known = this.#byKey.get(key);
    if (known?.className === className && known.elementCount === (id.view ?? id).elementCount) return known;
    const whole = this.#open(id, className, type, value.offset);
    const storage = id.view === undefined ? whole : viewOf(whole, id.view, { path: this.#path, offset: value.offset });
    if (known === undefined) this.#byKey.set(key, storage);
    return storage;
  }

  #open(id: StorageId, className: string, type: StorageType | undefined, offset: number): TorchStorage {
    const { key, location, elementCount } = id;
    const context = { path: this.#path, offset };
    if (type === undefined) {
      throw new TorchError('torch/unknown-storage', `the storage class ${className} is not known`, context);
    }
    const record = this.#records.find(key);
    if (record === undefined) {
      throw new TorchError('torch/missing-storage', `the storage data/${key} is missing from the file`, context);
    }
    const byteLength = elementCount * storageItemBytes(type);
    if (byteLength > record.byteLength) {
      throw new TorchError(
        'torch/short-storage',
        `the storage ${record.name} should have ${byteLength} bytes, but has ${record.byteLength}`,
        context,
      );
    }
    const unit = this.#records.bigEndian ? swapUnit(type) : 1;
    return { key, className, type, location, elementCount, byteLength, swapUnit: unit, record, viewOf: undefined };
  }

  /** Looked up once for each time the pickle names it, which is nearly always once in all. */
  #classOf(global: GlobalValue): StorageClass {
    const known = this.#classes.get(global);
    if (known !== undefined) return known;
    const className = qualifiedName(global);
    const storageClass = { className, type: storageTypeOf(className) };
    this.#classes.set(global, storageClass);
    return storageClass;
  }
}

interface StorageClass {
  readonly className: string;
  readonly type: StorageType | undefined;
}

/** Whether a persistent value claims to be a storage. */
export function isStorage(value: PickleValue | undefined): value is PersistentValue {
  return isKind(value, 'persistent') && isKind(value.id, 'tuple') && value.id.items[0] === 'storage';
}

/** What a persistent id says. */
export interface StorageId {
  /** Class of the storage. */
  readonly storageClass: GlobalValue;
  /** Key of its record. */
  readonly key: string;
  /** Device. */
  readonly location: string;
  /** Elements of the record. */
  readonly elementCount: number;
  /** A stretch of it, as files before PyTorch 0.4 have them. */
  readonly view: StorageView | undefined;
}

interface StorageView {
  readonly key: string;
  readonly offset: number;
  readonly elementCount: number;
}

/**
 * The parts of a persistent id.
 *
 * @throws TorchError `torch/bad-tensor`
 */
export function parseStorageId({ id, offset }: PersistentValue, path: string): StorageId {
  const [, storageClass, key, location, elementCount, view] = isKind(id, 'tuple') ? id.items : [];
  if (!isKind(storageClass, 'global') || typeof key !== 'string' || typeof location !== 'string') {
    throw new TorchError(
      'torch/bad-tensor',
      `the persistent id of a storage is ${describeValue(id)}, not ('storage', class, key, location, elements)`,
      { path, offset },
    );
  }
  if (typeof elementCount !== 'number' || elementCount < 0) {
    const found = elementCount === undefined ? 'nothing' : describeValue(elementCount);
    throw new TorchError('torch/bad-tensor', `the size of the storage data/${key} is ${found}`, { path, offset });
  }
  return { storageClass, key, location, elementCount, view: parseView(view, { path, offset }) };
}

/** The tuple (key, offset, elements), or nothing. */
function parseView(view: PickleValue | undefined, context: ErrorContext): StorageView | undefined {
  if (view === undefined || view === null) return undefined;
  const [key, offset, elementCount] = isKind(view, 'tuple') ? view.items : [];
  const valid = typeof offset === 'number' && offset >= 0 && typeof elementCount === 'number' && elementCount >= 0;
  if (typeof key === 'string' && valid) return { key, offset, elementCount };
  throw new TorchError('torch/bad-tensor', `a view of a storage is ${describeValue(view)}`, context);
}

function viewOf(whole: TorchStorage, view: StorageView, context: ErrorContext): TorchStorage {
  const { key, offset, elementCount } = view;
  if (offset + elementCount > whole.elementCount) {
    throw new TorchError(
      'torch/out-of-bounds',
      `a view reaches to element ${offset + elementCount} of the storage ${whole.record.name}, past its end`,
      context,
    );
  }
  const itemBytes = storageItemBytes(whole.type);
  const byteLength = elementCount * itemBytes;
  const { name, source, fileOffset } = whole.record;
  const start = offset * itemBytes;
  const record: StorageRecord = {
    name,
    byteLength,
    source: sliceSource(source, start, byteLength),
    fileOffset: fileOffset === undefined ? undefined : fileOffset + start,
  };
  const viewOf = { key: whole.key, elementCount: whole.elementCount, offset };
  return { ...whole, key, elementCount, byteLength, record, viewOf };
}
