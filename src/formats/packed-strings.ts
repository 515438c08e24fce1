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

/** Strings that are made only when someone goes through them. */
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
  abstract [Symbol.iterator](): Iterator<string>;
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });
