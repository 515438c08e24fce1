/**
 * The member `storages` of the tar archive that torch.save wrote in 2016.
 *
 * A number, then for each storage a pickle of (key, device, class), its number of elements and the elements,
 * then a pickled list of the storages that are stretches of others: (key, key of the other, offset, elements).
 * What comes out are the persistent ids that a later PyTorch would have written for the same storages.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (legacy_load)
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import { describeValue } from '../../pickle/describe.js';
import { persistentName } from '../../pickle/persistent.js';
import type { GlobalValue, PersistentValue, PickleValue } from '../../pickle/values.js';
import { sliceSource } from '../../source/slice.js';
import type { StorageRecord } from './storages.js';
import type { TarMemberReader } from './tar-member.js';
import { storageItemBytes, storageTypeOf } from './torch-dtypes.js';

/** The storages of such a file. */
export interface TarStorages {
  /** The persistent id of each storage and of each stretch, by key. */
  readonly ids: ReadonlyMap<string, PersistentValue>;
  /** Where the bytes of each storage are, by key. */
  readonly records: ReadonlyMap<string, StorageRecord>;
  /** The classes that are named, in order. */
  readonly globals: readonly GlobalValue[];
}

/**
 * Reads where the storages are, and steps over their bytes.
 *
 * @throws TorchError `torch/bad-legacy`, `torch/cut-off`, `torch/unknown-storage`, `torch/missing-storage`,
 *   `torch/out-of-bounds`, `torch/too-large`
 * @throws PickleError for broken pickles
 */
export async function readTarStorages(member: TarMemberReader): Promise<TarStorages> {
  const reader = new StoragesReader(member);
  const start = member.offset;
  const count = member.expectCount((await member.pickle()).value, 'storages', start);
  for (let nth = 0; nth < count; nth++) await reader.storage();
  await reader.views();
  return reader;
}

/** Bytes of the number of elements before those of a storage. */
const COUNT_BYTES = 8;

/** A stretch of a storage, perhaps all of it. */
interface Stretch {
  readonly storageClass: GlobalValue;
  /** Key of the whole storage. */
  readonly wholeKey: string;
  readonly wholeCount: number;
  readonly location: string;
  readonly offset: number;
  readonly elementCount: number;
}

class StoragesReader implements TarStorages {
  readonly ids = new Map<string, PersistentValue>();
  readonly records = new Map<string, StorageRecord>();
  readonly globals: GlobalValue[] = [];
  readonly #stretches = new Map<string, Stretch>();
  readonly #member: TarMemberReader;

  constructor(member: TarMemberReader) {
    this.#member = member;
  }

  /** A pickle of (key, device, class), the number of elements, the elements. */
  async storage(): Promise<void> {
    const member = this.#member;
    const start = member.offset;
    const { value, globals } = await member.entry();
    for (const global of globals) this.globals.push(global);
    const [id, location, storageClass] = isKind(value, 'tuple') ? value.items : [];
    const key = this.#newKey(id, start);
    if (typeof location !== 'string' || !isKind(storageClass, 'global')) {
      throw member.bad(`its storage ${key} is ${describeValue(value)}, not (key, device, class)`, start);
    }
    const className = qualifiedName(storageClass);
    const type = storageTypeOf(className);
    if (type === undefined) {
      throw member.fail('torch/unknown-storage', `the storage class ${className} is not known`, start);
    }
    const count = await member.bytes(COUNT_BYTES, `the number of elements of the storage ${key}`);
    const elementCount = Number(count.getBigUint64(0, true)); // inexact only where it is more than any file has
    const byteLength = elementCount * storageItemBytes(type);
    const fileOffset = member.skip(byteLength, `the storage ${key}`);
    const name = `${member.source.name} : storage ${key}`;
    const source = sliceSource(member.source, fileOffset, byteLength, name);
    this.records.set(key, { name, byteLength, fileOffset, source });
    const whole = { storageClass, wholeKey: key, wholeCount: elementCount, location, offset: 0, elementCount };
    this.#stretches.set(key, whole);
    this.ids.set(key, persistentId(key, whole, start));
  }

  /** A pickled list of (key, key of the storage, offset, elements); the storage may be a stretch itself. */
  async views(): Promise<void> {
    const member = this.#member;
    const start = member.offset;
    const { value } = await member.pickle();
    if (!isKind(value, 'list')) throw member.bad(`its storage views are ${describeValue(value)}, not a list`, start);
    member.expectCount(value.items.length, 'storage views', start);
    for (const view of value.items) this.#view(view, start);
  }

  #view(value: PickleValue, start: number): void {
    const member = this.#member;
    const [id, of, offset, elementCount] = isKind(value, 'tuple') ? value.items : [];
    const key = this.#newKey(id, start);
    const isPlace = typeof offset === 'number' && offset >= 0 && typeof elementCount === 'number' && elementCount >= 0;
    if (!isPlace) throw member.bad(`the view ${key} is ${describeValue(value)} without offset and elements`, start);
    const around = this.#stretches.get(persistentName(of) ?? '');
    if (around === undefined) {
      const message = `the storage of the view ${key} is missing from the file`;
      throw member.fail('torch/missing-storage', message, start);
    }
    if (offset + elementCount > around.elementCount) {
      const message = `the view ${key} reaches to element ${offset + elementCount} of a storage of ${around.elementCount}`;
      throw member.fail('torch/out-of-bounds', `${message}, past its end`, start);
    }
    const stretch = { ...around, offset: around.offset + offset, elementCount };
    this.#stretches.set(key, stretch);
    this.ids.set(key, persistentId(key, stretch, start));
  }

  #newKey(id: PickleValue | undefined, start: number): string {
    const key = persistentName(id);
    if (key === undefined) throw this.#member.bad('the key of a storage is no integer', start);
    if (this.ids.has(key)) throw this.#member.bad(`the storage ${key} is listed twice`, start);
    return key;
  }
}

/** ('storage', class, key, device, elements, view), as PyTorch has written it since 0.1.10. */
function persistentId(key: string, stretch: Stretch, offset: number): PersistentValue {
  const { storageClass, wholeKey, wholeCount, location } = stretch;
  const items: PickleValue[] = ['storage', storageClass, wholeKey, location, wholeCount];
  if (key !== wholeKey) items.push({ kind: 'tuple', items: [key, stretch.offset, stretch.elementCount] });
  return { kind: 'persistent', id: { kind: 'tuple', items }, offset };
}
