/**
 * The memo: values that the pickle will want again.
 *
 * Picklers number the slots 0, 1, 2, … so they lie in arrays; a pickle is free to number otherwise, and
 * a slot of four thousand million must not make an array of that length, so the others lie in a Map. One array for
 * all would be copied each time it grows: a state dict of 10,000 tensors has 150,000 slots.
 *
 * @module
 */
import type { PickleValue } from './values.js';

/** Slots of an array. */
const PAGE_BITS = 12;
const PAGE_MASK = (1 << PAGE_BITS) - 1;

/** Slots by number; every operation takes constant time. */
export class PickleMemo<Value = PickleValue> {
  private readonly pages: Value[][] = [];
  private last: Value[] = [];
  private dense = 0;
  private readonly sparse = new Map<number, Value>();

  /** Number of slots in use, which is the slot that MEMOIZE takes. */
  get size(): number {
    return this.dense + this.sparse.size;
  }

  /** Value of a slot; undefined where nothing was put. */
  get(slot: number): Value | undefined {
    return slot < this.dense ? this.pages[slot >>> PAGE_BITS]![slot & PAGE_MASK] : this.sparse.get(slot);
  }

  /** Puts a value in a slot, over whatever was there. */
  put(slot: number, value: Value): void {
    if (slot < this.dense) {
      this.pages[slot >>> PAGE_BITS]![slot & PAGE_MASK] = value;
    } else if (slot === this.dense && !this.sparse.has(slot)) {
      this.append(value);
    } else {
      this.sparse.set(slot, value);
    }
  }

  private append(value: Value): void {
    if ((this.dense & PAGE_MASK) === 0) {
      this.last = [];
      this.pages.push(this.last);
    }
    this.last.push(value);
    this.dense += 1;
  }
}
