/**
 * Long lists of JSON strings as UTF-8, in chunks of one size that use one buffer.
 *
 * A vocabulary that is packed is bytes already: its tokens become JSON by copying them with the few characters that JSON
 * escapes, and no string is made. Strings of an array go through `JSON.stringify`, as it alone spells half a character.
 *
 * @module
 */
import { PackedStrings, type StringList } from '../formats/packed-strings.js';

/** Bytes gathered before they are handed on. */
const CHUNK_BYTES = 1 << 16;

/** Most bytes that JSON makes of one: `\u001f`. */
const ESCAPE_BYTES = 6;

const UTF8 = new TextEncoder();

/** Text in the making. */
export class JsonText {
  #bytes = new Uint8Array(2 * CHUNK_BYTES);
  #end = 0;
  /** One packed string. */
  #string = new Uint8Array(256);

  /** Whether there is enough for a chunk. */
  get isFull(): boolean {
    return this.#end >= CHUNK_BYTES;
  }

  /** What has been added since the last time, at most a string longer than 64 KiB; good until more is added. */
  take(): Uint8Array {
    const chunk = this.#bytes.subarray(0, this.#end);
    this.#end = 0;
    return chunk;
  }

  /** Adds text as it is. */
  add(text: string): void {
    this.#reserve(3 * text.length);
    this.#end += UTF8.encodeInto(text, this.#bytes.subarray(this.#end)).written;
  }

  /** The same for a few characters of ASCII: the encoder makes two objects a call, and there are a million calls. */
  addAscii(text: string): void {
    this.#reserve(text.length);
    for (let at = 0; at < text.length; at++) this.#bytes[this.#end++] = text.charCodeAt(at);
  }

  /** Adds a string of a list, quoted. */
  addString(list: StringList, index: number): void {
    if (list instanceof PackedStrings) this.#addQuoted(0, this.#unpack(list, index));
    else this.add(JSON.stringify(list[index]));
  }

  /** Adds the two halves of a string, which are parted by its first space, each quoted. */
  addHalves(list: StringList, index: number, between: string): void {
    if (list instanceof PackedStrings) {
      const length = this.#unpack(list, index);
      const space = this.#string.indexOf(SPACE);
      this.#addQuoted(0, space);
      this.addAscii(between);
      this.#addQuoted(space + 1, length);
      return;
    }
    const text = list[index]!;
    const space = text.indexOf(' ');
    this.add(`${JSON.stringify(text.slice(0, space))}${between}${JSON.stringify(text.slice(space + 1))}`);
  }

  /** Reads a packed string; gives its length. */
  #unpack(list: PackedStrings, index: number): number {
    const length = list.byteLengthOf(index);
    if (length > this.#string.byteLength) this.#string = new Uint8Array(2 * length);
    list.copyInto(index, this.#string, 0);
    return length;
  }

  #addQuoted(from: number, to: number): void {
    this.#reserve(ESCAPE_BYTES * (to - from) + 2);
    const source = this.#string;
    const target = this.#bytes;
    let end = this.#end;
    target[end++] = QUOTE;
    for (let at = from; at < to; at++) {
      const byte = source[at]!;
      if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) end = putEscaped(byte, target, end);
      else target[end++] = byte;
    }
    target[end++] = QUOTE;
    this.#end = end;
  }

  #reserve(byteLength: number): void {
    if (this.#end + byteLength <= this.#bytes.byteLength) return;
    const longer = new Uint8Array(2 * (this.#end + byteLength));
    longer.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = longer;
  }
}

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function putEscaped(byte: number, target: Uint8Array, at: number): number {
  const escaped = JSON.stringify(String.fromCharCode(byte)).slice(1, -1);
  return at + UTF8.encodeInto(escaped, target.subarray(at)).written;
}
