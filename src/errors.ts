/**
 * The error every room throws.
 *
 * A person reads `message`, a program reads `code`. One code stands for one cause, is written
 * `room/cause` and never changes its meaning; `docs/errors.md` lists them all.
 *
 * @module
 */

/** Where an error was met and what to do about it; every part is optional. */
export interface ErrorContext {
  /** File (or archive member) in which the fault lies, as the person named it. */
  readonly path?: string | undefined;
  /** Byte offset of the fault, counted from the start of that file. */
  readonly offset?: number | undefined;
  /** One sentence on what to do, without a full stop at the end. */
  readonly hint?: string | undefined;
  /** The error underneath, where there is one. */
  readonly cause?: unknown;
}

/**
 * A fault in a checkpoint, a file or a request, described for a person and for a program.
 *
 * The message says what was found and what was expected; it holds neither the path nor the code,
 * so that each front end can show those in its own way.
 */
export class CheckpointError extends Error {
  /** Stable identifier, `room/cause`. */
  readonly code: string;
  /** File in which the fault lies. */
  readonly path: string | undefined;
  /** Byte offset of the fault in that file. */
  readonly offset: number | undefined;
  /** What to do, where that is known. */
  readonly hint: string | undefined;

  /**
   * @param code - stable identifier, `room/cause`
   * @param message - what was found and what was expected, one sentence without the path
   * @param context - where it was found, what to do about it, and the error underneath
   */
  constructor(code: string, message: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.name = new.target.name;
    this.code = code;
    this.path = context.path;
    this.offset = context.offset;
    this.hint = context.hint;
  }
}

/** A byte offset the way every message of this package writes it. */
export function hexOffset(offset: number): string {
  return `0x${offset.toString(16)}`;
}
