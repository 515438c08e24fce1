/**
 * Options that every long operation takes.
 *
 * @module
 */

/** How far an operation has come. */
export interface Progress {
  /** What is being done, in one or two words: `hash`, `write`, `compare`. */
  readonly phase: string;
  /** File or tensor in hand. */
  readonly item: string;
  /** Work done so far, in bytes (in steps for the forward pass). */
  readonly done: number;
  /** All the work, in the unit of `done`. */
  readonly total: number;
}

/** Cancelling and watching a long operation. */
export interface OperationOptions {
  /** Aborting rejects the operation with the signal's reason and removes whatever was half written. */
  readonly signal?: AbortSignal | undefined;
  /** Called at most once per block of work; never after the operation has settled. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** How many threads an operation may use, where there are any: in Node. */
export interface ThreadOptions {
  /**
   * Most threads that compute; 1 starts none beside the one that calls. One for each processor, at most 16, when absent. What
   * comes out does not depend on it.
   */
  readonly threads?: number | undefined;
}
