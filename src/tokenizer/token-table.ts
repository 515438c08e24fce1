/**
 * The tokens of a vocabulary as UTF-8, one after the other.
 *
 * A tokenizer file is bytes and a GGUF file is bytes; on the way from one to the other 128,000 strings would be
 * made only to be taken apart.
 *
 * @module
 */
import { PackedStrings } from '../formats/packed-strings.js';
import type { TokenBytes } from './token-index.js';

/** Tokens by id, spelled as the vocabulary spells them. */
export class TokenTable extends PackedStrings implements TokenBytes {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
  #strings: readonly string[] | undefined;

  /** Takes the bytes over; each token must be UTF-8. */
  constructor({ bytes, offsets }: TokenBytes) {
    super();
    this.bytes = bytes;
    this.offsets = offsets;
  }

  get length(): number {
    return this.offsets.length - 1;
  }

  get utf8Length(): number {
    return this.bytes.byteLength;
  }

  byteLengthOf(id: number): number {
    return this.offsets[id + 1]! - this.offsets[id]!;
  }

  copyInto(id: number, target: Uint8Array, at: number): void {
    const { bytes, offsets } = this;
    const start = offsets[id]!;
    const length = offsets[id + 1]! - start;
    for (let index = 0; index < length; index++) target[at + index] = bytes[start + index]!;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.toStrings().values();
  }

  /** All tokens as strings, made on the first call and kept. */
  toStrings(): readonly string[] {
    return (this.#strings ??= this.#makeStrings());
  }

  /** Decodes the buffer once and cuts the text, ten times faster than building each string. */
  #makeStrings(): string[] {
    const { bytes, offsets } = this;
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    let end = 0;
    return Array.from({ length: this.length }, (_, id) => {
      const start = end;
      for (let at = offsets[id]!; at < offsets[id + 1]!; at++) end += unitsOf(bytes[at]!);
      return text.slice(start, end);
    });
  }
}

/** Whether a byte of UTF-8 continues a character rather than beginning one. */
export function continues(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** UTF-16 units of the character that a byte begins; 0 where it continues one. */
function unitsOf(byte: number): number {
  if (continues(byte)) return 0;
  return byte < 0xf0 ? 1 : 2;
}
