/**
 * When two dictionary keys are the same key to Python.
 *
 * `1`, `1.0` and `True` are one key, `1` and `'1'` are two, tuples and bytes are compared by content, and
 * lists cannot be keys at all. Each value gets a stand-in that a JavaScript Map compares rightly. Tuples may
 * share their parts through the memo (exponentially many when written out), so each is looked at once and
 * its parts are numbered, which keeps the work linear.
 *
 * @see https://docs.python.org/3/reference/datamodel.html#object.__hash__
 * @module
 */
import { PickleError } from './errors.js';
import { decodeLatin1 } from './text.js';
import type {
  BytesValue,
  FloatValue,
  FrozensetValue,
  PickleEntry,
  PickleValue,
  TaggedValue,
  TupleValue,
} from './values.js';

/** Equal in a Map exactly when Python finds the values equal. */
type StandIn = string | number | bigint | null | object;

/** Containers up to this size are searched one by one; larger ones get a Map. */
const SMALL = 8;

/** Bytes up to this length are compared by content, longer ones by identity: as keys they have no use. */
const LONGEST_COMPARED = 2 ** 20;

/**
 * Entries as a dictionary keeps them: each key once, in its first place, with its last value. Linear.
 *
 * @throws PickleError `pickle/unhashable`
 */
export function mergeEntries(entries: readonly PickleEntry[]): PickleEntry[] {
  const merged: PickleEntry[] = [];
  const keys = new KeyIndex();
  for (const [key, value] of entries) {
    if (keys.setEntry(merged, key, value)) continue;
    throw new PickleError('pickle/unhashable', 'the pickle sets a dictionary item under a key that cannot be hashed');
  }
  return merged;
}

/** Finds equal keys in dictionaries and sets while they grow. */
export class KeyIndex {
  private readonly positions = new Map<readonly unknown[], Map<StandIn | undefined, number>>();
  private readonly known = new Map<object, object>();
  private readonly byContent = new Map<string, object>();
  private readonly numbers = new Map<StandIn, number>();

  /** Sets an entry as Python does; false, with nothing done, when the key cannot be hashed. */
  setEntry(entries: PickleEntry[], key: PickleValue, value: PickleValue): boolean {
    const standIn = this.standInOf(key);
    if (standIn === undefined) return false;
    const position = this.find(entries, standIn, keyOfEntry);
    entries[position] = [entries[position]?.[0] ?? key, value];
    return true;
  }

  /** Adds an item to a set as Python does; false, with nothing done, when it cannot be hashed. */
  addItem(items: PickleValue[], item: PickleValue): boolean {
    const standIn = this.standInOf(item);
    if (standIn === undefined) return false;
    if (this.find(items, standIn, itself) === items.length) items.push(item);
    return true;
  }

  /** Where the container has an equal key, or its length; from then on the key counts as being there. */
  private find<T>(container: readonly T[], standIn: StandIn, keyOf: (element: T) => PickleValue): number {
    if (container.length <= SMALL) {
      const found = container.findIndex((element) => this.standInOf(keyOf(element)) === standIn);
      return found < 0 ? container.length : found;
    }
    let positions = this.positions.get(container);
    if (positions === undefined) {
      positions = new Map();
      for (const [at, element] of container.entries()) positions.set(this.standInOf(keyOf(element)), at);
      this.positions.set(container, positions);
    }
    const found = positions.get(standIn);
    if (found === undefined) positions.set(standIn, container.length);
    return found ?? container.length;
  }

  /** The stand-in of a value; undefined for what cannot be hashed. */
  private standInOf(value: PickleValue): StandIn | undefined {
    if (typeof value === 'boolean') return Number(value);
    if (value === null || typeof value !== 'object') return value;
    switch (value.kind) {
      case 'float':
        return standInOfFloat(value);
      case 'bytes':
        return this.known.get(value) ?? this.standInOfBytes(value);
      case 'global':
        return this.known.get(value) ?? this.knownAs(value, `global ${value.module}\n${value.name}`);
      case 'tuple':
      case 'frozenset':
        return this.known.get(value) ?? this.standInOfParts(value);
      case 'list':
      case 'dict':
      case 'set':
      case 'bytearray':
        return undefined;
      default:
        return value;
    }
  }

  private standInOfBytes(bytes: BytesValue): StandIn {
    const { value } = bytes;
    if (value.length > LONGEST_COMPARED) return bytes;
    const view = new DataView(value.buffer, value.byteOffset, value.length);
    return this.knownAs(bytes, `bytes ${decodeLatin1(view, 0, value.length)}`);
  }

  /** Works from the innermost tuples outwards, without recursion, since a pickle may nest millions. */
  private standInOfParts(root: Composite): StandIn | undefined {
    const pending = [root];
    for (let value = pending.at(-1); value !== undefined; value = pending.at(-1)) {
      if (this.known.has(value)) {
        pending.pop();
        continue;
      }
      const before = pending.length;
      for (const item of value.items) if (isComposite(item) && !this.known.has(item)) pending.push(item);
      if (pending.length > before) continue;
      const parts = value.items.map((item) => this.numberOf(item));
      if (parts.includes(-1)) return undefined;
      if (value.kind === 'frozenset') parts.sort((a, b) => a - b);
      this.knownAs(value, `${value.kind} ${parts.join()}`);
    }
    return this.known.get(root);
  }

  /** A number that equal values share; -1 for what cannot be hashed. */
  private numberOf(value: PickleValue): number {
    const standIn = this.standInOf(value);
    if (standIn === undefined) return -1;
    const number = this.numbers.get(standIn) ?? this.numbers.size;
    this.numbers.set(standIn, number);
    return number;
  }

  /** Remembers a value under the stand-in of its content. */
  private knownAs(value: TaggedValue, content: string): object {
    const standIn = this.byContent.get(content) ?? { content };
    this.byContent.set(content, standIn);
    this.known.set(value, standIn);
    return standIn;
  }
}

type Composite = TupleValue | FrozensetValue;

function isComposite(value: PickleValue): value is Composite {
  return typeof value === 'object' && value !== null && (value.kind === 'tuple' || value.kind === 'frozenset');
}

/** An integral float is the integer; NaN equals nothing but itself. */
function standInOfFloat(float: FloatValue): StandIn {
  const { value } = float;
  if (Number.isNaN(value)) return float;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value;
}

function keyOfEntry(entry: PickleEntry): PickleValue {
  return entry[0];
}

function itself(item: PickleValue): PickleValue {
  return item;
}
