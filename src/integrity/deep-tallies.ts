/**
 * One count for each distinct stretch of numbers in a file.
 *
 * Two names of one view are counted once. A hostile file may name a hundred thousand views of one large storage; those
 * that go beyond a few times the file's own size are left out, and said to be.
 *
 * @module
 */
import { type StoredTensor, tensorByteLength } from '../formats/tensor.js';
import { NumberTally } from '../quant/number-tally.js';
import type { SkippedTensor, TensorNumbers } from './deep-report.js';

/** A count to be made, and the tensors it is for. */
export interface Tallied<T extends StoredTensor> {
  /** One of the tensors, all of which are the same bytes. */
  readonly tensor: T;
  /** The count. */
  readonly tally: NumberTally;
  /** How it stands: `unreadable` until all of it has been read. */
  state: 'done' | 'unreadable' | 'too-many-views';
}

/** Times that the bytes of a file may be looked at as parts of different tensors; real files have each byte in one. */
const MOST_VIEWS = 4;

/** Bytes that may be looked at however small the file is. */
const ALWAYS_ALLOWED = 1 << 26;

/** All counts of a file. */
export class Tallies<T extends StoredTensor> {
  /** The count of each tensor, in the order of the file. */
  readonly #rows: readonly (readonly [tensor: T, tallied: Tallied<T>])[];

  /**
   * @param tensors - tensors of the file
   * @param fileBytes - bytes of the file, unpacked
   * @param costOf - bytes that are read for a tensor; those of the tensor when absent
   */
  constructor(tensors: readonly T[], fileBytes: number, costOf: (tensor: T) => number = tensorByteLength) {
    const byView = new Map<string, Tallied<T>>();
    let room = Math.max(ALWAYS_ALLOWED, MOST_VIEWS * fileBytes);
    this.#rows = tensors.map((tensor) => {
      const known = tensor.viewKey === undefined ? undefined : byView.get(tensor.viewKey);
      if (known !== undefined) return [tensor, known];
      const cost = costOf(tensor);
      const state = cost > room ? 'too-many-views' : 'unreadable';
      if (cost <= room) room -= cost;
      const tallied: Tallied<T> = { tensor, tally: new NumberTally(tensor.dtype), state };
      if (tensor.viewKey !== undefined) byView.set(tensor.viewKey, tallied);
      return [tensor, tallied];
    });
  }

  /** Counts that are still to be made, in the order of the file's list. */
  unread(): Tallied<T>[] {
    return [...new Set(this.#rows.map(([, tallied]) => tallied))].filter(({ state }) => state === 'unreadable');
  }

  /** What was counted, and what was not. */
  report(): { readonly tensors: TensorNumbers[]; readonly skipped: SkippedTensor[] } {
    const tensors: TensorNumbers[] = [];
    const skipped: SkippedTensor[] = [];
    for (const [tensor, { tally, state }] of this.#rows) {
      const { name, storedDtype: dtype, shape } = tensor;
      if (state === 'done') tensors.push({ name, dtype, shape, ...tally.counts() });
      else skipped.push({ name, reason: state });
    }
    return { tensors, skipped };
  }
}
