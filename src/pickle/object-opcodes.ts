/**
 * Opcodes that import, call and build: the dangerous ones, which here only write down what was wanted.
 *
 * Six opcodes call (REDUCE, INST, OBJ, NEWOBJ, NEWOBJ_EX, BUILD) and six import (GLOBAL, STACK_GLOBAL, INST,
 * EXT1, EXT2, EXT4). Each leaves its mark in the trace before anything about it can be refused.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { describeValue } from './describe.js';
import type { OpcodeHandler, PickleMachine } from './machine-state.js';
import { createNewobj, createReduce, isObject, writableRecords } from './records.js';
import type { ExtensionValue, GlobalValue, ObjectValue, PickleValue, ReduceValue } from './values.js';

/** Handlers by opcode name. */
export const OBJECT_OPCODES = {
  GLOBAL: (machine) => machine.push(globalFromLines(machine, 'GLOBAL')),
  STACK_GLOBAL: globalFromStack,
  EXT1: (machine) => pushExtension(machine, 'EXT1', machine.input.u8()),
  EXT2: (machine) => pushExtension(machine, 'EXT2', machine.input.u16()),
  EXT4: (machine) => pushExtension(machine, 'EXT4', machine.input.i32()),
  REDUCE: reduce,
  INST: (machine) => instantiate(machine, 'INST', globalFromLines(machine, 'INST'), machine.popMark()),
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
  const args = machine.pop();
  pushObject(machine, createReduce('REDUCE', machine.pop(), args, machine.input.offset));
}

function instantiate(
  machine: PickleMachine,
  opcode: ReduceValue['opcode'],
  callable: PickleValue,
  items: PickleValue[],
): void {
  pushObject(machine, createReduce(opcode, callable, { kind: 'tuple', items }, machine.input.offset));
}

/** The class lies between the mark and its arguments. */
function instantiateFromStack(machine: PickleMachine): void {
  const [callable, ...args] = machine.popMark();
  if (callable === undefined) throw machine.input.fail('pickle/stack-underflow', 'wants a class above the mark');
  instantiate(machine, 'OBJ', callable, args);
}

function newObject(machine: PickleMachine): void {
  const args = machine.pop();
  pushObject(machine, createNewobj('NEWOBJ', machine.pop(), args, undefined, machine.input.offset));
}

function newObjectWithKeywords(machine: PickleMachine): void {
  const keywords = machine.pop();
  const args = machine.pop();
  pushObject(machine, createNewobj('NEWOBJ_EX', machine.pop(), args, keywords, machine.input.offset));
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
  if (!isObject(target)) {
    throw machine.input.fail('pickle/wrong-type', `cannot set the state of ${describeValue(target)}`);
  }
  writableRecords(target, 'states').push(state);
}

function pushPersistentLine(machine: PickleMachine): void {
  const id = machine.input.utf8Line();
  pushPersistent(machine, id);
}

function pushPersistent(machine: PickleMachine, id: PickleValue): void {
  machine.pushNew({ kind: 'persistent', id, offset: machine.input.offset });
}
