/**
 * NumPy's scalars inside a pickle: a type and the bytes of one element.
 *
 * @see https://github.com/numpy/numpy/blob/main/numpy/_core/src/multiarray/multiarraymodule.c (array_scalar)
 * @module
 */
import { isKind, qualifiedName } from '../../pickle/access.js';
import type { PickleValue, ReduceValue } from '../../pickle/values.js';
import { float32BitsOfHalf } from '../../quant/float16.js';
import { type NumpyDtype, nativeDtype, numpyDtype } from './numpy-dtype.js';
import { numpyTime } from './numpy-time.js';
import { rawBytes } from './python-bytes.js';

/** A scalar: its type, and its value as Python would give it. */
export interface NumpyScalar {
  /** Type, in the machine's byte order. */
  readonly dtype: NumpyDtype;
  /** Its value; two floats are the parts of a complex number. */
  readonly value:
    | { readonly type: 'plain'; readonly value: null | boolean | string | bigint }
    | { readonly type: 'float'; readonly value: number }
    | { readonly type: 'complex'; readonly value: readonly [real: number, imaginary: number] }
    | { readonly type: 'bytes'; readonly value: Uint8Array };
}

/** The scalar that a call makes; undefined for any other call, and for types of which Python has no value. */
export function numpyScalar({ callable, args, states }: ReduceValue): NumpyScalar | undefined {
  if (!isKind(callable, 'global') || !isKind(args, 'tuple') || states.length > 0) return undefined;
  if (!/^numpy\.(?:_core|core)\.multiarray\.scalar$/.test(qualifiedName(callable))) return undefined;
  const [type, data] = args.items as readonly (PickleValue | undefined)[];
  const dtype = numpyDtype(type);
  const bytes = rawBytes(data);
  if (dtype === undefined || bytes?.byteLength !== dtype.itemBytes) return undefined;
  const value = valueOf(dtype, bytes);
  return value === undefined ? undefined : { dtype: nativeDtype(dtype), value };
}

function valueOf(dtype: NumpyDtype, bytes: Uint8Array): NumpyScalar['value'] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { kind, itemBytes, bigEndian } = dtype;
  switch (kind) {
    case 'b':
      return { type: 'plain', value: bytes[0] !== 0 };
    case 'i':
    case 'u':
      return { type: 'plain', value: integerOf(bytes, bigEndian, kind === 'i') };
    case 'f':
      return itemBytes > 8 ? undefined : { type: 'float', value: floatOf(view, 0, itemBytes, bigEndian) };
    case 'c': {
      const half = itemBytes / 2;
      if (half !== 4 && half !== 8) return undefined;
      return { type: 'complex', value: [floatOf(view, 0, half, bigEndian), floatOf(view, half, half, bigEndian)] };
    }
    case 'S':
      return { type: 'bytes', value: bytes.subarray(0, bytes.findLastIndex((byte) => byte !== 0) + 1) };
    case 'U':
      return { type: 'plain', value: textOf(view, bigEndian) };
    case 'M':
    case 'm':
      return { type: 'plain', value: numpyTime(dtype, integerOf(bytes, bigEndian, true)) };
    default:
      return undefined;
  }
}

function integerOf(bytes: Uint8Array, bigEndian: boolean, isSigned: boolean): bigint {
  const digits = bigEndian ? bytes : bytes.toReversed();
  const value = digits.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  return isSigned ? BigInt.asIntN(8 * bytes.byteLength, value) : value;
}

function floatOf(view: DataView, at: number, byteLength: number, bigEndian: boolean): number {
  if (byteLength === 8) return view.getFloat64(at, !bigEndian);
  if (byteLength === 4) return view.getFloat32(at, !bigEndian);
  const bits = Uint32Array.of(float32BitsOfHalf(view.getUint16(at, !bigEndian)));
  return new Float32Array(bits.buffer)[0]!;
}

/** Code points of four bytes each; zeros at the end are padding. */
function textOf(view: DataView, bigEndian: boolean): string {
  let text = '';
  for (let at = 0; at < view.byteLength; at += 4) {
    const codePoint = view.getUint32(at, !bigEndian);
    text += codePoint > 0x10ffff ? '\ufffd' : String.fromCodePoint(codePoint);
  }
  return text.replace(/\0+$/, '');
}
