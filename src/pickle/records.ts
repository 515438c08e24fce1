/**
 * The only place that changes a value after it was made.
 *
 * Values are read-only to everybody else. Objects begin with one shared empty array in place of four of
 * their own, since most of the objects in a checkpoint are tensors to which nothing more happens.
 *
 * @module
 */
import type {
  ArgumentsValue,
  CallableValue,
  NewobjValue,
  ObjectRecords,
  ObjectValue,
  PickleEntry,
  PickleValue,
  ReduceValue,
} from './values.js';

const NOTHING: readonly never[] = Object.freeze([]);

/** A call with nothing recorded on it yet. */
export function createReduce(
  opcode: ReduceValue['opcode'],
  callable: CallableValue,
  args: ArgumentsValue,
  offset: number,
): ReduceValue {
  return {
    kind: 'reduce',
    opcode,
    callable,
    args,
    kwargs: undefined,
    offset,
    states: NOTHING,
    listItems: NOTHING,
    dictItems: NOTHING,
    setItems: NOTHING,
  };
}

/** An object with nothing recorded on it yet. */
export function createNewobj(
  opcode: NewobjValue['opcode'],
  callable: CallableValue,
  args: ArgumentsValue,
  kwargs: NewobjValue['kwargs'],
  offset: number,
): NewobjValue {
  return {
    kind: 'newobj',
    opcode,
    callable,
    args,
    kwargs,
    offset,
    states: NOTHING,
    listItems: NOTHING,
    dictItems: NOTHING,
    setItems: NOTHING,
  };
}

/** Whether a value keeps records of what is done to it. */
export function isObject(value: PickleValue): value is ObjectValue {
  return typeof value === 'object' && value !== null && (value.kind === 'reduce' || value.kind === 'newobj');
}

/** The items of a list or set, to be changed. */
export function writableItems(container: { readonly items: readonly PickleValue[] }): PickleValue[] {
  return container.items as PickleValue[];
}

/** The entries of a dictionary, to be changed. */
export function writableEntries(container: { readonly entries: readonly PickleEntry[] }): PickleEntry[] {
  return container.entries as PickleEntry[];
}

/** One kind of record of an object, to be changed. */
export function writableRecords<Name extends keyof ObjectRecords>(
  object: ObjectRecords,
  name: Name,
): ObjectRecords[Name][number][] {
  const open: { -readonly [Key in Name]: ObjectRecords[Key] } = object;
  if (open[name] === NOTHING) open[name] = [] as ObjectRecords[Name];
  return open[name] as ObjectRecords[Name][number][];
}
