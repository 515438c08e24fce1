/**
 * The memo: values that the pickle will want again.
 *
 * Picklers number the slots 0, 1, 2, … so they lie in an array; a pickle is free to number otherwise, and
 * a slot of four thousand million must not make an array of that length, so the others lie in a Map.
 *
 * @module
 */
import type { PickleValue } from './values.js';

/** Slots by number; every operation takes constant time. */
export class PickleMemo<Value = PickleValue> {
  private readonly dense: Value[] = [];
  private readonly sparse = new Map<number, Value>();

  /** Number of slots in use, which is the slot that MEMOIZE takes. */
  get size(): number {
    return this.dense.length + this.sparse.size;
  }

  /** Value of a slot; undefined where nothing was put. */
  get(slot: number): Value | undefined {
    return slot < this.dense.length ? this.dense[slot] : this.sparse.get(slot);
  }

  /** Puts a value in a slot, over whatever was there. */
  put(slot: number, value: Value): void {
    if (slot < this.dense.length) {
      this.dense[slot] = value;
    } else if (slot === this.dense.length && !this.sparse.has(slot)) {
      this.dense.push(value);
    } else {
      this.sparse.set(slot, value);
    }
  }
}
