/**
 * What running the pickle would have imported and called, in order.
 *
 * The values alone do not tell: a pickle may call something and drop the result (POP), or be broken further
 * on, after Python would have run the first half. A trace has all of it up to the place where reading ended.
 *
 * @module
 */
import type { ExtensionValue, GlobalValue, ObjectValue, PickleValue } from './values.js';

/** A call that Python would make. The calls of REDUCE, INST, OBJ, NEWOBJ and NEWOBJ_EX are the objects themselves. */
export type PickleCall = ObjectValue | BuildCall;

/** BUILD, which calls `__setstate__` or sets attributes. */
export interface BuildCall {
  /** Tag. */
  readonly kind: 'build';
  /** BUILD. */
  readonly opcode: 'BUILD';
  /** The object that is changed; a global when a class or function itself would be. */
  readonly callable: PickleValue;
  /** The argument. */
  readonly state: PickleValue;
  /** Byte offset of the opcode. */
  readonly offset: number;
}

/** Imports and calls in the order of their opcodes. */
export interface PickleTrace {
  /** Every class and function named, once for each time it is named. */
  readonly globals: GlobalValue[];
  /** Every class and function taken from `copyreg`'s registry. */
  readonly extensions: ExtensionValue[];
  /** Every call. */
  readonly calls: PickleCall[];
}

/** A trace with nothing in it. */
export function createPickleTrace(): PickleTrace {
  return { globals: [], extensions: [], calls: [] };
}
