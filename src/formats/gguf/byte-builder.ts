/**
 * A buffer that grows while fields are written to it.
 *
 * The header of a Llama 3 file has 8 MB in 800,000 fields; collecting small arrays and joining them
 * would take many times as much.
 *
 * @module
 */
import { type GgufNumberType, numberFormat } from './value-types.js';

/** UTF-8 takes at most three bytes for a UTF-16 unit. */
const MOST_BYTES_PER_UNIT = 3;

/** Collects the bytes of a GGUF header. */
export class ByteBuilder {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;
  readonly #encoder = new TextEncoder();

  /** Number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends a number that is in the range of its type. */
  number(type: GgufNumberType, value: number): void {
    const { byteLength, set } = numberFormat(type);
    this.#reserve(byteLength);
    set(this.#view, this.#length, value);
    this.#length += byteLength;
  }

  /** Appends a string after the length of its UTF-8. */
  string(text: string): void {
    this.#reserve(8 + text.length * MOST_BYTES_PER_UNIT);
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length + 8));
    this.number('u64', written);
    this.#length += written;
  }

  /** Appends zeros until `length` bytes are there. */
  fillTo(length: number): void {
    this.#reserve(length - this.#length);
    this.#length = length;
  }

  /** The bytes; nothing must be appended afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.byteLength));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
