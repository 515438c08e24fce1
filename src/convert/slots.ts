/**
 * Buffers that blocks of rows pass through: a fixed number of them, so that memory does not grow with a model.
 *
 * A block is read into the first buffer of a slot and turned into the second. Where its values become float32 first, these
 * lie at the start of the first buffer and what was read behind them, as blocks are shorter than their values. Buffers are used again as soon as what is
 * in them has been written, which also spares the garbage collector: it does not hurry for memory outside its heap.
 *
 * @module
 */
import { rowCountOf, rowLengthOf, rowsPerBlock } from '../formats/tensor.js';
import { type PlannedRows, floatByteLength, isDecodedFirst, outputByteLength, sourceByteLength } from './encoder.js'; // prettier-ignore
import { ConvertError, type TensorPiece } from './plan.js';

/** A pair of buffers. */
export interface Slot {
  /** What was read, behind room for its values in float32 where they are needed. */
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

/** The blocks of rows of a tensor, in order: about a megabyte each as they are read, or in float32 where they become that first. */
export function* blocksOf(piece: TensorPiece): Generator<PlannedRows> {
  const rows = rowCountOf(piece.tensor.shape);
  const step = rowsPerBlock(isDecodedFirst(piece) ? { ...piece.tensor, dtype: 'float32' } : piece.tensor);
  if (rowLengthOf(piece.tensor.shape) === 0) return;
  for (let first = 0; first < rows; first += step) yield { piece, first, count: Math.min(step, rows - first) };
}

/** Where in a slot's input a block is read to. */
export function inputOffset(rows: PlannedRows): number {
  return isDecodedFirst(rows.piece) ? floatByteLength(rows) : 0;
}

/** Buffers large enough for every block of these tensors. */
export function slotSizes(pieces: readonly TensorPiece[]): SlotSizes {
  const largest = { input: 0, output: 0 };
  for (const piece of pieces) {
    const [rows] = blocksOf(piece);
    if (rows === undefined) continue;
    largest.input = Math.max(largest.input, inputOffset(rows) + sourceByteLength(rows));
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
   * @throws ConvertError `convert/no-memory`
   */
  constructor(
    readonly count: number,
    sizes: SlotSizes,
    allocate: (byteLength: number) => Uint8Array,
  ) {
    this.#free = Array.from({ length: count }, () => ({
      input: allocated(sizes.input, allocate),
      output: allocated(sizes.output, allocate),
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

function allocated(byteLength: number, allocate: (byteLength: number) => Uint8Array): Uint8Array {
  try {
    return allocate(byteLength);
  } catch (cause) {
    throw new ConvertError('convert/no-memory', `there is no memory for a block of ${byteLength} bytes`, { cause });
  }
}
