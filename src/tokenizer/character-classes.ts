/**
 * The classes of characters by which Llama 3 splits text.
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

/** {@link CHARACTER} of the character that begins at `at`, in valid UTF-8. */
export function classAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at]!;
  return byte < 0x80 ? ASCII[byte]! : classOf(codePointAt(bytes, at));
}

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
/** Classes of 256 characters each, made when one of them is met. */
const pages: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(0x110000 >> PAGE_BITS).fill(undefined);
const ASCII = pageOf(0);

function classOf(codePoint: number): number {
  return pageOf(codePoint >> PAGE_BITS)[codePoint & (2 ** PAGE_BITS - 1)]!;
}

function pageOf(page: number): Uint8Array {
  const first = page << PAGE_BITS;
  return (pages[page] ??= Uint8Array.from({ length: 2 ** PAGE_BITS }, (_, index) =>
    askUnicode(String.fromCodePoint(first + index)),
  ));
}

function askUnicode(character: string): number {
  if (character === '\r' || character === '\n') return CHARACTER.lineEnd;
  if (/^\p{L}$/u.test(character)) return CHARACTER.letter;
  if (/^\p{N}$/u.test(character)) return CHARACTER.number;
  return /^\p{White_Space}$/u.test(character) ? CHARACTER.space : CHARACTER.other;
}
