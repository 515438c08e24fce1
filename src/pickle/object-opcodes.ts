/**
 * Opcodes that import, call and build: the dangerous ones, which here only write down what was wanted.
 *
 * Six opcodes call (REDUCE, INST, OBJ, NEWOBJ, NEWOBJ_EX, BUILD) and six import (GLOBAL, STACK_GLOBAL, INST,
 * EXT1, EXT2, EXT4). Each leaves its mark in the trace before anything about it can be refused.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { isKind } from './access.js';
import { describeValue } from './describe.js';
import type { PickleError } from './errors.js';
import type { OpcodeHandler, PickleMachine } from './machine-state.js';
import { persistentName } from './persistent.js';
import { createNewobj, createReduce, isObject, writableRecords } from './records.js';
import type {
  ArgumentsValue,
  CallableValue,
  ExtensionValue,
  GlobalValue,
  ObjectValue,
  PickleValue,
  TupleValue,
} from './values.js';

/** Handlers by opcode name. */
export const OBJECT_OPCODES = {
  GLOBAL: (machine) => machine.push(globalFromLines(machine, 'GLOBAL')),
  STACK_GLOBAL: globalFromStack,
  EXT1: (machine) => pushExtension(machine, 'EXT1', machine.input.u8()),
  EXT2: (machine) => pushExtension(machine, 'EXT2', machine.input.u16()),
  EXT4: (machine) => pushExtension(machine, 'EXT4', machine.input.i32()),
  REDUCE: reduce,
  INST: instantiateByName,
  OBJ: instantiateFromStack,
  NEWOBJ: newObject,
  NEWOBJ_EX: newObjectWithKeywords,
  BUILD: build,
  PERSID: pushPersistentLine,
  BINPERSID: (machine) => pushPersistent(machine, machine.pop()),
} satisfies Record<string, OpcodeHandler>;

function globalFromLines(machine: PickleMachine, opcode: 'GLOBAL' | 'INST'): GlobalValue {
  const module = machine.input.utf8Line();
  return nameGlobal(machine, opcode, module, machine.input.utf8Line());
}

function globalFromStack(machine: PickleMachine): void {
  const name = machine.pop();
  const module = machine.pop();
  if (typeof name !== 'string' || typeof module !== 'string') {
    const what = `wants two strings, not ${describeValue(module)} and ${describeValue(name)}`;
    throw machine.input.fail('pickle/wrong-type', what);
  }
  machine.push(nameGlobal(machine, 'STACK_GLOBAL', module, name));
}

function nameGlobal(machine: PickleMachine, opcode: GlobalValue['opcode'], module: string, name: string): GlobalValue {
  const global: GlobalValue = { kind: 'global', module, name, opcode, offset: machine.input.offset };
  machine.trace.globals.push(global);
  return global;
}

function pushExtension(machine: PickleMachine, opcode: ExtensionValue['opcode'], code: number): void {
  if (code <= 0) throw machine.input.fail('pickle/bad-argument', `names extension ${code}, and the first is 1`);
  const extension: ExtensionValue = { kind: 'ext', code, opcode, offset: machine.input.offset };
  machine.trace.extensions.push(extension);
  machine.pushNew(extension);
}

function reduce(machine: PickleMachine): void {
  const args = popArguments(machine);
  pushObject(machine, createReduce('REDUCE', popCallable(machine), args, machine.input.offset));
}

function instantiateByName(machine: PickleMachine): void {
  const callable = globalFromLines(machine, 'INST');
  const args: TupleValue = { kind: 'tuple', items: machine.popMark() };
  pushObject(machine, createReduce('INST', callable, args, machine.input.offset));
}

/** The class lies between the mark and its arguments. */
function instantiateFromStack(machine: PickleMachine): void {
  const [callable, ...items] = machine.popMark();
  if (callable === undefined) throw machine.input.fail('pickle/stack-underflow', 'wants a class above the mark');
  const args: TupleValue = { kind: 'tuple', items };
  pushObject(machine, createReduce('OBJ', expectCallable(machine, callable), args, machine.input.offset));
}

function newObject(machine: PickleMachine): void {
  const args = popArguments(machine);
  pushObject(machine, createNewobj('NEWOBJ', popCallable(machine), args, undefined, machine.input.offset));
}

function newObjectWithKeywords(machine: PickleMachine): void {
  const keywords = machine.pop();
  if (!isKind(keywords, 'dict') && !isObject(keywords)) throw cannot(machine, 'take keyword arguments from', keywords);
  const args = popArguments(machine);
  pushObject(machine, createNewobj('NEWOBJ_EX', popCallable(machine), args, keywords, machine.input.offset));
}

function popArguments(machine: PickleMachine): ArgumentsValue {
  const value = machine.pop();
  if (isKind(value, 'tuple') || isKind(value, 'persistent') || isObject(value)) return value;
  throw cannot(machine, 'take arguments from', value);
}

function popCallable(machine: PickleMachine): CallableValue {
  return expectCallable(machine, machine.pop());
}

function expectCallable(machine: PickleMachine, value: PickleValue): CallableValue {
  if (isKind(value, 'global') || isKind(value, 'ext') || isKind(value, 'persistent') || isObject(value)) return value;
  throw cannot(machine, 'call', value);
}

function pushObject(machine: PickleMachine, object: ObjectValue): void {
  machine.trace.calls.push(object);
  machine.pushNew(object);
}

/** On a class or a function it would change the program itself, so it is traced and then refused. */
function build(machine: PickleMachine): void {
  const state = machine.pop();
  const target = machine.top();
  machine.trace.calls.push({ kind: 'build', opcode: 'BUILD', callable: target, state, offset: machine.input.offset });
  if (!isObject(target)) throw cannot(machine, 'set the state of', target);
  writableRecords(target, 'states').push(state);
}

function pushPersistentLine(machine: PickleMachine): void {
  const id = machine.input.utf8Line();
  pushPersistent(machine, id);
}

function pushPersistent(machine: PickleMachine, id: PickleValue): void {
  const name = persistentName(id);
  const known = name === undefined ? undefined : machine.persistent.get(name);
  if (known === undefined) machine.pushNew({ kind: 'persistent', id, offset: machine.input.offset });
  else machine.push(known);
}

function cannot(machine: PickleMachine, action: string, value: PickleValue): PickleError {
  return machine.input.fail('pickle/wrong-type', `cannot ${action} ${describeValue(value)}`);
}
