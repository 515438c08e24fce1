/**
 * Opcodes that move values about: protocol, frames, marks, stack and memo.
 *
 * MEMOIZE has no argument: it takes the slot whose number is the count of slots in use, so leaving out one
 * PUT would shift every later GET.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickletools.py
 * @module
 */
import { quote } from './describe.js';
import type { OpcodeHandler, PickleMachine } from './machine-state.js';
import { HIGHEST_PICKLE_PROTOCOL } from './opcodes.js';

/** Handlers by opcode name. */
export const STACK_OPCODES = {
  PROTO: setProtocol,
  FRAME: ({ input }) => input.enterFrame(),
  MARK: (machine) => machine.mark(),
  POP: (machine) => machine.popValueOrMark(),
  POP_MARK: (machine) => void machine.popMark(),
  DUP: (machine) => machine.push(machine.top()),
  PUT: (machine) => put(machine, slotFromLine(machine)),
  BINPUT: (machine) => put(machine, machine.input.u8()),
  LONG_BINPUT: (machine) => put(machine, machine.input.u32()),
  MEMOIZE: (machine) => put(machine, machine.memo.size),
  GET: (machine) => get(machine, slotFromLine(machine)),
  BINGET: (machine) => get(machine, machine.input.u8()),
  LONG_BINGET: (machine) => get(machine, machine.input.u32()),
} satisfies Record<string, OpcodeHandler>;

function setProtocol(machine: PickleMachine): void {
  const protocol = machine.input.u8();
  if (protocol > HIGHEST_PICKLE_PROTOCOL) {
    const what = `names protocol ${protocol}, and the highest there is is ${HIGHEST_PICKLE_PROTOCOL}`;
    throw machine.input.fail('pickle/bad-protocol', what);
  }
  machine.protocol = protocol;
}

function put(machine: PickleMachine, slot: number): void {
  const { memo, limits, input } = machine;
  memo.put(slot, machine.top());
  if (memo.size > limits.memo) throw input.overLimit('memo', 'memo slots');
}

function get(machine: PickleMachine, slot: number): void {
  const value = machine.memo.get(slot);
  if (value === undefined)
    throw machine.input.fail('pickle/missing-memo', `reads memo slot ${slot}, which was never written`);
  machine.push(value);
}

function slotFromLine({ input }: PickleMachine): number {
  const line = input.line();
  if (/^[0-9]{1,15}$/.test(line)) return Number(line);
  throw input.fail('pickle/bad-argument', `wants the number of a memo slot, not ${quote(line)}`);
}
