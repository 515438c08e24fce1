/**
 * Why a pickle is refused.
 *
 * A pickle is a program, so a fault is told the way a debugger would tell it: which opcode, at which
 * byte, and what it lacked. `pickle/truncated` and `pickle/no-stop` alone mean that more bytes could
 * help; every other code is final.
 *
 * @module
 */
import { CheckpointError, type ErrorContext } from '../errors.js';

/** Causes for which a pickle is refused. */
export type PickleErrorCode =
  /** An argument or a frame runs past the last byte. */
  | 'pickle/truncated'
  /** The bytes end between two opcodes, before STOP. */
  | 'pickle/no-stop'
  /** A byte that is no opcode of protocols 0 to 5. */
  | 'pickle/unknown-opcode'
  /** PROTO names a protocol above 5. */
  | 'pickle/bad-protocol'
  /** An opcode wants more values than lie above the last mark. */
  | 'pickle/stack-underflow'
  /** An opcode wants the items above a mark, and there is no mark. */
  | 'pickle/missing-mark'
  /** A memo slot is read that was never written. */
  | 'pickle/missing-memo'
  /** A number, length, code or count that cannot be meant. */
  | 'pickle/bad-argument'
  /** Text that is not what its opcode promises: UTF-8, ASCII, quotes, escapes. */
  | 'pickle/bad-string'
  /** A frame that does not hold whole opcodes. */
  | 'pickle/bad-frame'
  /** An operation on a value that cannot take it. */
  | 'pickle/wrong-type'
  /** A dictionary key or a set item that Python cannot hash. */
  | 'pickle/unhashable'
  /** More of something than the limits allow. */
  | 'pickle/limit-exceeded'
  /** The pickle is sound, but a reader expected another value in this place. */
  | 'pickle/unexpected-value';

/** A pickle that cannot be read, or holds something else than expected. */
export class PickleError extends CheckpointError {
  declare readonly code: PickleErrorCode;

  constructor(code: PickleErrorCode, message: string, context?: ErrorContext) {
    super(code, message, context);
  }
}
