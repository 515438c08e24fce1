/**
 * UTF-8 put together from single bytes, which may not be any.
 *
 * @module
 */
import { continues } from './token-table.js';
import { utf8Length } from './character-classes.js';

/** Bytes of the character that begins at `at`; 0 where none does: overlong forms, surrogates and what is cut off. */
export function validLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = utf8Length(first);
  if (first < 0xc2 || first > 0xf4 || at + length > bytes.byteLength) return 0;
  const second = bytes[at + 1]!;
  if (second < leastSecond(first) || second > mostSecond(first)) return 0;
  for (let index = 2; index < length; index++) if (!continues(bytes[at + index]!)) return 0;
  return length;
}

/** Overlong forms of three and four bytes would begin lower. */
function leastSecond(first: number): number {
  return first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
}

/** Surrogates and numbers above U+10FFFF would begin higher. */
function mostSecond(first: number): number {
  return first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
}

/** Bytes gathered; grows as needed. */
export class ByteSink {
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** The bytes so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Adds bytes. */
  push(bytes: Uint8Array): void {
    this.copy(bytes, 0, bytes.byteLength);
  }

  /** Adds a few bytes of a buffer, one by one: a view of them would take longer to make. */
  copy(bytes: Uint8Array, start: number, end: number): void {
    if (this.#length + end - start > this.#bytes.byteLength) this.#grow(end - start);
    const target = this.#bytes;
    let to = this.#length;
    for (let at = start; at < end; at++) target[to++] = bytes[at]!;
    this.#length = to;
  }

  #grow(byteLength: number): void {
    const larger = new Uint8Array(2 * (this.#length + byteLength));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
