/**
 * Python's containers that a pickle makes by a call.
 *
 * Lists and dictionaries have opcodes of their own. An OrderedDict, a Counter, a defaultdict, and before
 * protocol 4 a set, are calls with arguments; what they hold is told by the arguments and by the items that
 * are set on them afterwards. Everything else that is called is not interpreted.
 *
 * @see https://docs.python.org/3/library/collections.html
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import { KeyIndex, mergeEntries } from '../../pickle/keys.js';
import type { GlobalValue, ObjectValue, PickleEntry, PickleValue } from '../../pickle/values.js';

/** A container that Python makes by a call. */
export type PythonContainer =
  | { readonly type: 'set' | 'frozenset'; readonly items: readonly PickleValue[] }
  | {
      readonly type: 'OrderedDict' | 'Counter';
      readonly entries: readonly PickleEntry[];
      /** Attributes set on it: PyTorch's `_metadata`. */
      readonly attributes: readonly Attribute[];
    }
  | { readonly type: 'defaultdict'; readonly entries: readonly PickleEntry[]; readonly factory: PickleValue };

/**
 * The container that a call makes; undefined for any other object, and where the arguments make no sense.
 *
 * @throws PickleError `pickle/unhashable` for an item under a key that Python could not hash
 */
export function pythonContainer(value: ObjectValue): PythonContainer | undefined {
  if (!isKind(value.callable, 'global') || !isKind(value.args, 'tuple')) return undefined;
  const make = makerOf(value.callable);
  if (make === undefined || value.listItems.length + value.setItems.length > 0) return undefined;
  return make(value.args.items, value);
}

/** Names of the classes above. */
export const CONTAINER_CLASSES: readonly string[] = [
  'collections.OrderedDict',
  'collections.Counter',
  'collections.defaultdict',
  'builtins.set',
  'builtins.frozenset',
];

/** Name and value of an attribute. */
export type Attribute = readonly [name: string, value: PickleValue];

/** The attributes that a dictionary sets; undefined for anything else that a class may keep as its state. */
export function attributesOf(state: PickleValue): readonly Attribute[] | undefined {
  const areNamed = (entries: readonly PickleEntry[]): entries is readonly Attribute[] =>
    entries.every(([key]) => typeof key === 'string');
  return isKind(state, 'dict') && areNamed(state.entries) ? state.entries : undefined;
}

type Maker = (args: readonly PickleValue[], value: ObjectValue) => PythonContainer | undefined;

const MAKERS: ReadonlyMap<string, Maker> = new Map<string, Maker>([
  ['collections.OrderedDict', (args, value) => mapping('OrderedDict', pairsOf(args), value)],
  ['collections.Counter', (args, value) => mapping('Counter', countsOf(args), value)],
  ['collections.defaultdict', defaultdict],
  ['builtins.set', (args, value) => set('set', args, value)],
  ['builtins.frozenset', (args, value) => set('frozenset', args, value)],
]);

const known = new WeakMap<GlobalValue, Maker | null>();

/** Looked up once for each time the pickle names the class. */
function makerOf(callable: GlobalValue): Maker | undefined {
  let maker = known.get(callable);
  if (maker === undefined) {
    maker = MAKERS.get(qualifiedName(callable)) ?? null;
    known.set(callable, maker);
  }
  return maker ?? undefined;
}

function mapping(
  type: 'OrderedDict' | 'Counter',
  first: readonly PickleEntry[] | undefined,
  { dictItems, states }: ObjectValue,
): PythonContainer | undefined {
  const attributes = states.map(attributesOf);
  if (first === undefined || attributes.includes(undefined)) return undefined;
  const entries = mergeEntries([...first, ...dictItems]);
  return { type, entries, attributes: attributes.flatMap((state) => state ?? []) };
}

function defaultdict([factory = null, ...others]: readonly PickleValue[], value: ObjectValue): ReturnType<Maker> {
  if (others.length + value.states.length > 0) return undefined;
  return { type: 'defaultdict', entries: mergeEntries(value.dictItems), factory };
}

function set(type: 'set' | 'frozenset', args: readonly PickleValue[], value: ObjectValue): ReturnType<Maker> {
  const [given, ...others] = args;
  const isPlain = given === undefined || isKind(given, 'list') || isKind(given, 'tuple');
  if (!isPlain || others.length + value.dictItems.length + value.states.length > 0) return undefined;
  const items: PickleValue[] = [];
  const index = new KeyIndex();
  const hashable = (given?.items ?? []).every((item) => index.addItem(items, item));
  return hashable ? { type, items } : undefined;
}

/** Python 2 made an OrderedDict from a list of pairs. */
function pairsOf([pairs, ...others]: readonly PickleValue[]): PickleEntry[] | undefined {
  if (others.length > 0) return undefined;
  if (pairs === undefined) return [];
  if (!isKind(pairs, 'list')) return undefined;
  return pairs.items.flatMap((pair): PickleEntry[] => {
    const [key, value] = isKind(pair, 'tuple') || isKind(pair, 'list') ? pair.items : [];
    return key === undefined || value === undefined ? [] : [[key, value]];
  });
}

/** A Counter is called with a dictionary of what it has counted. */
function countsOf([counts, ...others]: readonly PickleValue[]): readonly PickleEntry[] | undefined {
  if (others.length > 0) return undefined;
  if (counts === undefined) return [];
  return isKind(counts, 'dict') ? counts.entries : undefined;
}
