// @ts-check
/**
 * CRC-32 of zeros without looking at them: 140 GB take a microsecond.
 *
 * A byte of zeros multiplies the register by x^8 in the field of polynomials modulo the generator, so n of them
 * multiply it by x^(8n), which squaring reaches in some sixty steps.
 *
 * @see https://github.com/madler/zlib/blob/develop/crc32.c (crc32_combine)
 * @module
 */

/** The generator polynomial with its bits reversed, and the polynomial 1 in the same order. */
const GENERATOR = 0xedb88320;
const ONE = 0x80000000;

/** x^8, what one byte of zeros multiplies by. */
const BYTE = 0x00800000;

/**
 * CRC-32 of some bytes followed by zeros.
 *
 * @param {number} crc - of the bytes before; 0 for none
 * @param {number} count - of zeros, at most 2^53
 */
export function crc32OfZeros(crc, count) {
  let power = BYTE;
  let factor = ONE;
  for (let left = count; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) factor = product(factor, power);
    power = product(power, power);
  }
  return ~product(factor, ~crc) >>> 0;
}

/**
 * Product of two polynomials, the highest bit being the lowest power.
 *
 * @param {number} a
 * @param {number} b
 */
function product(a, b) {
  let sum = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit--) {
    if ((a >>> bit) & 1) sum ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ GENERATOR : shifted >>> 1;
  }
  return sum >>> 0;
}
