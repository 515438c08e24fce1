import { describe, expect, it } from 'vitest';

import { PackedStrings } from './packed-strings.js';

/** Packs strings in the plainest way. */
class Packed extends PackedStrings {
  readonly length: number;
  readonly utf8Length: number;
  readonly #texts: readonly string[];
  readonly #encoded: readonly Uint8Array[];

  constructor(texts: readonly string[]) {
    super();
    this.#texts = texts;
    this.#encoded = texts.map((text) => new TextEncoder().encode(text));
    this.length = texts.length;
    this.utf8Length = this.#encoded.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  byteLengthOf(index: number): number {
    return this.#encoded[index]!.byteLength;
  }

  copyInto(index: number, target: Uint8Array, at: number): void {
    target.set(this.#encoded[index]!, at);
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#texts.values();
  }
}

describe('PackedStrings', () => {
  const texts = ['', '\ufeffĠa', 'x'.repeat(300), 'b', '𝄞'.repeat(1000), '\0'];

  it('makes a single one, and none where there is none', () => {
    const packed = new Packed(texts);
    expect(texts.map((_, index) => packed.at(index))).toEqual(texts);
    expect([packed.at(-1), packed.at(texts.length)]).toEqual([undefined, undefined]);
  });
});
