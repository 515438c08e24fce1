/**
 * Many strings kept as the bytes of their UTF-8, for vocabularies.
 *
 * The tokens and merges of a Llama 3 are 400,000 strings of seven letters. As strings they take 30 MB and most of
 * a second to make; a file wants nothing of them but their bytes, and those are there before.
 *
 * @module
 */

/** Strings in an array, or packed. */
export type StringList = readonly string[] | PackedStrings;

/** Strings that are made only when someone goes through them, anew each time. */
export abstract class PackedStrings implements Iterable<string> {
  /** Number of strings. */
  abstract readonly length: number;

  /** Bytes of UTF-8 of all strings. */
  abstract readonly utf8Length: number;

  /** Bytes of UTF-8 of a string. */
  abstract byteLengthOf(index: number): number;

  /** Writes a string's UTF-8 into `target` from byte `at` on, where there must be room for it. */
  abstract copyInto(index: number, target: Uint8Array, at: number): void;

  /** A single string; undefined where there is none. */
  at(index: number): string | undefined {
    if (index < 0 || index >= this.length) return undefined;
    const bytes = new Uint8Array(this.byteLengthOf(index));
    this.copyInto(index, bytes, 0);
    return UTF8.decode(bytes);
  }

  /** The strings in order. */
  *[Symbol.iterator](): Generator<string, undefined> {
    let room = new Uint8Array(256);
    for (let index = 0; index < this.length; index++) {
      const byteLength = this.byteLengthOf(index);
      if (byteLength > room.byteLength) room = new Uint8Array(2 * byteLength);
      this.copyInto(index, room, 0);
      yield UTF8.decode(room.subarray(0, byteLength));
    }
  }
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
