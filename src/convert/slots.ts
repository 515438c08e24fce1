/**
 * Buffers that blocks of rows pass through: a fixed number of them, so that memory does not grow with a model.
 *
 * A block is read into the first buffer of a slot and turned into the second. Buffers are used again as soon as what is
 * in them has been written, which also spares the garbage collector: it does not hurry for memory outside its heap.
 *
 * @module
 */
import { rowCountOf, rowLengthOf, rowsPerBlock } from '../formats/tensor.js';
import { type PlannedRows, outputByteLength, sourceByteLength } from './encoder.js';
import type { TensorPiece } from './plan.js';

/** A pair of buffers. */
export interface Slot {
  /** What was read. */
  readonly input: Uint8Array;
  /** What is written. */
  readonly output: Uint8Array;
}

/** Sizes of the buffers of a slot, in bytes. */
export interface SlotSizes {
  /** Of the one that is read into. */
  readonly input: number;
  /** Of the one that is written. */
  readonly output: number;
}

/** The blocks of rows of a tensor, about a megabyte each, in order. */
export function* blocksOf(piece: TensorPiece): Generator<PlannedRows> {
  const rows = rowCountOf(piece.shape);
  const step = rowsPerBlock(piece.tensor);
  if (rowLengthOf(piece.shape) === 0) return;
  for (let first = 0; first < rows; first += step) yield { piece, first, count: Math.min(step, rows - first) };
}

/** Buffers large enough for every block of these tensors. `inputLength` says how long what is read may become. */
export function slotSizes(
  pieces: readonly TensorPiece[],
  inputLength: (rows: PlannedRows) => number = sourceByteLength,
): SlotSizes {
  const largest = { input: 0, output: 0 };
  for (const piece of pieces) {
    const [rows] = blocksOf(piece);
    if (rows === undefined) continue;
    largest.input = Math.max(largest.input, inputLength(rows));
    largest.output = Math.max(largest.output, outputByteLength(rows));
  }
  return largest;
}

/** Hands slots out, in the order in which they are asked for. */
export class Slots {
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];

  /**
   * @param count - number of slots
   * @param sizes - of their buffers
   * @param allocate - makes a buffer of so many bytes
   */
  constructor(
    readonly count: number,
    sizes: SlotSizes,
    allocate: (byteLength: number) => Uint8Array,
  ) {
    this.#free = Array.from({ length: count }, () => ({
      input: allocate(sizes.input),
      output: allocate(sizes.output),
    }));
  }

  /** A free slot, as soon as there is one. */
  async acquire(): Promise<Slot> {
    return this.#free.pop() ?? new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a slot back. */
  release(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}
