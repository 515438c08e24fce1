import { describe, expect, it } from 'vitest';

import type { DType } from '../dtype.js';
import { decodeToFloat32, encodeFromFloat32, isDecodable, isEncodable } from './codec.js';
import { QuantError } from './quant-error.js';

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The same bytes at an odd address. */
function unaligned(bytes: Uint8Array): Uint8Array {
  const shifted = new Uint8Array(bytes.byteLength + 1).subarray(1);
  shifted.set(bytes);
  return shifted;
}

function decode(dtype: DType, bytes: Uint8Array, count: number): number[] {
  const out = new Float32Array(count);
  decodeToFloat32(dtype, bytes, out);
  return [...out];
}

const plain: [DType, ArrayBufferView, number[]][] = [
  ['float32', Float32Array.of(1.5, -0.25, 1e-45), [1.5, -0.25, Math.fround(1e-45)]],
  ['float64', Float64Array.of(1 / 3, -2, 1e300), [Math.fround(1 / 3), -2, Infinity]],
  ['float16', Uint16Array.of(0x3c00, 0xc000, 0x0001), [1, -2, 2 ** -24]],
  ['bfloat16', Uint16Array.of(0x3f80, 0xc000, 0x0001), [1, -2, 2 ** -133]],
  ['int8', Int8Array.of(-128, 0, 127), [-128, 0, 127]],
  ['int16', Int16Array.of(-32768, 5), [-32768, 5]],
  ['int32', Int32Array.of(-5, 16777217), [-5, 16777216]],
  ['int64', BigInt64Array.of(-7n, 1n << 40n), [-7, 2 ** 40]],
  ['uint8', Uint8Array.of(0, 255), [0, 255]],
  ['uint16', Uint16Array.of(65535), [65535]],
  ['uint32', Uint32Array.of(4294967295), [4294967296]],
  ['uint64', BigUint64Array.of((1n << 64n) - 1n), [2 ** 64]],
  ['bool', Uint8Array.of(0, 1, 2), [0, 1, 1]],
];

describe('decodeToFloat32', () => {
  it('reads the bytes of a Node Buffer at an odd address, whose slices share memory', () => {
    const bytes = Buffer.concat([Buffer.from([9]), bytesOf(Float32Array.of(1.5, -2))]).subarray(1);
    expect(decode('float32', bytes, 2)).toEqual([1.5, -2]);
    const half = Buffer.from([0, 0, 0, 0, 0]).subarray(1);
    encodeFromFloat32('float16', Float32Array.of(1, -2), half);
    expect([...half]).toEqual([0x00, 0x3c, 0x00, 0xc0]);
  });

  it.each(plain)('decodes %s, aligned or not', (dtype, view, expected) => {
    expect(decode(dtype, bytesOf(view), expected.length)).toEqual(expected);
    expect(decode(dtype, unaligned(bytesOf(view)), expected.length)).toEqual(expected);
    expect(isDecodable(dtype)).toBe(true);
  });

  it('copies float32 with the payloads of its NaNs', () => {
    const source = Uint32Array.of(0x7f800001, 0xffc12345);
    const out = new Float32Array(2);
    decodeToFloat32('float32', bytesOf(source), out);
    expect(bytesOf(out)).toEqual(bytesOf(source));
  });

  it('decodes e5m2 as the upper byte of a half float', () => {
    const all = Uint8Array.from({ length: 256 }, (_, pattern) => pattern);
    const halves = Uint16Array.from(all, (pattern) => pattern << 8);
    expect(decode('float8_e5m2', all, 256)).toEqual(decode('float16', bytesOf(halves), 256));
  });

  it.each<[DType, [pattern: number, value: number][]]>([
    // The tables of "FP8 Formats for Deep Learning" (OCP) and of ml_dtypes.
    ['float8_e4m3fn', [[0x7e, 448], [0xfe, -448], [0x01, 2 ** -9], [0x08, 2 ** -6], [0x38, 1], [0x7f, NaN], [0xff, NaN], [0x80, -0]]], // prettier-ignore
    ['float8_e4m3fnuz', [[0x7f, 240], [0xff, -240], [0x01, 2 ** -10], [0x08, 2 ** -7], [0x40, 1], [0x80, NaN], [0x00, 0]]], // prettier-ignore
    ['float8_e5m2', [[0x7b, 57344], [0x01, 2 ** -16], [0x7c, Infinity], [0xfc, -Infinity], [0x7d, NaN], [0x3c, 1]]], // prettier-ignore
    [
      'float8_e5m2fnuz',
      [
        [0x7f, 57344],
        [0xff, -57344],
        [0x01, 2 ** -17],
        [0x40, 1],
        [0x80, NaN],
      ],
    ],
    ['float8_e8m0fnu', [[0, 2 ** -127], [127, 1], [254, 2 ** 127], [255, NaN]]], // prettier-ignore
  ])('decodes %s by its published table', (dtype, cases) => {
    const patterns = Uint8Array.from(cases, ([pattern]) => pattern);
    expect(decode(dtype, patterns, cases.length)).toEqual(cases.map(([, value]) => value));
  });

  it('orders the positive patterns of every 8-bit type', () => {
    for (const dtype of ['float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2fnuz', 'float8_e8m0fnu'] as const) {
      const values = decode(dtype, Uint8Array.from({ length: 127 }, (_, pattern) => pattern), 127); // prettier-ignore
      expect(values).toEqual([...values].sort((a, b) => a - b));
      expect(new Set(values).size).toBe(127);
    }
  });

  it('refuses types without a number', () => {
    expect(isDecodable('complex64')).toBe(false);
    expect(() => decode('complex64', new Uint8Array(8), 1)).toThrow(
      expect.objectContaining({
        code: 'quant/no-decoder',
        message: 'elements of type complex64 cannot be turned into float32 numbers',
      }),
    );
  });

  it('refuses buffers that do not fit', () => {
    expect(() => decode('float16', new Uint8Array(5), 2)).toThrow(QuantError);
    expect(() => decode('float16', new Uint8Array(6), 2)).toThrow(
      expect.objectContaining({
        code: 'quant/wrong-length',
        message: '2 elements of type float16 take 4 bytes, but the buffer has 6',
      }),
    );
  });
});

describe('encodeFromFloat32', () => {
  const values = Float32Array.of(1, -2.5, 65520, 1e-8);

  it.each<[DType, ArrayBufferView]>([
    ['float32', values],
    ['float16', Uint16Array.of(0x3c00, 0xc100, 0x7c00, 0)],
    ['bfloat16', Uint16Array.of(0x3f80, 0xc020, 0x4780, 0x322c)],
  ])('encodes %s, aligned or not', (dtype, expected) => {
    for (const out of [new Uint8Array(expected.byteLength), unaligned(new Uint8Array(expected.byteLength))]) {
      encodeFromFloat32(dtype, values, out);
      expect([...out]).toEqual([...bytesOf(expected)]);
    }
    expect(isEncodable(dtype)).toBe(true);
  });

  it('writes only inside its target', () => {
    const room = new Uint8Array(12).fill(0xaa);
    encodeFromFloat32('float16', values, room.subarray(1, 9));
    expect([room[0], ...room.subarray(9)]).toEqual([0xaa, 0xaa, 0xaa, 0xaa]);
  });

  it('refuses types that are only read, and buffers that do not fit', () => {
    expect(isEncodable('int8')).toBe(false);
    expect(isEncodable('complex64')).toBe(false);
    expect(() => encodeFromFloat32('int8', values, new Uint8Array(4))).toThrow(
      expect.objectContaining({ code: 'quant/no-encoder' }),
    );
    expect(() => encodeFromFloat32('float32', values, new Uint8Array(15))).toThrow(
      expect.objectContaining({ code: 'quant/wrong-length' }),
    );
  });
});
