/**
 * Runs a pickle without doing anything it says.
 *
 * A pickle is a program, and Python's `pickle.load` runs it: it imports what it names and calls what it
 * finds. This machine builds a description of the result from plain tagged values; there is no way from an
 * opcode to a function of the host, so no allow-list can be forgotten. It does not recurse, and takes time
 * and memory in proportion to the bytes read.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickle.py
 * @module
 */
import { CONTAINER_OPCODES } from './container-opcodes.js';
import { type PickleLocation, PickleInput } from './input.js';
import { type PickleLimits, resolvePickleLimits } from './limits.js';
import { type OpcodeHandler, PickleMachine } from './machine-state.js';
import { OBJECT_OPCODES } from './object-opcodes.js';
import { PICKLE_OPCODES, type PickleOpcodeName } from './opcodes.js';
import { NO_PERSISTENT_OBJECTS, type PersistentObjects } from './persistent.js';
import { SCALAR_OPCODES } from './scalar-opcodes.js';
import { STACK_OPCODES } from './stack-opcodes.js';
import { type PickleTrace, createPickleTrace } from './trace.js';
import type { PickleValue } from './values.js';

/** How a pickle is to be read. */
export interface PickleOptions extends PickleLocation {
  /** Caps other than the defaults. */
  readonly limits?: Partial<PickleLimits> | undefined;
  /** Filled while the pickle runs, so that it tells what came before an error too. */
  readonly trace?: PickleTrace | undefined;
  /** What its persistent ids stand for, where that is known; the others become `persistent` values. */
  readonly persistent?: PersistentObjects | undefined;
}

/** A pickle, read. */
export interface Pickle extends PickleTrace {
  /** What lay on top of the stack at STOP. */
  readonly value: PickleValue;
  /** Index of the first byte behind STOP in the bytes given: the `start` of a pickle that follows. */
  readonly end: number;
  /** Protocol that the last PROTO named; 0 where there is none, as in protocols 0 and 1. */
  readonly protocol: number;
}

const STOP = 0x2e;

const HANDLERS = handlersByCode();

/**
 * Reads the pickle that begins at `options.start`, as far as its STOP. Bytes and text of the result may be
 * views of `bytes`. Offsets in the result and in errors count from `options.baseOffset`.
 *
 * @throws PickleError `pickle/truncated` and `pickle/no-stop` when the bytes end too early (give more, where
 *   there are more), `pickle/limit-exceeded`, and for a broken pickle `pickle/unknown-opcode`,
 *   `pickle/bad-protocol`, `pickle/stack-underflow`, `pickle/missing-mark`, `pickle/missing-memo`,
 *   `pickle/bad-argument`, `pickle/bad-string`, `pickle/bad-frame`, `pickle/wrong-type`, `pickle/unhashable`
 */
export function parsePickle(bytes: Uint8Array, options: PickleOptions = {}): Pickle {
  const limits = resolvePickleLimits(options.limits);
  const trace = options.trace ?? createPickleTrace();
  const input = new PickleInput(bytes, options, limits);
  const machine = new PickleMachine(input, limits, trace, options.persistent ?? NO_PERSISTENT_OBJECTS);
  for (let code = input.nextOpcode(); code !== STOP; code = input.nextOpcode()) {
    const handler = HANDLERS[code];
    if (handler === undefined) {
      throw input.fail('pickle/unknown-opcode', 'stands where an opcode of protocols 0 to 5 was expected');
    }
    handler(machine);
  }
  const value = machine.pop();
  input.expectFrameEnd();
  return { value, end: input.position, protocol: machine.protocol, ...trace };
}

/** A compile-time proof that every opcode has a handler; STOP is the loop's own. */
function handlersByCode(): readonly (OpcodeHandler | undefined)[] {
  const named: Record<Exclude<PickleOpcodeName, 'STOP'>, OpcodeHandler> = {
    ...STACK_OPCODES,
    ...SCALAR_OPCODES,
    ...CONTAINER_OPCODES,
    ...OBJECT_OPCODES,
  };
  const handlers = Array.from<OpcodeHandler | undefined>({ length: 256 });
  for (const { name, code } of PICKLE_OPCODES) if (name !== 'STOP') handlers[code] = named[name];
  return handlers;
}
