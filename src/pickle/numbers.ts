/**
 * The numbers of a pickle.
 *
 * An integer of any length comes in two writings: decimal text, and two's complement from the least
 * significant byte, in which no bytes at all mean zero. Both give a number where it is a safe integer and a
 * bigint elsewhere.
 *
 * @see https://github.com/python/cpython/blob/3.13/Lib/pickle.py (decode_long)
 * @module
 */
import { MAX_PICKLE_DECIMAL_DIGITS } from './limits.js';

/** Characters of the longest number, its sign included. */
const LONGEST = MAX_PICKLE_DECIMAL_DIGITS + 1;

/** What Python's `int(text, 0)` takes of plain decimals: a leading zero only before more zeros. */
const DECIMAL = /^[+-]?(?:0+|[1-9][0-9]*)$/;

/** What Python's `float(text)` takes, without underscores and spaces. */
const FLOAT = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;

/** The infinities and NaN, as Python writes and reads them. */
const NON_FINITE = /^([+-]?)(?:(inf|infinity)|nan)$/i;

/** Safe integers as numbers, others as they are. */
function normalizeInteger(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** The integer that decimal text stands for; undefined where it is none, or longer than CPython takes. */
export function parseDecimal(text: string): number | bigint | undefined {
  if (text.length > LONGEST || !DECIMAL.test(text)) return undefined;
  if (text.length <= 15) return Number(text) + 0;
  return normalizeInteger(BigInt(text));
}

/** The float that text stands for; undefined where it is none, or longer than any decimal that is taken. */
export function parseFloatText(text: string): number | undefined {
  if (text.length > LONGEST) return undefined;
  if (FLOAT.test(text)) return Number(text);
  const match = NON_FINITE.exec(text);
  if (match === null) return undefined;
  if (match[2] === undefined) return NaN;
  return match[1] === '-' ? -Infinity : Infinity;
}

/** The integer in the two's complement, little-endian bytes from `start` to `end`. */
export function parseLong(view: DataView, start: number, end: number): number | bigint {
  const length = end - start;
  if (length === 0) return 0;
  let hex = '0x';
  let at = end;
  for (; at >= start + 4; at -= 4)
    hex += view
      .getUint32(at - 4, true)
      .toString(16)
      .padStart(8, '0');
  for (; at > start; at--) hex += HEX_BYTES.slice(2 * view.getUint8(at - 1), 2 * view.getUint8(at - 1) + 2);
  return normalizeInteger(BigInt.asIntN(8 * length, BigInt(hex)));
}

/** The digits of every byte, two each. */
const HEX_BYTES = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join('');
