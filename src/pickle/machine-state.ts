/**
 * The stack machine that a pickle is a program for: stack, marks, memo, and what was met on the way.
 *
 * Items above a mark are out of reach of everything but the opcodes that take all of them, so most
 * opcodes see an empty stack right after MARK, as they do in CPython.
 *
 * @see https://github.com/python/cpython/blob/3.13/Modules/_pickle.c (Pdata, fence)
 * @module
 */
import type { PickleError } from './errors.js';
import type { PickleInput } from './input.js';
import { KeyIndex } from './keys.js';
import type { PickleLimits } from './limits.js';
import { PickleMemo } from './memo.js';
import type { PersistentObjects } from './persistent.js';
import type { PickleTrace } from './trace.js';
import type { PickleValue, TaggedValue } from './values.js';

/** What an opcode does. */
export type OpcodeHandler = (machine: PickleMachine) => void;

/** State of a machine in the middle of a pickle. */
export class PickleMachine {
  /** The bytes, and the opcode in hand. */
  readonly input: PickleInput;
  /** Caps that hold for this pickle. */
  readonly limits: PickleLimits;
  /** Imports and calls met so far. */
  readonly trace: PickleTrace;
  /** What stands outside the pickle and is known. */
  readonly persistent: PersistentObjects;
  /** Values the pickle has put aside. */
  readonly memo = new PickleMemo();
  /** Equal keys of the dictionaries and sets being filled. */
  readonly keys = new KeyIndex();
  /** As the last PROTO said. */
  protocol = 0;
  /** Buffers asked for by NEXT_BUFFER. */
  buffers = 0;
  /** Values from `depth` on are left over from before: shortening an array costs more than it frees. */
  private readonly stack: PickleValue[] = [];
  private depth = 0;
  private readonly marks: number[] = [];
  private fence = 0;
  private values = 0;
  private objects = 0;

  constructor(input: PickleInput, limits: PickleLimits, trace: PickleTrace, persistent: PersistentObjects) {
    this.input = input;
    this.limits = limits;
    this.trace = trace;
    this.persistent = persistent;
  }

  /** Puts a value on the stack. */
  push(value: PickleValue): void {
    if (++this.values > this.limits.values) throw this.input.overLimit('values', 'values');
    if (this.depth >= this.limits.stack) throw this.input.overLimit('stack', 'values on the stack');
    this.stack[this.depth++] = value;
  }

  /** Puts a new container or object on the stack. */
  pushNew(value: TaggedValue): void {
    if (++this.objects > this.limits.objects) throw this.input.overLimit('objects', 'containers and objects');
    this.push(value);
  }

  /** Takes the topmost value. */
  pop(): PickleValue {
    const value = this.top();
    this.depth--;
    return value;
  }

  /** The topmost value, left where it is. */
  top(): PickleValue {
    const value = this.depth > this.fence ? this.stack[this.depth - 1] : undefined;
    if (value === undefined) throw this.underflow();
    return value;
  }

  /** Puts another value in the topmost one's place. */
  replaceTop(value: PickleValue): void {
    this.stack[this.depth - 1] = value;
  }

  /** Marks the top of the stack. */
  mark(): void {
    this.fence = this.depth;
    if (this.marks.push(this.fence) > this.limits.marks) throw this.input.overLimit('marks', 'open marks');
  }

  /** Takes the last mark with everything above it. */
  popMark(): PickleValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) {
      throw this.input.fail('pickle/missing-mark', 'wants the items above a mark, but no mark was set');
    }
    this.fence = this.marks.at(-1) ?? 0;
    const items = this.stack.slice(mark, this.depth);
    this.depth = mark;
    return items;
  }

  /** Takes the topmost value, or the last mark where nothing lies above it. */
  popValueOrMark(): void {
    if (this.marks.length > 0 && this.depth === this.fence) this.popMark();
    else this.pop();
  }

  private underflow(): PickleError {
    const what = 'wants a value from the stack, but there is none above the last mark';
    return this.input.fail('pickle/stack-underflow', what);
  }
}
