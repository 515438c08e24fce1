/**
 * What may be left to do once a tensor's elements are in order.
 *
 * Files written on a big-endian machine hold their bytes the other way round. And PyTorch negates and
 * conjugates lazily: the bytes stay, and a flag says that their signs are to be read otherwise.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import { storageItemBytes } from './torch-dtypes.js';

/** Reverses the bytes of each `unit` bytes, in place. */
export function swapBytes(bytes: Uint8Array, unit: number): void {
  if (unit === 1) return;
  for (let at = 0; at + unit <= bytes.byteLength; at += unit) bytes.subarray(at, at + unit).reverse();
}

/** Flips the sign of imaginary parts, or of everything, or of both, in place; little-endian. */
export function applySigns(bytes: Uint8Array, dtype: DType, conjugated: boolean, negated: boolean): void {
  const isComplex = dtype.startsWith('complex');
  const halves = isComplex ? 2 : 1;
  const part = storageItemBytes(dtype) / halves;
  const flips = halves === 2 ? [negated, negated !== conjugated] : [negated];
  const isFloat = isComplex || dtype.startsWith('float') || dtype === 'bfloat16';
  for (let at = 0, half = 0; at < bytes.byteLength; at += part, half = (half + 1) % halves) {
    if (flips[half] !== true) continue;
    const element = bytes.subarray(at, at + part);
    if (isFloat) element[part - 1]! ^= 0x80;
    else negateInteger(element);
  }
}

/** Two's complement: all bits flipped, plus one. */
function negateInteger(element: Uint8Array): void {
  let carry = 1;
  for (const [index, byte] of element.entries()) {
    const sum = (~byte & 0xff) + carry;
    element[index] = sum & 0xff;
    carry = sum >> 8;
  }
}
