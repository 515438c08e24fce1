/**
 * Any element type to float32 and back.
 *
 * One table maps a type to its two functions; a further format is one more file and one more line here.
 * Types that are absent (torch's bit and quantized integer types, complex numbers) have no agreed
 * meaning as a single float32 and are refused by name.
 *
 * @module
 */
import { type DType, blockLayout, byteLengthOf } from '../dtype.js';
import { decodeBfloat16, encodeBfloat16 } from './bfloat16.js';
import type { BlockFormat, QuantizeRows } from './block-format.js';
import { BLOCK_FORMATS } from './blocks/block-formats.js';
import { decodeFloat16, encodeFloat16 } from './float16.js';
import { type Float8Type, decodeFloat8 } from './float8.js';
import { QuantError } from './quant-error.js';
import { type WideType, WIDE_TYPES, numbersOf } from './wide.js';
import { bitsOf, fillWords, wordsOf } from './words.js';

/** How the elements of one type become float32 values, and how float32 values become elements. */
interface Codec {
  /** Fills `out`; `bytes` holds exactly as many elements. */
  readonly decode: (bytes: Uint8Array, out: Float32Array) => void;
  /** Fills `out`; `values` holds exactly as many elements. Absent for types that are only read. */
  readonly encode?: QuantizeRows;
}

const FLOAT8_TYPES: readonly Float8Type[] = [
  'float8_e4m3fn',
  'float8_e4m3fnuz',
  'float8_e5m2',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
];

const CODECS: ReadonlyMap<DType, Codec> = new Map<DType, Codec>([
  [
    'float32',
    {
      decode: (bytes, out) => bitsOf(out).set(wordsOf(Uint32Array, bytes)),
      encode: (values, out) => fillWords(Uint32Array, out, (words) => words.set(bitsOf(values))),
    },
  ],
  [
    'float16',
    {
      decode: (bytes, out) => decodeFloat16(wordsOf(Uint16Array, bytes), out),
      encode: (values, out) => fillWords(Uint16Array, out, (words) => encodeFloat16(values, words)),
    },
  ],
  [
    'bfloat16',
    {
      decode: (bytes, out) => decodeBfloat16(wordsOf(Uint16Array, bytes), out),
      encode: (values, out) => fillWords(Uint16Array, out, (words) => encodeBfloat16(values, words)),
    },
  ],
  ...FLOAT8_TYPES.map((type): [DType, Codec] => [type, { decode: (bytes, out) => decodeFloat8(type, bytes, out) }]),
  ...WIDE_TYPES.map((type): [DType, Codec] => [type, wideCodec(type)]),
  ...[...BLOCK_FORMATS].map(([type, format]): [DType, Codec] => [type, blockCodec(format)]),
]);

/** Whether {@link decodeToFloat32} takes the type. */
export function isDecodable(dtype: DType): boolean {
  return CODECS.has(dtype);
}

/** Whether {@link encodeFromFloat32} takes the type. */
export function isEncodable(dtype: DType): boolean {
  return CODECS.get(dtype)?.encode !== undefined;
}

/**
 * Decodes elements of a type into float32 values, `out.length` of them. The bytes may start anywhere.
 * Exact for all floating point types but float64; float64 and large integers are rounded to nearest.
 *
 * @throws QuantError `quant/no-decoder`, `quant/wrong-length`
 */
export function decodeToFloat32(dtype: DType, bytes: Uint8Array, out: Float32Array): void {
  const codec = CODECS.get(dtype);
  if (codec === undefined) {
    throw new QuantError('quant/no-decoder', `elements of type ${dtype} cannot be turned into float32 numbers`);
  }
  expectLength(dtype, out.length, bytes.byteLength);
  codec.decode(bytes, out);
}

/**
 * Encodes float32 values as elements of a type, to nearest, ties to even; blocks as ggml makes them. `out` may start
 * anywhere. For blocks `importance` may give each column a weight; then the values are rows as long as it.
 *
 * @throws QuantError `quant/no-encoder`, `quant/wrong-length`
 */
export function encodeFromFloat32(
  dtype: DType,
  values: Float32Array,
  out: Uint8Array,
  importance?: Float32Array,
): void {
  const encode = CODECS.get(dtype)?.encode;
  if (encode === undefined) {
    throw new QuantError('quant/no-encoder', `float32 numbers cannot be written as elements of type ${dtype}`);
  }
  expectLength(dtype, values.length, out.byteLength);
  if (importance !== undefined && values.length % importance.length !== 0) {
    throw new QuantError(
      'quant/wrong-length',
      `${values.length} values are no whole number of rows of ${importance.length}, one for each importance`,
    );
  }
  encode(values, out, importance);
}

/**
 * Throws unless `elements` elements of the type are whole blocks and take `byteLength` bytes.
 *
 * @throws QuantError `quant/wrong-length`
 */
export function expectLength(dtype: DType, elements: number, byteLength: number): void {
  const { blockElements } = blockLayout(dtype);
  const expected = byteLengthOf(dtype, elements);
  if (expected === byteLength && elements % blockElements === 0) return;
  throw new QuantError(
    'quant/wrong-length',
    `${elements} elements of type ${dtype} take ${expected} bytes, but the buffer has ${byteLength}`,
  );
}

function blockCodec({ dequantize, quantize }: BlockFormat): Codec {
  return { decode: dequantize, ...(quantize === undefined ? {} : { encode: quantize }) };
}

function wideCodec(type: WideType): Codec {
  return { decode: (bytes, out) => out.set(numbersOf(type, bytes)) };
}
