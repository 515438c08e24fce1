/**
 * The classes of characters by which Llama 3 and 4 split text.
 *
 * Letters, numbers and white space as Unicode has them, read from UTF-8. JavaScript's `\s` is not Unicode's white
 * space: it has the byte order mark and lacks U+0085, so the property is asked for by name. The classes are those of
 * the engine's version of Unicode, as they are those of the library's version in Meta's code.
 *
 * @module
 */

/** Classes of characters. */
export const CHARACTER = {
  /** Punctuation, symbols, marks, and what is not assigned. */
  other: 0,
  /** `\p{L}` */
  letter: 1,
  /** `\p{N}` */
  number: 2,
  /** White space other than the ends of lines. */
  space: 3,
  /** Carriage return and line feed. */
  lineEnd: 4,
} as const;

/** Classes of characters where letters are told apart by their case. */
export const CASED = {
  /** Punctuation, symbols, and what is not assigned. */
  other: 0,
  /** Capitals: `\p{Lu}` and `\p{Lt}`. */
  upper: 1,
  /** Small letters: `\p{Ll}` */
  lower: 2,
  /** Letters without case: `\p{Lm}` and `\p{Lo}`. */
  both: 3,
  /** `\p{M}` */
  mark: 4,
  /** `\p{N}` */
  number: 5,
  /** White space other than the ends of lines. */
  space: 6,
  /** Carriage return and line feed. */
  lineEnd: 7,
} as const;

/** Bytes of the character that this byte of UTF-8 begins. */
export function utf8Length(first: number): number {
  return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

function codePointAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const second = bytes[at + 1]! & 0x3f;
  if (first < 0xe0) return ((first & 0x1f) << 6) | second;
  const third = bytes[at + 2]! & 0x3f;
  if (first < 0xf0) return ((first & 0x0f) << 12) | (second << 6) | third;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (bytes[at + 3]! & 0x3f);
}

const PAGE_BITS = 8;

/** Classes of all characters; those of 256 characters at a time are found out when one of them is met. */
class CharacterTable {
  readonly #classOf: (character: string) => number;
  readonly #pages: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(0x110000 >> PAGE_BITS).fill(
    undefined,
  );
  readonly #ascii: Uint8Array;

  constructor(classOf: (character: string) => number) {
    this.#classOf = classOf;
    this.#ascii = this.#pageOf(0);
  }

  /** Class of the character that begins at `at`, in valid UTF-8. */
  at(bytes: Uint8Array, at: number): number {
    const byte = bytes[at]!;
    if (byte < 0x80) return this.#ascii[byte]!;
    const codePoint = codePointAt(bytes, at);
    return this.#pageOf(codePoint >> PAGE_BITS)[codePoint & (2 ** PAGE_BITS - 1)]!;
  }

  #pageOf(page: number): Uint8Array {
    const first = page << PAGE_BITS;
    return (this.#pages[page] ??= Uint8Array.from({ length: 2 ** PAGE_BITS }, (_, index) =>
      this.#classOf(String.fromCodePoint(first + index)),
    ));
  }
}

/** {@link CHARACTER} of every character. */
export const classes = new CharacterTable((character) => {
  if (/^[\r\n]$/.test(character)) return CHARACTER.lineEnd;
  if (/^\p{L}$/u.test(character)) return CHARACTER.letter;
  if (/^\p{N}$/u.test(character)) return CHARACTER.number;
  return /^\p{White_Space}$/u.test(character) ? CHARACTER.space : CHARACTER.other;
});

/** {@link CASED} of every character. */
export const cases = new CharacterTable((character) => {
  if (/^[\r\n]$/.test(character)) return CASED.lineEnd;
  if (/^[\p{Lu}\p{Lt}]$/u.test(character)) return CASED.upper;
  if (/^\p{Ll}$/u.test(character)) return CASED.lower;
  if (/^\p{L}$/u.test(character)) return CASED.both;
  if (/^\p{M}$/u.test(character)) return CASED.mark;
  if (/^\p{N}$/u.test(character)) return CASED.number;
  return /^\p{White_Space}$/u.test(character) ? CASED.space : CASED.other;
});
