/**
 * GPT-2's printable alphabet: one character for each of the 256 bytes.
 *
 * Byte-level BPE works on bytes, but vocabulary files hold text. So the 188 bytes that are printable in
 * Latin-1 stand for themselves and the 68 others take the characters from U+0100 on, in order: a space is
 * `Ġ`, a line feed `Ċ`. Every character is one UTF-16 unit, so the length of a piece is its length in bytes.
 *
 * @see https://github.com/openai/gpt-2/blob/master/src/encoder.py (bytes_to_unicode)
 * @module
 */
import type { TokenBytes } from './token-index.js';
import { TokenTable } from './token-table.js';
import { TokenizerError } from './vocabulary.js';

/** The alphabet's UTF-16 unit for each byte, (256,). */
export const UNIT_OF_BYTE: Uint16Array = alphabet();

/**
 * Tokens spelled in the alphabet, and after them names that are spelled plainly.
 *
 * @param names - ASCII
 */
export function spellTokens({ bytes, offsets }: TokenBytes, names: readonly string[] = []): TokenTable {
  const plain = new TextEncoder().encode(names.join(''));
  const spelled = new Uint8Array(bytes.byteLength * MOST_BYTES_PER_UNIT + plain.byteLength);
  const starts = new Uint32Array(offsets.length + names.length);
  const count = offsets.length - 1;
  let end = 0;
  for (let id = 0; id < count; id++) {
    for (let at = offsets[id]!; at < offsets[id + 1]!; at++) {
      const utf8 = UTF8_OF_BYTE[bytes[at]!]!;
      spelled[end++] = utf8;
      if (utf8 > 0xff) spelled[end++] = utf8 >> 8;
    }
    starts[id + 1] = end;
  }
  spelled.set(plain, end);
  for (const [index, name] of names.entries()) starts[count + index + 1] = end += name.length;
  return new TokenTable({ bytes: spelled.subarray(0, end), offsets: starts });
}

/**
 * The bytes of the first `count` pieces, which are spelled in the alphabet.
 *
 * @throws TokenizerError `tokenizer/unsupported` for a piece with another character
 */
export function bytesOfPieces(pieces: readonly string[], count: number): TokenBytes {
  const offsets = new Uint32Array(count + 1);
  for (let id = 0; id < count; id++) offsets[id + 1] = offsets[id]! + pieces[id]!.length;
  const bytes = new Uint8Array(offsets[count]!);
  for (let id = 0; id < count; id++) {
    const piece = pieces[id]!;
    const start = offsets[id]!;
    for (let at = 0; at < piece.length; at++) {
      const byte = BYTE_OF_UNIT.get(piece.charCodeAt(at));
      if (byte === undefined) throw notInAlphabet(piece, id);
      bytes[start + at] = byte;
    }
  }
  return { bytes, offsets };
}

function notInAlphabet(piece: string, id: number): TokenizerError {
  const message = `token ${id}, ${JSON.stringify(piece)}, is not spelled in the alphabet of byte-level BPE`;
  return new TokenizerError('tokenizer/unsupported', message);
}

/** The alphabet ends below U+0800. */
const MOST_BYTES_PER_UNIT = 2;

/** UTF-8 of the alphabet's character for each byte, the first byte lowest, (256,). */
const UTF8_OF_BYTE = UNIT_OF_BYTE.map((unit) =>
  unit < 0x80 ? unit : 0xc0 | (unit >> 6) | ((0x80 | (unit & 0x3f)) << 8),
);

/** The byte that each unit of the alphabet stands for. */
const BYTE_OF_UNIT: ReadonlyMap<number, number> = new Map(Array.from(UNIT_OF_BYTE, (unit, byte) => [unit, byte]));

function alphabet(): Uint16Array {
  const units = new Uint16Array(256);
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) units[byte] = isPrintable(byte) ? byte : next++;
  return units;
}

/** Latin-1 without controls, spaces and the soft hyphen. */
function isPrintable(byte: number): boolean {
  return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
}
