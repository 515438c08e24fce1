import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { type DType, blockLayout } from '../dtype.js';
import { type NumberCounts, NumberTally } from './number-tally.js';

function tally(dtype: DType, ...pieces: readonly Uint8Array[]): NumberCounts {
  const counting = new NumberTally(dtype);
  for (const piece of pieces) counting.update(piece);
  return counting.counts();
}

const bytesOf = (values: ArrayBufferView): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The numbers in some bytes as JavaScript itself or the definition of the type has them. */
const READERS: Readonly<
  Record<string, { readonly width: number; readonly read: (view: DataView, at: number) => number }>
> = {
  float32: { width: 4, read: (view, at) => view.getFloat32(at, true) },
  complex64: { width: 4, read: (view, at) => view.getFloat32(at, true) },
  float64: { width: 8, read: (view, at) => view.getFloat64(at, true) },
  complex128: { width: 8, read: (view, at) => view.getFloat64(at, true) },
  float16: { width: 2, read: (view, at) => halfOf(view.getUint16(at, true)) },
  complex32: { width: 2, read: (view, at) => halfOf(view.getUint16(at, true)) },
  bfloat16: { width: 2, read: (view, at) => new Float32Array(Uint32Array.of(view.getUint16(at, true) * 65536).buffer)[0]! }, // prettier-ignore
};

/** IEEE 754 binary16 by its definition. */
function halfOf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

function expectedCounts(dtype: DType, bytes: Uint8Array): NumberCounts {
  const { width, read } = READERS[dtype]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const numbers = Array.from({ length: bytes.byteLength / width }, (_, index) => read(view, index * width));
  const elementBytes = blockLayout(dtype).blockBytes;
  return {
    unit: 'numbers',
    count: numbers.length,
    nan: numbers.filter((value) => Number.isNaN(value)).length,
    infinite: numbers.filter((value) => Math.abs(value) === Infinity).length,
    allZero: numbers.length > 0 && numbers.every((value) => value === 0),
    constant: bytes.byteLength > elementBytes && bytes.every((byte, at) => byte === bytes[at % elementBytes]),
  };
}

/** Bytes in which special patterns are frequent, in pieces of whole elements that begin anywhere in memory. */
function pieces(elementBytes: number): fc.Arbitrary<Uint8Array[]> {
  const byte = fc.constantFrom(0, 0, 0x7f, 0x80, 0xff, 0x7c, 0xf0, 0x7e, 1);
  const piece = fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.nat(5))
    .chain(([elements, shift]) =>
      fc
        .array(byte, { minLength: elements * elementBytes, maxLength: elements * elementBytes })
        .map((content) => Uint8Array.from([...Array<number>(shift).fill(9), ...content]).subarray(shift)),
    );
  return fc.array(piece, { maxLength: 4 });
}

describe('NumberTally', () => {
  it.each(Object.keys(READERS) as DType[])('counts what is no number among %s', (dtype) => {
    fc.assert(
      fc.property(pieces(blockLayout(dtype).blockBytes), (parts) => {
        const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
        expect(tally(dtype, ...parts)).toEqual(expectedCounts(dtype, whole));
      }),
      { numRuns: 500 },
    );
  });

  it.each(Object.keys(READERS) as DType[])('finds a single NaN and a single infinity anywhere in much %s', (dtype) => {
    const { width } = READERS[dtype]!;
    const count = 10_001 * (blockLayout(dtype).blockBytes / width);
    const special = { 2: [0x7fff, 0x7c00], 4: [0x7fc00000, 0xff800000], 8: [0, 0] }[width] as [number, number];
    if (dtype === 'bfloat16') special.splice(0, 2, 0xffc0, 0x7f80);
    for (const at of [0, 1, 4094, 4095, 4096, 8191, count - 1]) {
      const bytes = new Uint8Array(count * width).fill(0x11);
      const view = new DataView(bytes.buffer);
      const put = (index: number, bits: number, value: number): void => {
        if (width === 2) view.setUint16(index * 2, bits, true);
        else if (width === 4) view.setUint32(index * 4, bits, true);
        else view.setFloat64(index * 8, value, true);
      };
      put(at, special[0], NaN);
      put((at + 77) % count, special[1], -Infinity);
      const found = { unit: 'numbers', count, nan: 1, infinite: 1, allZero: false, constant: false };
      expect(tally(dtype, bytes)).toEqual(found);
    }
  });

  it('tells a NaN from infinity by a single bit of its fraction', () => {
    expect(tally('float64', bytesOf(BigUint64Array.of(0x7ff0000000000001n)))).toMatchObject({ nan: 1, infinite: 0 });
    expect(tally('float64', bytesOf(BigUint64Array.of(0x7ff8000000000000n)))).toMatchObject({ nan: 1, infinite: 0 });
    expect(tally('float64', bytesOf(BigUint64Array.of(0xfff0000000000000n)))).toMatchObject({ nan: 0, infinite: 1 });
    expect(tally('float32', bytesOf(Uint32Array.of(0x7f800001, 0xff800000)))).toMatchObject({ nan: 1, infinite: 1 });
    expect(tally('bfloat16', bytesOf(Uint16Array.of(0x7f81, 0xff80)))).toMatchObject({ nan: 1, infinite: 1 });
    expect(tally('float16', bytesOf(Uint16Array.of(0xfc01, 0x7c00)))).toMatchObject({ nan: 1, infinite: 1 });
  });

  it.each<[dtype: DType, nan: number, infinite: number]>([
    ['float8_e4m3fn', 2, 0],
    ['float8_e4m3fnuz', 1, 0],
    ['float8_e5m2', 6, 2],
    ['float8_e5m2fnuz', 1, 0],
    ['float8_e8m0fnu', 1, 0],
    ['float4_e2m1fn_x2', 0, 0],
    ['uint8', 0, 0],
    ['qint8', 0, 0],
  ])('knows the special codes of %s', (dtype, nan, infinite) => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    expect(tally(dtype, all)).toEqual({ unit: 'numbers', count: 256, nan, infinite, allZero: false, constant: false });
  });

  it.each<[dtype: DType, zeros: number[], other: number]>([
    ['float8_e4m3fn', [0, 0x80], 1],
    ['float8_e5m2', [0x80, 0], 0x81],
    ['float8_e4m3fnuz', [0], 0x80],
    ['float4_e2m1fn_x2', [0x80, 0x08, 0x88, 0], 0x10],
    ['int8', [0], 0x80],
    ['bool', [0], 1],
  ])('knows the zeros of %s', (dtype, zeros, other) => {
    const bytes = Uint8Array.from({ length: 21 }, (_, at) => zeros[at % zeros.length]!);
    expect(tally(dtype, bytes).allZero).toBe(true);
    expect(tally(dtype, bytes, Uint8Array.of(other)).allZero).toBe(false);
    expect(tally(dtype, bytes.with(20, other)).allZero).toBe(false);
  });

  it('does not call zero what only a scale could tell to be zero', () => {
    for (const dtype of ['float8_e8m0fnu', 'quint8', 'qint32'] as const) {
      expect(tally(dtype, new Uint8Array(8)).allZero).toBe(false);
    }
  });

  it('takes zeros of either sign for zero, but not for the same', () => {
    const signed = { float64: [0, -0, 0], float32: [-0, 0, 0, -0] } as const;
    expect(tally('float64', bytesOf(Float64Array.from(signed.float64)))).toMatchObject({ allZero: true, constant: false }); // prettier-ignore
    expect(tally('float32', bytesOf(Float32Array.from(signed.float32)))).toMatchObject({ allZero: true, constant: false }); // prettier-ignore
    expect(tally('bfloat16', bytesOf(Uint16Array.of(0x8000, 0, 0x8000)))).toMatchObject({ allZero: true, constant: false }); // prettier-ignore
  });

  it.each<[dtype: DType, element: number[]]>([
    ['int8', [7]],
    ['float16', [1, 2]],
    ['float32', [1, 2, 3, 4]],
    ['int64', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['complex128', Array.from({ length: 16 }, (_, at) => at)],
  ])('knows constant %s, also across pieces', (dtype, element) => {
    const repeat = (count: number): Uint8Array => Uint8Array.from(Array.from({ length: count }, () => element).flat());
    expect(tally(dtype, repeat(1)).constant).toBe(false);
    expect(tally(dtype, repeat(1), repeat(1)).constant).toBe(true);
    expect(tally(dtype, repeat(3), repeat(7)).constant).toBe(true);
    for (let at = 0; at < 7 * element.length; at++) {
      const changed = repeat(7);
      changed[at]! ^= 1;
      expect(tally(dtype, repeat(3), changed).constant).toBe(false);
    }
  });

  it('says nothing of a tensor without elements', () => {
    const nothing = { count: 0, nan: 0, infinite: 0, allZero: false, constant: false };
    expect(tally('float32')).toEqual({ ...nothing, unit: 'numbers' });
    expect(tally('q8_0', new Uint8Array(0))).toEqual({ ...nothing, unit: 'blocks' });
  });

  /** Offsets of the half precision scales, from the structures of ggml-common.h. */
  const SCALES: readonly (readonly [dtype: DType, offsets: readonly number[]])[] = [
    ['q4_0', [0]],
    ['q4_1', [0, 2]],
    ['q5_0', [0]],
    ['q5_1', [0, 2]],
    ['q8_0', [0]],
    ['q2_k', [16 + 64, 16 + 64 + 2]],
    ['q3_k', [32 + 64 + 12]],
    ['q4_k', [0, 2]],
    ['q5_k', [0, 2]],
    ['q6_k', [128 + 64 + 16]],
    ['iq2_xxs', [0]],
    ['iq2_xs', [0]],
    ['iq2_s', [0]],
    ['iq3_xxs', [0]],
    ['iq3_s', [0]],
    ['iq1_s', [0]],
    ['iq4_nl', [0]],
    ['iq4_xs', [0]],
    ['tq1_0', [48 + 4]],
    ['tq2_0', [64]],
    ['q1_0', [0]],
    ['q2_0', [0]],
    ['nvfp4', []],
  ];

  it.each(SCALES)('looks at the scales of %s and at nothing else', (dtype, offsets) => {
    const { blockBytes } = blockLayout(dtype);
    for (let at = 0; at + 2 <= blockBytes; at++) {
      for (const [bits, kind] of [
        [0x7e01, 'nan'],
        [0xfc00, 'infinite'],
      ] as const) {
        // prettier-ignore
        const blocks = new Uint8Array(3 * blockBytes);
        new DataView(blocks.buffer).setUint16(blockBytes + at, bits, true);
        const counts = tally(dtype, blocks);
        expect(counts).toMatchObject({ unit: 'blocks', count: 3, constant: false });
        expect([at, counts[kind]]).toEqual([at, offsets.includes(at) ? 1 : 0]);
      }
    }
    expect(tally(dtype, new Uint8Array(2 * blockBytes)).allZero).toBe(offsets.length > 0);
    const bits = new Uint8Array(2 * blockBytes).fill(0xff);
    for (const at of offsets) for (const block of [0, blockBytes]) bits.set([0, 0x80], block + at);
    expect(tally(dtype, bits)).toMatchObject({ nan: 0, infinite: 0, allZero: offsets.length > 0 });
  });

  it('counts a block once that has both', () => {
    const block = new Uint8Array(20);
    new DataView(block.buffer).setUint16(0, 0x7c00, true);
    new DataView(block.buffer).setUint16(2, 0xfe00, true);
    expect(tally('q4_1', block, block)).toMatchObject({ count: 2, nan: 2, infinite: 0 });
  });

  it('puts the scale of IQ1_M together from the top digits of its four words', () => {
    const block = (digits: readonly number[]): Uint8Array => {
      const bytes = new Uint8Array(56);
      digits.forEach((digit, word) => new DataView(bytes.buffer).setUint16(48 + 2 * word, (digit << 12) | 0xfff, true));
      return bytes;
    };
    expect(tally('iq1_m', block([1, 0, 0xc, 7]))).toMatchObject({ nan: 1, infinite: 0 });
    expect(tally('iq1_m', block([0, 0, 0xc, 0xf]))).toMatchObject({ nan: 0, infinite: 1 });
    expect(tally('iq1_m', block([0, 0, 0xb, 7]))).toMatchObject({ nan: 0, infinite: 0, allZero: false });
    expect(tally('iq1_m', block([0, 0, 0, 8]))).toMatchObject({ allZero: true });
  });

  it('knows scales of other forms', () => {
    expect(tally('mxfp4', new Uint8Array(17).fill(0xff))).toMatchObject({ count: 1, nan: 1, allZero: false });
    expect(tally('mxfp4', new Uint8Array(17))).toMatchObject({ nan: 0, infinite: 0, allZero: false });
    const q8k = (value: number): Uint8Array => {
      const block = new Uint8Array(292 + 3).subarray(3);
      new DataView(block.buffer, 3).setFloat32(0, value, true);
      return block;
    };
    expect(tally('q8_k', q8k(NaN), q8k(-Infinity), q8k(1e30))).toMatchObject({ count: 3, nan: 1, infinite: 1 });
    expect(tally('q8_k', q8k(-0)).allZero).toBe(true);
    expect(tally('q8_k', q8k(0), q8k(1)).allZero).toBe(false);
  });
});
