/**
 * What a pickle holds, as plain tagged data.
 *
 * Nothing here was imported, called or constructed: a class is its name, a call is the callable with its
 * arguments, and whatever the pickle did to an object afterwards is written down beside it. Integers are
 * plain numbers (bigint beyond 2^53) and floats are tagged, since Python tells 1 from 1.0. Values that the
 * pickle shares through its memo are the same object here, so the graph may be cyclic and, walked as a
 * tree, exponentially large: walk it with a set of the objects already seen.
 *
 * @see https://docs.python.org/3/library/pickle.html
 * @module
 */

/** Any value of a pickle. Bare: None, bool, str, and int as a safe integer or else a bigint. */
export type PickleValue = null | boolean | number | bigint | string | TaggedValue;

/** A value that is an object with a `kind`. */
export type TaggedValue =
  | FloatValue
  | BytesValue
  | BytearrayValue
  | ListValue
  | TupleValue
  | DictValue
  | SetValue
  | FrozensetValue
  | GlobalValue
  | ReduceValue
  | NewobjValue
  | PersistentValue
  | ExtensionValue
  | BufferValue;

/** Key and value of a dictionary, or of an item assignment. */
export type PickleEntry = readonly [key: PickleValue, value: PickleValue];

/** A Python float. */
export interface FloatValue {
  /** Tag. */
  readonly kind: 'float';
  /** The number, which may be an integer, an infinity, NaN or -0. */
  readonly value: number;
}

/** Python bytes. */
export interface BytesValue {
  /** Tag. */
  readonly kind: 'bytes';
  /** A view of the pickle's own bytes: read-only. */
  readonly value: Uint8Array;
  /** Whether it was written as a Python 2 `str` that is not UTF-8; `torch.load` needs an encoding for it. */
  readonly fromString: boolean;
}

/** A Python bytearray. */
export interface BytearrayValue {
  /** Tag. */
  readonly kind: 'bytearray';
  /** A view of the pickle's own bytes: read-only. */
  readonly value: Uint8Array;
}

/** A list, in order. */
export interface ListValue {
  /** Tag. */
  readonly kind: 'list';
  /** Items, read-only. */
  readonly items: readonly PickleValue[];
}

/** A tuple, in order. */
export interface TupleValue {
  /** Tag. */
  readonly kind: 'tuple';
  /** Items, read-only. */
  readonly items: readonly PickleValue[];
}

/** A dictionary in Python's order: an equal key set again keeps its place and takes the new value. */
export interface DictValue {
  /** Tag. */
  readonly kind: 'dict';
  /** Pairs, never properties, so that no key can be mistaken for anything of JavaScript's. */
  readonly entries: readonly PickleEntry[];
}

/** A set, each item once, in the pickle's order. */
export interface SetValue {
  /** Tag. */
  readonly kind: 'set';
  /** Items, read-only. */
  readonly items: readonly PickleValue[];
}

/** A frozenset, each item once, in the pickle's order. */
export interface FrozensetValue {
  /** Tag. */
  readonly kind: 'frozenset';
  /** Items, read-only. */
  readonly items: readonly PickleValue[];
}

/** A class or function by name: what Python would import. */
export interface GlobalValue {
  /** Tag. */
  readonly kind: 'global';
  /** Module as written; see `python3Name` for the names of Python 2. */
  readonly module: string;
  /** Name as written; from protocol 4 on it may hold dots, which are attribute accesses. */
  readonly name: string;
  /** Opcode that named it. */
  readonly opcode: 'GLOBAL' | 'STACK_GLOBAL' | 'INST';
  /** Byte offset of that opcode. */
  readonly offset: number;
}

/** What was done to an object after it was made, in the order of each kind. */
export interface ObjectRecords {
  /** Arguments of BUILD (`__setstate__`, or attributes to set): nearly always none or one. */
  readonly states: readonly PickleValue[];
  /** Items of APPEND and APPENDS. */
  readonly listItems: readonly PickleValue[];
  /** Items of SETITEM and SETITEMS; an equal key may occur again (see `mergeEntries`). */
  readonly dictItems: readonly PickleEntry[];
  /** Items of ADDITEMS; an equal item may occur again. */
  readonly setItems: readonly PickleValue[];
}

/** What can be called, as far as that can be known without importing anything. */
export type CallableValue = GlobalValue | ExtensionValue | ReduceValue | NewobjValue | PersistentValue;

/** Arguments of a call: nearly always a tuple, but a pickle may have them computed. */
export type ArgumentsValue = TupleValue | ReduceValue | NewobjValue | PersistentValue;

/** The result of a call that Python would make and this machine does not. */
export interface ReduceValue extends ObjectRecords {
  /** Tag. */
  readonly kind: 'reduce';
  /** REDUCE, or the older INST and OBJ. Without arguments those two make an object and call no `__init__`. */
  readonly opcode: 'REDUCE' | 'INST' | 'OBJ';
  /** What is called. */
  readonly callable: CallableValue;
  /** Arguments. */
  readonly args: ArgumentsValue;
  /** Always undefined; kept so that both kinds of object read alike. */
  readonly kwargs: undefined;
  /** Byte offset of the opcode. */
  readonly offset: number;
}

/** An object made by its class's `__new__`, without `__init__`. */
export interface NewobjValue extends ObjectRecords {
  /** Tag. */
  readonly kind: 'newobj';
  /** NEWOBJ, or NEWOBJ_EX with keyword arguments. */
  readonly opcode: 'NEWOBJ' | 'NEWOBJ_EX';
  /** The class. */
  readonly callable: CallableValue;
  /** Arguments of `__new__`. */
  readonly args: ArgumentsValue;
  /** Keyword arguments, a dictionary unless computed; undefined for NEWOBJ. */
  readonly kwargs: DictValue | ObjectValue | undefined;
  /** Byte offset of the opcode. */
  readonly offset: number;
}

/** An object of a class or call that is not interpreted. */
export type ObjectValue = ReduceValue | NewobjValue;

/** An object that the pickle leaves outside: PyTorch's storages. */
export interface PersistentValue {
  /** Tag. */
  readonly kind: 'persistent';
  /** What names it: a tuple in PyTorch's files, a string for PERSID. */
  readonly id: PickleValue;
  /** Byte offset of the opcode. */
  readonly offset: number;
}

/** A class or function by its number in `copyreg`'s registry, which only the writer's program knows. */
export interface ExtensionValue {
  /** Tag. */
  readonly kind: 'ext';
  /** Number, 1 or more. */
  readonly code: number;
  /** Opcode that named it. */
  readonly opcode: 'EXT1' | 'EXT2' | 'EXT4';
  /** Byte offset of that opcode. */
  readonly offset: number;
}

/** A buffer that travels beside the pickle (protocol 5, out of band). */
export interface BufferValue {
  /** Tag. */
  readonly kind: 'buffer';
  /** Number of the buffer, in the order of NEXT_BUFFER, from 0. */
  readonly index: number;
  /** Whether READONLY_BUFFER followed. */
  readonly readonly: boolean;
}
