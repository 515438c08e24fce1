/**
 * Finds a token by its bytes, without making strings.
 *
 * Open addressing over stretches of one buffer. The tokens of a Llama 3 are looked for a million times when its
 * merges are derived; a `Map` would want a string for each of these.
 *
 * @module
 */

/** Tokens in one buffer: token i is `bytes[offsets[i] … offsets[i + 1])`. */
export interface TokenBytes {
  /** Bytes of all tokens, one after the other. */
  readonly bytes: Uint8Array;
  /** Where each token starts, and at the end the total, (tokens + 1,). */
  readonly offsets: Uint32Array;
}

/** Ids of tokens by their bytes. */
export class TokenIndex {
  readonly #bytes: Uint8Array;
  readonly #offsets: Uint32Array;
  /** 1 + id, 0 where free; never more than half full. */
  readonly #slots: Uint32Array;
  readonly #mask: number;

  /** No token is in the index until it is added. */
  constructor({ bytes, offsets }: TokenBytes) {
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(offsets.length * 2)));
    this.#mask = this.#slots.length - 1;
  }

  /** Adds a token, unless one of the same bytes is there: its id then, otherwise -1. */
  add(id: number): number {
    const slot = this.#slotOf(this.#bytes, this.#offsets[id]!, this.#offsets[id + 1]!);
    const found = this.#slots[slot]! - 1;
    if (found < 0) this.#slots[slot] = id + 1;
    return found;
  }

  /** Id of the token whose bytes are those of the buffer from `start` to `end`, -1 if there is none. */
  find(start: number, end: number): number {
    return this.#slots[this.#slotOf(this.#bytes, start, end)]! - 1;
  }

  /** The same of another buffer. */
  findIn(bytes: Uint8Array, start: number, end: number): number {
    return this.#slots[this.#slotOf(bytes, start, end)]! - 1;
  }

  /** The slot of the token with these bytes, or the free one that it would get. */
  #slotOf(sought: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const bytes = this.#bytes;
    const offsets = this.#offsets;
    let slot = hashOf(sought, start, end) & mask;
    for (let taken = slots[slot]!; taken > 0; taken = slots[slot]!) {
      const from = offsets[taken - 1]!;
      if (offsets[taken]! - from === end - start) {
        let at = start;
        while (at < end && sought[at] === bytes[from + at - start]) at++;
        if (at === end) break;
      }
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}

/** FNV-1a with a final mix, 32 bits. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
