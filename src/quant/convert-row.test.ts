import { describe, expect, it } from 'vitest';

import type { DType } from '../dtype.js';
import { type CastLoss, noLoss } from './cast-loss.js';
import { decodeToFloat32, encodeFromFloat32 } from './codec.js';
import { canConvert, convertRow } from './convert-row.js';

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Converts through float32, the slow way and without counting. */
function throughFloat32(from: DType, to: DType, bytes: Uint8Array, count: number, outLength: number): Uint8Array {
  const values = new Float32Array(count);
  decodeToFloat32(from, bytes, values);
  const out = new Uint8Array(outLength);
  encodeFromFloat32(to, values, out);
  return out;
}

function convert(from: DType, to: DType, bytes: Uint8Array, outLength: number): { out: Uint8Array; loss: CastLoss } {
  const out = new Uint8Array(outLength);
  const loss = noLoss();
  convertRow(from, to, bytes, out, loss);
  return { out, loss };
}

const allPatterns = bytesOf(Uint16Array.from({ length: 65536 }, (_, pattern) => pattern));

describe('convertRow', () => {
  it.each<[DType, DType]>([
    ['bfloat16', 'float16'],
    ['float16', 'bfloat16'],
  ])('casts all patterns of %s to %s as the way through float32 does', (from, to) => {
    const expected = throughFloat32(from, to, allPatterns, 65536, 131072);
    expect(convert(from, to, allPatterns, 131072).out).toEqual(expected);
    const shifted = new Uint8Array(131073).subarray(1);
    const source = new Uint8Array(131073).subarray(1);
    source.set(allPatterns);
    convertRow(from, to, source, shifted);
    expect([...shifted]).toEqual([...expected]);
  });

  it('counts what bfloat16 loses in float16', () => {
    // 1, infinity, NaN, -0 stay; 2^17 and -3e38 overflow; 2^-26 and a subnormal vanish; 2^-24 stays; 1.5 * 2^-24 rounds
    const patterns = Uint16Array.of(0x3f80, 0x7f80, 0x7fc0, 0x8000, 0x4800, 0xff62, 0x3280, 0x0001, 0x3380, 0x33c0);
    const { out, loss } = convert('bfloat16', 'float16', bytesOf(patterns), 20);
    expect([...new Uint16Array(out.buffer)]).toEqual([
      0x3c00, 0x7c00, 0x7e00, 0x8000, 0x7c00, 0xfc00, 0, 0, 1, 2,
    ]); // prettier-ignore
    expect(loss).toEqual({ overflowed: 2, flushedToZero: 2, rounded: 1 });
  });

  it('counts over several rows', () => {
    const loss = noLoss();
    const out = new Uint8Array(2);
    convertRow('bfloat16', 'float16', bytesOf(Uint16Array.of(0x4800)), out, loss);
    convertRow('bfloat16', 'float16', bytesOf(Uint16Array.of(0x4800)), out, loss);
    expect(loss.overflowed).toBe(2);
  });

  it('counts what float16 loses in bfloat16: only bits of the fraction', () => {
    const halves = Uint16Array.of(0x3c00, 0x3c01, 0x7bff, 0x0001, 0x03ff);
    expect(convert('float16', 'bfloat16', bytesOf(halves), 10).loss).toEqual({
      overflowed: 0,
      flushedToZero: 0,
      rounded: 3,
    });
  });

  it('counts what float32 loses in float16', () => {
    const values = Float32Array.of(1, 0.1, 65519, 65520, -1e30, 1e-9, -(2 ** -24), NaN, Infinity, 0, 1e-6);
    const { out, loss } = convert('float32', 'float16', bytesOf(values), 22);
    expect(out).toEqual(throughFloat32('float32', 'float16', bytesOf(values), 11, 22));
    expect(loss).toEqual({ overflowed: 2, flushedToZero: 1, rounded: 3 });
  });

  it('counts what float64 loses in float32, once for each number', () => {
    const values = Float64Array.of(0.5, 0.1, 1e300, 1e-300);
    expect(convert('float64', 'float32', bytesOf(values), 16).loss).toEqual({
      overflowed: 1,
      flushedToZero: 1,
      rounded: 1,
    });
    expect(convert('int32', 'float16', bytesOf(Int32Array.of(2049, 2048, 100000)), 6).loss).toEqual({
      overflowed: 1,
      flushedToZero: 0,
      rounded: 1,
    });
  });

  it('loses nothing when float32 holds the narrower type', () => {
    for (const from of ['bfloat16', 'float16'] as const) {
      const { out, loss } = convert(from, 'float32', allPatterns, 65536 * 4);
      expect(out).toEqual(throughFloat32(from, 'float32', allPatterns, 65536, 65536 * 4));
      expect(loss).toEqual(noLoss());
    }
  });

  it('copies equal types, quantized ones too', () => {
    const block = Uint8Array.from({ length: 34 }, (_, i) => i * 7);
    expect(convert('q8_0', 'q8_0', block, 34)).toEqual({ out: block, loss: noLoss() });
    expect(canConvert('q8_0', 'q8_0')).toBe(true);
  });

  it('crosses the border between two chunks', () => {
    const values = Float32Array.from({ length: 8192 * 2 + 5 }, (_, i) => (i - 9000) / 7);
    const { out, loss } = convert('float32', 'float16', bytesOf(values), values.length * 2);
    expect(out).toEqual(throughFloat32('float32', 'float16', bytesOf(values), values.length, values.length * 2));
    const back = new Float32Array(values.length);
    decodeToFloat32('float16', out, back);
    expect(loss.rounded).toBe(values.filter((value, i) => value !== back[i]).length);
  });

  it('says which pairs it can convert', () => {
    expect(canConvert('float8_e4m3fn', 'bfloat16')).toBe(true);
    expect(canConvert('float32', 'int8')).toBe(false);
    expect(canConvert('complex64', 'float32')).toBe(false);
  });

  it('refuses buffers of the wrong length and types it does not know', () => {
    const convertCode = (from: DType, to: DType, length: number, outLength: number): (() => void) => {
      return () => convertRow(from, to, new Uint8Array(length), new Uint8Array(outLength));
    };
    expect(convertCode('float16', 'float32', 3, 6)).toThrow(expect.objectContaining({ code: 'quant/wrong-length' }));
    expect(convertCode('float16', 'float32', 4, 7)).toThrow(expect.objectContaining({ code: 'quant/wrong-length' }));
    expect(convertCode('float16', 'q8_0', 32, 34)).toThrow(expect.objectContaining({ code: 'quant/wrong-length' }));
    expect(convertCode('complex64', 'float32', 8, 4)).toThrow(expect.objectContaining({ code: 'quant/no-decoder' }));
    expect(convertCode('float32', 'int8', 4, 1)).toThrow(expect.objectContaining({ code: 'quant/no-encoder' }));
  });
});
