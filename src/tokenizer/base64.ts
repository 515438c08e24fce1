/**
 * Base64 into a buffer that is already there.
 *
 * A tokenizer has 128,000 short base64 strings; `atob` for each would make as many strings only to throw
 * them away. Only the canonical form is accepted: padded to four characters, unused bits zero.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4648#section-4
 * @module
 */

/**
 * Decodes the characters `start` to `end` of `text` into `target` at `at`, which must have three bytes of
 * room for every four characters; gives the number of bytes written, or -1 where the text is not base64.
 */
export function decodeBase64Into(text: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if ((end - start) % 4 !== 0 || start === end) return -1;
  const padding = text[end - 1] !== PAD ? 0 : text[end - 2] !== PAD ? 1 : 2;
  let invalid = 0;
  let to = at;
  let bits = 0;
  for (let from = start; from < end; from += 4) {
    const last = from + 4 === end ? padding : 0;
    const c = last > 1 ? 0 : sextet(text, from + 2);
    const d = last > 0 ? 0 : sextet(text, from + 3);
    bits = (sextet(text, from) << 18) | (sextet(text, from + 1) << 12) | (c << 6) | d;
    invalid |= bits;
    target[to++] = bits >> 16;
    target[to++] = bits >> 8;
    target[to++] = bits;
  }
  const unusedBits = padding === 0 ? 0 : bits & (padding === 1 ? 0xff : 0xffff);
  return invalid < 0 || unusedBits !== 0 ? -1 : to - at - padding;
}

const PAD = 0x3d;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
/** Value of each character; a character outside the alphabet sets the sign bit wherever it is shifted to. */
const SEXTET = sextets();

function sextet(text: Uint8Array, at: number): number {
  return SEXTET[text[at]!]!;
}

function sextets(): Int32Array {
  const table = new Int32Array(256).fill(-1);
  for (let value = 0; value < 64; value++) table[ALPHABET.charCodeAt(value)] = value;
  return table;
}

/**
 * Encodes the bytes `start` to `end` of `bytes` into `target` at `at`, which must have four bytes of room for
 * every three begun; gives the number of characters written.
 */
export function encodeBase64Into(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let to = at;
  for (let from = start; from < end; from += 3) {
    const left = end - from;
    const bits = (bytes[from]! << 16) | ((left > 1 ? bytes[from + 1]! : 0) << 8) | (left > 2 ? bytes[from + 2]! : 0);
    target[to++] = ALPHABET.charCodeAt(bits >> 18);
    target[to++] = ALPHABET.charCodeAt((bits >> 12) & 63);
    target[to++] = left > 1 ? ALPHABET.charCodeAt((bits >> 6) & 63) : PAD;
    target[to++] = left > 2 ? ALPHABET.charCodeAt(bits & 63) : PAD;
  }
  return to - at;
}
