/**
 * Opcodes that make and fill lists, tuples, dictionaries and sets.
 *
 * Filling also happens to objects: a subclass of list or dict, an OrderedDict or a deque is made by a call
 * and then given items with the same opcodes. Those items are recorded, in order, on the uninterpreted object.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { isKind } from './access.js';
import { describeValue } from './describe.js';
import type { PickleError } from './errors.js';
import type { OpcodeHandler, PickleMachine } from './machine-state.js';
import { isObject, writableEntries, writableItems, writableRecords } from './records.js';
import type { DictValue, FrozensetValue, PickleValue, SetValue, TupleValue } from './values.js';

/** One for all, as in Python: each tensor of a checkpoint brings an `OrderedDict()` call. */
const EMPTY_TUPLE: TupleValue = Object.freeze({ kind: 'tuple', items: Object.freeze([]) });

/** Handlers by opcode name. */
export const CONTAINER_OPCODES = {
  EMPTY_LIST: (machine) => machine.pushNew({ kind: 'list', items: [] }),
  LIST: (machine) => machine.pushNew({ kind: 'list', items: machine.popMark() }),
  APPEND: (machine) => append(machine, [machine.pop()]),
  APPENDS: (machine) => append(machine, machine.popMark()),
  EMPTY_TUPLE: (machine) => machine.push(EMPTY_TUPLE),
  TUPLE: (machine) => pushTuple(machine, machine.popMark()),
  TUPLE1: (machine) => pushTuple(machine, [machine.pop()]),
  TUPLE2: pushPair,
  TUPLE3: pushTriple,
  EMPTY_DICT: (machine) => machine.pushNew({ kind: 'dict', entries: [] }),
  DICT: pushDict,
  SETITEM: setItem,
  SETITEMS: (machine) => setItems(machine, machine.popMark()),
  EMPTY_SET: (machine) => machine.pushNew({ kind: 'set', items: [] }),
  ADDITEMS: (machine) => addItems(machine, machine.popMark()),
  FROZENSET: pushFrozenset,
} satisfies Record<string, OpcodeHandler>;

function pushTuple(machine: PickleMachine, items: PickleValue[]): void {
  machine.pushNew({ kind: 'tuple', items });
}

function pushPair(machine: PickleMachine): void {
  const second = machine.pop();
  pushTuple(machine, [machine.pop(), second]);
}

function pushTriple(machine: PickleMachine): void {
  const third = machine.pop();
  const second = machine.pop();
  pushTuple(machine, [machine.pop(), second, third]);
}

function append(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (isObject(target)) extend(writableRecords(target, 'listItems'), items);
  else if (isKind(target, 'list')) extend(writableItems(target), items);
  else throw cannot(machine, 'append items to', target);
}

function setItem(machine: PickleMachine): void {
  const value = machine.pop();
  setItems(machine, [machine.pop(), value]);
}

/** Assigns keys and values that alternate. */
function setItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (isObject(target)) {
    const records = writableRecords(target, 'dictItems');
    forEachPair(machine, items, (key, value) => records.push([key, value]));
  } else if (isKind(target, 'dict')) {
    fillDict(machine, target, items);
  } else {
    throw cannot(machine, 'set items of', target);
  }
}

function pushDict(machine: PickleMachine): void {
  const dict: DictValue = { kind: 'dict', entries: [] };
  fillDict(machine, dict, machine.popMark());
  machine.pushNew(dict);
}

function fillDict(machine: PickleMachine, dict: DictValue, items: readonly PickleValue[]): void {
  const entries = writableEntries(dict);
  forEachPair(machine, items, (key, value) => {
    if (!machine.keys.setEntry(entries, key, value)) throw unhashable(machine, key);
  });
}

function addItems(machine: PickleMachine, items: readonly PickleValue[]): void {
  const target = machine.top();
  if (isObject(target)) extend(writableRecords(target, 'setItems'), items);
  else if (isKind(target, 'set')) fillSet(machine, target, items);
  else throw cannot(machine, 'add items to', target);
}

function pushFrozenset(machine: PickleMachine): void {
  const frozenset: FrozensetValue = { kind: 'frozenset', items: [] };
  fillSet(machine, frozenset, machine.popMark());
  machine.pushNew(frozenset);
}

function fillSet(machine: PickleMachine, set: SetValue | FrozensetValue, items: readonly PickleValue[]): void {
  const own = writableItems(set);
  for (const item of items) if (!machine.keys.addItem(own, item)) throw unhashable(machine, item);
}

/** One by one: a call with 200,000 arguments would overflow the stack. */
function extend(items: PickleValue[], more: readonly PickleValue[]): void {
  for (const item of more) items.push(item);
}

function forEachPair(
  machine: PickleMachine,
  items: readonly PickleValue[],
  visit: (key: PickleValue, value: PickleValue) => void,
): void {
  let key: PickleValue | undefined;
  for (const item of items) {
    if (key === undefined) {
      key = item;
    } else {
      visit(key, item);
      key = undefined;
    }
  }
  if (key === undefined) return;
  throw machine.input.fail('pickle/bad-argument', `has an odd number of keys and values: ${items.length}`);
}

function cannot(machine: PickleMachine, action: string, target: PickleValue): PickleError {
  return machine.input.fail('pickle/wrong-type', `cannot ${action} ${describeValue(target)}`);
}

function unhashable(machine: PickleMachine, value: PickleValue): PickleError {
  const what = `wants a key that Python can hash, not ${describeValue(value)}`;
  return machine.input.fail('pickle/unhashable', what);
}
