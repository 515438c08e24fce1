/**
 * Byte-pair merging: neighbours are joined, the best pair first, until no pair is left.
 *
 * The symbols are a linked list and the pairs a heap, so a word of n symbols takes n log n steps: a megabyte of one
 * letter is one word. A pair that has changed since it was put on the heap is recognised by its priority.
 *
 * @see https://github.com/google/sentencepiece/blob/master/src/bpe_model.cc (Model::SampleEncode)
 * @module
 */

/** Which neighbours may be joined, and which first. */
export interface JoinRule {
  /**
   * Number of the join of the symbols `left` and `right`, which together are `bytes[start … end)`; -1 where they do
   * not join.
   */
  join(left: number, right: number, bytes: Uint8Array, start: number, end: number): number;
  /** Priority of a join, the least first, below 2^22; of equals the leftmost goes first. */
  priority(join: number): number;
  /** Id of the symbol that a join makes. */
  product(join: number): number;
}

/** Most different priorities there may be, so that one and a position fit into one number. */
export const PRIORITIES_LIMIT = 2 ** 22;
const POSITIONS = 2 ** 31;
const NONE = -1;

/** Merges one word at a time; its buffers, of about 40 bytes a symbol, grow with the longest word and are kept. */
export class BpeMerger {
  readonly #rule: JoinRule;
  readonly #heap = new MinHeap();
  #capacity = 0;
  /** By position of a symbol: its id, where it ends, its neighbours, and its join with the next one. */
  #ids = new Int32Array(0);
  #ends = new Int32Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  #joins = new Int32Array(0);
  #count = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;

  constructor(rule: JoinRule) {
    this.#rule = rule;
  }

  /** Begins a word that lies in `bytes` from `start` on and has at most `symbols` symbols. */
  begin(bytes: Uint8Array, start: number, symbols: number): void {
    this.#bytes = bytes;
    this.#start = start;
    this.#count = 0;
    if (symbols <= this.#capacity) return;
    this.#capacity = Math.max(symbols, 2 * this.#capacity);
    this.#ids = new Int32Array(this.#capacity);
    this.#ends = new Int32Array(this.#capacity);
    this.#next = new Int32Array(this.#capacity);
    this.#previous = new Int32Array(this.#capacity);
    this.#joins = new Int32Array(this.#capacity);
  }

  /** Adds the word's next symbol, which reaches to `end`. */
  add(id: number, end: number): void {
    this.#ids[this.#count] = id;
    this.#ends[this.#count++] = end;
  }

  /** Merges the word and gives what is left of it, in order: ids and the bytes that they stand for. */
  merge(emit: (id: number, start: number, end: number) => void): void {
    this.#link();
    const heap = this.#heap;
    for (let key = heap.pop(); key >= 0; key = heap.pop()) {
      const at = key % POSITIONS;
      const join = this.#joins[at]!;
      if (join !== NONE && this.#rule.priority(join) === (key - at) / POSITIONS) this.#join(at, join);
    }
    let start = this.#start;
    for (let at = this.#count === 0 ? NONE : 0; at !== NONE; at = this.#next[at]!) {
      emit(this.#ids[at]!, start, this.#ends[at]!);
      start = this.#ends[at]!;
    }
  }

  #link(): void {
    const last = this.#count - 1;
    for (let at = 0; at <= last; at++) {
      this.#next[at] = at === last ? NONE : at + 1;
      this.#previous[at] = at - 1;
    }
    for (let at = 0; at <= last; at++) this.#look(at);
  }

  /** Joins a symbol with the next one, and looks at its new neighbours. */
  #join(at: number, join: number): void {
    const other = this.#next[at]!;
    const behind = this.#next[other]!;
    this.#ids[at] = this.#rule.product(join);
    this.#ends[at] = this.#ends[other]!;
    this.#joins[other] = NONE;
    this.#next[at] = behind;
    if (behind !== NONE) this.#previous[behind] = at;
    const before = this.#previous[at]!;
    if (before !== NONE) this.#look(before);
    this.#look(at);
  }

  /** Finds out whether a symbol and the next one join. */
  #look(at: number): void {
    const other = this.#next[at]!;
    if (other === NONE) {
      this.#joins[at] = NONE;
      return;
    }
    const before = this.#previous[at]!;
    const start = before === NONE ? this.#start : this.#ends[before]!;
    const join = this.#rule.join(this.#ids[at]!, this.#ids[other]!, this.#bytes, start, this.#ends[other]!);
    this.#joins[at] = join;
    if (join !== NONE) this.#heap.push(this.#rule.priority(join) * POSITIONS + at);
  }
}

/** A binary heap of numbers from 0 on. */
class MinHeap {
  #keys = new Float64Array(64);
  #count = 0;

  push(key: number): void {
    if (this.#count === this.#keys.length) {
      const larger = new Float64Array(2 * this.#count);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    const keys = this.#keys;
    let at = this.#count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  /** Removes the least number; -1 when there is none. */
  pop(): number {
    if (this.#count === 0) return -1;
    const keys = this.#keys;
    const least = keys[0]!;
    const key = keys[--this.#count]!;
    const count = this.#count;
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && keys[child + 1]! < keys[child]!) child++;
      if (keys[child]! >= key) break;
      keys[at] = keys[child]!;
      at = child;
    }
    keys[at] = key;
    return least;
  }
}
