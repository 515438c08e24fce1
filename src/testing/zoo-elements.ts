/**
 * Elements of tensors decoded one by one, by what each format's bits mean, independently of `quant/`.
 *
 * Not part of the package.
 *
 * @module
 */
import { floatRepr } from '../formats/torch/python-text.js';
import type { TaggedJson } from '../formats/torch/tagged-json.js';

/** Bits of exponent and of fraction, and bias; `infinite` where the highest exponent means infinity and NaN. */
interface FloatForm {
  readonly exponent: number;
  readonly fraction: number;
  readonly bias: number;
  readonly infinite: boolean;
  /** Patterns that are NaN where the highest exponent is a number like any other. */
  readonly nan: readonly number[];
}

const FLOATS: Readonly<Record<string, FloatForm>> = {
  float16: { exponent: 5, fraction: 10, bias: 15, infinite: true, nan: [] },
  bfloat16: { exponent: 8, fraction: 7, bias: 127, infinite: true, nan: [] },
  float8_e5m2: { exponent: 5, fraction: 2, bias: 15, infinite: true, nan: [] },
  float8_e4m3fn: { exponent: 4, fraction: 3, bias: 7, infinite: false, nan: [0x7f, 0xff] },
  float8_e4m3fnuz: { exponent: 4, fraction: 3, bias: 8, infinite: false, nan: [0x80] },
  float8_e5m2fnuz: { exponent: 5, fraction: 2, bias: 16, infinite: false, nan: [0x80] },
};

const INTEGERS: Readonly<Record<string, readonly [bytes: number, signed: boolean]>> = {
  int8: [1, true],
  int16: [2, true],
  int32: [4, true],
  int64: [8, true],
  uint8: [1, false],
  uint16: [2, false],
  uint32: [4, false],
  uint64: [8, false],
  qint8: [1, true],
  quint8: [1, false],
  qint32: [4, true],
};

/** The first elements as the zoo tells them, at most four; undefined for types that PyTorch cannot decode. */
export function firstElements(dtype: string, bytes: Uint8Array): TaggedJson[] | undefined {
  const decode = decoderOf(dtype);
  if (decode === undefined) return undefined;
  const [itemBytes, element] = decode;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = Math.min(4, bytes.byteLength / itemBytes);
  return Array.from({ length: count }, (_, index) => element(view, index * itemBytes));
}

type Decoder = readonly [itemBytes: number, element: (view: DataView, at: number) => TaggedJson];

function decoderOf(dtype: string): Decoder | undefined {
  const integer = INTEGERS[dtype];
  if (integer !== undefined) return [integer[0], (view, at) => integerAt(view, at, ...integer)];
  if (dtype === 'bool') return [1, (view, at) => view.getUint8(at) !== 0];
  const float = floatOf(dtype);
  if (float !== undefined) return [float[0], (view, at) => ({ $float: floatRepr(float[1](view, at)) })];
  const half = floatOf(`float${Number(dtype.slice('complex'.length)) / 2}`);
  if (!dtype.startsWith('complex') || half === undefined) return undefined;
  const [bytes, part] = half;
  return [2 * bytes, (view, at) => ({ $complex: [part(view, at), part(view, at + bytes)].map(floatRepr) })];
}

function floatOf(dtype: string): readonly [number, (view: DataView, at: number) => number] | undefined {
  if (dtype === 'float64') return [8, (view, at) => view.getFloat64(at, true)];
  if (dtype === 'float32') return [4, (view, at) => view.getFloat32(at, true)];
  if (dtype === 'float8_e8m0fnu') {
    return [1, (view, at) => (view.getUint8(at) === 0xff ? NaN : 2 ** (view.getUint8(at) - 127))];
  }
  const form = FLOATS[dtype];
  if (form === undefined) return undefined;
  const isShort = form.exponent + form.fraction === 15;
  return [isShort ? 2 : 1, (view, at) => floatOfBits(isShort ? view.getUint16(at, true) : view.getUint8(at), form)];
}

function floatOfBits(bits: number, { exponent, fraction, bias, infinite, nan }: FloatForm): number {
  if (nan.includes(bits)) return NaN;
  const sign = bits >> (exponent + fraction) === 0 ? 1 : -1;
  const [power, rest] = [(bits >> fraction) & (2 ** exponent - 1), bits & (2 ** fraction - 1)];
  if (infinite && power === 2 ** exponent - 1) return rest === 0 ? sign * Infinity : NaN;
  if (power === 0) return sign * rest * 2 ** (1 - bias - fraction);
  return sign * (1 + rest / 2 ** fraction) * 2 ** (power - bias);
}

function integerAt(view: DataView, at: number, bytes: number, signed: boolean): TaggedJson {
  let value = 0n;
  for (let index = bytes - 1; index >= 0; index -= 1) value = value * 256n + BigInt(view.getUint8(at + index));
  if (signed) value = BigInt.asIntN(8 * bytes, value);
  return Number.isSafeInteger(Number(value)) ? Number(value) : { $int: String(value) };
}
