/**
 * The protobuf wire format, written: the fields that a SentencePiece model has.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */

/** Gathers the fields of a message; grows as needed. */
export class WireWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  /** What was written so far. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Bytes with their length before them: a text or a message. */
  bytesField(number: number, content: Uint8Array): this {
    this.#varint(number * 8 + 2);
    this.#varint(content.byteLength);
    return this.raw(content);
  }

  /** A whole number from 0 on. */
  numberField(number: number, value: number): this {
    this.#varint(number * 8);
    this.#varint(value);
    return this;
  }

  /** A float of 32 bits. */
  floatField(number: number, value: number): this {
    this.#varint(number * 8 + 5);
    const at = this.#room(4);
    new DataView(this.#bytes.buffer).setFloat32(at, value, true);
    return this;
  }

  /** Fields that are there as bytes already. */
  raw(content: Uint8Array): this {
    const at = this.#room(content.byteLength); // may put another array in place of #bytes
    this.#bytes.set(content, at);
    return this;
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#byte((rest % 0x80) | 0x80);
    this.#byte(rest);
  }

  #byte(value: number): void {
    const at = this.#room(1);
    this.#bytes[at] = value;
  }

  /** Makes room behind what there is, and gives its position. */
  #room(byteLength: number): number {
    const at = this.#length;
    this.#length += byteLength;
    if (this.#length > this.#bytes.byteLength) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return at;
  }
}
