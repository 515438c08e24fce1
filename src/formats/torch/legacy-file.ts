/**
 * Files of torch.save before PyTorch 1.6, and of later ones when asked for.
 *
 * Five pickles stand one behind the other: a magic number, a protocol number, facts about the machine,
 * the object, and the keys of the storages. The storages follow in the order of the keys, each after its
 * number of elements; how long an element is only the object tells. The bytes are little-endian on every
 * machine, whatever the facts about it say.
 *
 * @see https://github.com/pytorch/pytorch/blob/main/torch/serialization.py (_legacy_save, _legacy_load)
 * @module
 */
import { hexOffset } from '../../errors.js';
import { isKind, qualifiedName } from '../../pickle/access.js';
import { PickleError } from '../../pickle/errors.js';
import { type PickleLimits, pickleLimitsFor } from '../../pickle/limits.js';
import { type Pickle, parsePickle } from '../../pickle/machine.js';
import type { PickleValue } from '../../pickle/values.js';
import type { ByteSource, ReadOptions } from '../../source/byte-source.js';
import { sliceSource } from '../../source/slice.js';
import { findStorageIds } from './persistent-values.js';
import { type StorageRecord, type StorageRecords, parseStorageId } from './storages.js';
import { storageItemBytes, storageTypeOf } from './torch-dtypes.js';
import { TorchError } from './torch-error.js';

/** What such a file holds. */
export interface LegacyCheckpoint {
  /** The object. */
  readonly pickle: Pickle;
  /** The storages. */
  readonly records: StorageRecords;
}

/** How such a file is to be opened. */
export interface LegacyOptions extends ReadOptions {
  /** Caps on each of its pickles other than the defaults. */
  readonly limits?: Partial<PickleLimits> | undefined;
}

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;

/** Bytes that are read at first; most pickles of such files fit, and what is read beyond them is not lost. */
const FIRST_BYTES = 1 << 16;

/** How much more is read each time a pickle turns out to be longer. */
const GROWTH = 4;

/** Bytes of the number of elements before each storage. */
const COUNT_BYTES = 8;

/**
 * Opens a file that begins with the magic number: reads its pickles, and eight bytes before each storage.
 *
 * @throws TorchError `torch/bad-legacy`, `torch/cut-off`, `torch/plain-pickle`, `torch/too-large`
 * @throws PickleError for broken pickles
 */
export async function openLegacyCheckpoint(source: ByteSource, options: LegacyOptions): Promise<LegacyCheckpoint> {
  const pickles = new PickleSequence(source, options);
  const magic = await pickles.next();
  if (magic.value !== MAGIC) {
    throw new TorchError('torch/plain-pickle', 'this is a pickle that torch.save did not write', {
      path: source.name,
      hint: 'open it in Python and save it again with torch.save',
    });
  }
  const protocol = await pickles.next();
  if (protocol.value !== PROTOCOL) throw bad(source, `its protocol is not ${PROTOCOL}`, magic.end);
  await pickles.next(); // facts about the machine, which nobody heeds
  const pickle = await pickles.next();
  const keys = await pickles.next();
  const places = placeStorages(source, pickle.value, expectKeys(source, keys.value, pickle.end), keys.end);
  for (const place of places.values()) await expectCount(pickles, place);
  const records = new Map([...places].map(([key, place]) => [key, recordOf(source, key, place)]));
  return { pickle, records: { bigEndian: false, find: (key) => records.get(key) } };
}

/** Pickles that stand one behind the other, of which nobody says how long they are. */
class PickleSequence {
  readonly source: ByteSource;
  readonly #options: LegacyOptions;
  readonly #limits: PickleLimits;
  #bytes = new Uint8Array(0);
  #position = 0;

  constructor(source: ByteSource, options: LegacyOptions) {
    this.source = source;
    this.#options = options;
    this.#limits = { ...pickleLimitsFor(source.size), ...options.limits };
  }

  async next(): Promise<Pickle> {
    for (;;) {
      const pickle = this.#parse();
      if (pickle !== undefined) {
        this.#position = pickle.end;
        return pickle;
      }
      await this.#readMore();
    }
  }

  /** Bytes of the file, from what has been read where they are in it. */
  async read(offset: number, length: number): Promise<Uint8Array> {
    if (offset + length <= this.#bytes.byteLength) return this.#bytes.subarray(offset, offset + length);
    return this.source.read(offset, length, this.#options);
  }

  /** The next pickle, or undefined where more bytes could help. */
  #parse(): Pickle | undefined {
    try {
      const limits = this.#limits;
      return parsePickle(this.#bytes, { start: this.#position, path: this.source.name, limits });
    } catch (cause) {
      if (cause instanceof PickleError && (cause.code === 'pickle/truncated' || cause.code === 'pickle/no-stop')) {
        return undefined;
      }
      throw cause;
    }
  }

  async #readMore(): Promise<void> {
    const { source } = this;
    const length = this.#bytes.byteLength;
    if (length === source.size) {
      throw new TorchError('torch/cut-off', `cut off: a pickle is incomplete at the end, after ${source.size} bytes`, {
        path: source.name,
        offset: this.#position,
        hint: 'download this file again',
      });
    }
    const most = this.#position + this.#limits.bytes;
    if (length >= most) {
      throw new TorchError('torch/too-large', `a pickle has more than ${most - this.#position} bytes`, {
        path: source.name,
        offset: this.#position,
      });
    }
    const longer = Math.min(Math.max(FIRST_BYTES, GROWTH * length), source.size, Math.max(FIRST_BYTES, most));
    const bytes = new Uint8Array(longer);
    await source.readInto(0, bytes, this.#options);
    this.#bytes = bytes;
  }
}

/** Where a storage is. */
interface Place {
  /** First byte of the number of elements. */
  readonly offset: number;
  readonly elementCount: number;
  readonly byteLength: number;
}

function expectKeys(source: ByteSource, value: PickleValue, offset: number): string[] {
  const keys = isKind(value, 'list') ? value.items : [null];
  return keys.map((key) => {
    if (typeof key === 'string') return key;
    throw bad(source, 'the keys of its storages are no list of strings', offset);
  });
}

function placeStorages(
  source: ByteSource,
  root: PickleValue,
  keys: readonly string[],
  start: number,
): Map<string, Place> {
  const sizes = storageSizes(root, source.name);
  const places = new Map<string, Place>();
  let offset = start;
  for (const key of keys) {
    const size = sizes.get(key);
    if (size === undefined) throw bad(source, `the storage ${key} is named by no tensor`, offset);
    if (places.has(key)) throw bad(source, `the storage ${key} is listed twice`, offset);
    const end = offset + COUNT_BYTES + size.byteLength;
    if (end > source.size) {
      throw new TorchError(
        'torch/cut-off',
        `cut off: the storage ${key} should end at ${hexOffset(end)}, but the file has ${source.size} bytes`,
        { path: source.name, offset, hint: 'download this file again' },
      );
    }
    places.set(key, { offset, ...size });
    offset = end;
  }
  return places;
}

/** Lengths of the storages by key, as the object tells them. */
function storageSizes(root: PickleValue, path: string): Map<string, Pick<Place, 'elementCount' | 'byteLength'>> {
  const sizes = new Map<string, Pick<Place, 'elementCount' | 'byteLength'>>();
  for (const value of findStorageIds(root)) {
    const { storageClass, key, elementCount } = parseStorageId(value, path);
    const className = qualifiedName(storageClass);
    const type = storageTypeOf(className);
    if (type === undefined) {
      throw new TorchError('torch/unknown-storage', `the storage class ${className} is not known`, {
        path,
        offset: value.offset,
      });
    }
    sizes.set(key, { elementCount, byteLength: elementCount * storageItemBytes(type) });
  }
  return sizes;
}

async function expectCount(pickles: PickleSequence, { offset, elementCount }: Place): Promise<void> {
  const bytes = await pickles.read(offset, COUNT_BYTES);
  const count = new DataView(bytes.buffer, bytes.byteOffset, COUNT_BYTES).getBigUint64(0, true);
  if (count === BigInt(elementCount)) return;
  throw bad(pickles.source, `a storage should have ${elementCount} elements, but ${count} are announced`, offset);
}

function recordOf(source: ByteSource, key: string, { offset, byteLength }: Place): StorageRecord {
  const fileOffset = offset + COUNT_BYTES;
  const name = `${source.name} : storage ${key}`;
  return { name, byteLength, fileOffset, source: sliceSource(source, fileOffset, byteLength, name) };
}

function bad(source: ByteSource, what: string, offset: number): TorchError {
  return new TorchError('torch/bad-legacy', `a PyTorch file in the form before 1.6, but ${what}`, {
    path: source.name,
    offset,
  });
}
