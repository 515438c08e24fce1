/**
 * The narrowest plain type that holds all values of a tensor, for the same values are stored as many types.
 *
 * A GGUF file keeps norms as float32 although the checkpoint has them as bfloat16. So that both have one fingerprint,
 * values are hashed as the first of bfloat16, float16 and float32 that holds every one of them, to the bit: the sign of
 * zero and the payload of a NaN count.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import { decodeToFloat32 } from '../quant/codec.js';
import { float32BitsOfHalf, halfOfFloat32Bits } from '../quant/float16.js';
import { bitsOf, wordsOf } from '../quant/words.js';

const EIGHT_BITS: readonly DType[] = [
  'float8_e4m3fn',
  'float8_e4m3fnuz',
  'float8_e5m2',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
];

/**
 * Types in which values of this type may have to be hashed, the narrowest first; the last of them holds all values.
 * Types with other numbers than these (float64, integers, quantized blocks) are hashed as they are stored.
 */
export function formsOf(dtype: DType): readonly [DType, ...DType[]] {
  if (dtype === 'float32') return ['bfloat16', 'float16', 'float32'];
  if (dtype === 'float16') return ['bfloat16', 'float16'];
  return EIGHT_BITS.includes(dtype) ? ['bfloat16'] : [dtype];
}

/**
 * The elements as that form, or undefined where one of them does not fit. Peak memory: a float32 for each.
 *
 * @param form - one of {@link formsOf} the type
 */
export function inForm(dtype: DType, bytes: Uint8Array, form: DType): Uint8Array | undefined {
  if (dtype === form) return bytes;
  const bits = float32Bits(dtype, bytes);
  const words = new Uint16Array(bits.length);
  const fits = form === 'bfloat16' ? fillBrains(bits, words) : fillHalves(bits, words);
  return fits ? new Uint8Array(words.buffer) : undefined;
}

function float32Bits(dtype: DType, bytes: Uint8Array): Uint32Array {
  if (dtype === 'float32') return wordsOf(Uint32Array, bytes);
  const elements = dtype === 'float16' ? bytes.byteLength / Uint16Array.BYTES_PER_ELEMENT : bytes.byteLength;
  const values = new Float32Array(elements);
  decodeToFloat32(dtype, bytes, values);
  return bitsOf(values);
}

function fillBrains(bits: Uint32Array, out: Uint16Array): boolean {
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    if ((word & 0xffff) !== 0) return false;
    out[i] = word >>> 16;
  }
  return true;
}

function fillHalves(bits: Uint32Array, out: Uint16Array): boolean {
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i]!;
    // a NaN is cut off rather than rounded, so that its payload stays
    const isNan = (word & 0x7fffffff) > 0x7f800000;
    const half = isNan ? ((word >>> 16) & 0x8000) | 0x7c00 | ((word >>> 13) & 0x3ff) : halfOfFloat32Bits(word);
    if (float32BitsOfHalf(half) !== word) return false;
    out[i] = half;
  }
  return true;
}
