/**
 * What the header of a GGUF file is written to: first a count of its bytes, then a buffer of that size.
 *
 * The header of a Llama 3 has 8 MB in 800,000 fields. Whoever plans a file needs its size only, and a buffer that
 * grew with its content would hold it two or three times.
 *
 * @module
 */
import type { PackedStrings } from '../packed-strings.js';
import { type GgufNumbers, type GgufNumberType, numberFormat } from './value-types.js';

/** Takes the fields of a header, one after the other. */
export interface HeaderWriter {
  /** Appends a number that is in the range of its type. */
  number(type: GgufNumberType, value: number): void;
  /** Appends numbers that are in the range of their type. */
  numbers(type: GgufNumberType, values: readonly number[] | GgufNumbers): void;
  /** Appends a string after the length of its UTF-8. */
  string(text: string): void;
  /** Appends strings, each after the length of its UTF-8. */
  packed(strings: PackedStrings): void;
}

/** Bytes of the length before a string. */
const LENGTH_BYTES = 8;

/** Counts the bytes of a header. */
export class ByteCounter implements HeaderWriter {
  #length = 0;

  /** Number of bytes so far. */
  get length(): number {
    return this.#length;
  }

  number(type: GgufNumberType): void {
    this.#length += numberFormat(type).byteLength;
  }

  numbers(type: GgufNumberType, values: readonly number[] | GgufNumbers): void {
    this.#length += numberFormat(type).byteLength * values.length;
  }

  string(text: string): void {
    this.#length += LENGTH_BYTES + utf8Length(text);
  }

  packed({ length, utf8Length }: PackedStrings): void {
    this.#length += LENGTH_BYTES * length + utf8Length;
  }
}

/** Collects the bytes of a header whose size is known. */
export class ByteBuilder implements HeaderWriter {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #encoder = new TextEncoder();
  #length = 0;

  /** @param byteLength - bytes that there will be; more cannot be appended */
  constructor(byteLength: number) {
    this.#bytes = new Uint8Array(byteLength);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** The bytes; those not yet appended are zero. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  number(type: GgufNumberType, value: number): void {
    const { byteLength, set } = numberFormat(type);
    set(this.#view, this.#length, value);
    this.#length += byteLength;
  }

  numbers(type: GgufNumberType, values: readonly number[] | GgufNumbers): void {
    const { byteLength, set } = numberFormat(type);
    for (const value of values) {
      set(this.#view, this.#length, value);
      this.#length += byteLength;
    }
  }

  string(text: string): void {
    const { written } = this.#encoder.encodeInto(text, this.#bytes.subarray(this.#length + LENGTH_BYTES));
    this.#stringLength(written);
    this.#length += written;
  }

  packed(strings: PackedStrings): void {
    for (let index = 0; index < strings.length; index++) {
      const byteLength = strings.byteLengthOf(index);
      this.#stringLength(byteLength);
      strings.copyInto(index, this.#bytes, this.#length);
      this.#length += byteLength;
    }
  }

  /** A u64, whose upper half stays zero: no string reaches 4 GiB. */
  #stringLength(byteLength: number): void {
    this.#view.setUint32(this.#length, byteLength, true);
    this.#length += LENGTH_BYTES;
  }
}

/** Bytes that a text takes in UTF-8, where half a surrogate pair becomes U+FFFD. */
function utf8Length(text: string): number {
  let byteLength = text.length;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) byteLength += unit < 0x800 ? 1 : 2;
    // a pair takes four bytes: three for its first unit, one for its second
    if (unit >= 0xd800 && unit < 0xdc00 && isLowSurrogate(text.charCodeAt(at + 1))) at++;
  }
  return byteLength;
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000;
}
