import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { brainOfFloat32Bits, decodeBfloat16, encodeBfloat16 } from './bfloat16.js';
import { decodeFloat16, encodeFloat16, float32BitsOfHalf, halfOfFloat32Bits } from './float16.js';
import { bitsOf } from './words.js';

/** float32 values, then what ggml makes of them as F16 and as BF16. */
const file = new Uint8Array(readFileSync(join(FIXTURES, 'quants', 'halves.bin')));
const count = file.byteLength / 8;
const values = new Float32Array(file.buffer.slice(0, count * 4));
const ggmlHalves = new Uint16Array(file.buffer.slice(count * 4, count * 6));
const ggmlBrains = new Uint16Array(file.buffer.slice(count * 6));

const allPatterns = Uint16Array.from({ length: 65536 }, (_, pattern) => pattern);

function bits(value: number): number {
  return bitsOf(Float32Array.of(value))[0]!;
}

/** The value of a half float by its definition, in float64. */
function halfByDefinition(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

describe('float16', () => {
  it('encodes as ggml does, bit for bit', () => {
    const out = new Uint16Array(count);
    encodeFloat16(values, out);
    expect(count).toBeGreaterThan(4000);
    expect(out).toEqual(ggmlHalves);
  });

  it('decodes all 65,536 patterns by the definition', () => {
    const out = new Float32Array(65536);
    decodeFloat16(allPatterns, out);
    expect(out).toEqual(Float32Array.from(allPatterns, halfByDefinition));
    expect(Object.is(out[0x8000], -0)).toBe(true);
  });

  it('keeps the payload of a NaN when decoding', () => {
    expect(float32BitsOfHalf(0x7c01)).toBe(0x7f802000);
    expect(float32BitsOfHalf(0xfeab)).toBe(0xffd56000);
  });

  it('finds every pattern again after decoding and encoding', () => {
    for (const half of allPatterns) {
      const expected = Number.isNaN(halfByDefinition(half)) ? (half & 0x8000) | 0x7e00 : half;
      expect(halfOfFloat32Bits(float32BitsOfHalf(half))).toBe(expected);
    }
  });

  it('rounds the middle between two neighbours to the even one, and its neighbours outwards', () => {
    for (let half = 0; half < 0x7bff; half++) {
      const middle = (halfByDefinition(half) + halfByDefinition(half + 1)) / 2; // exact in float32
      expect(halfOfFloat32Bits(bits(middle))).toBe(half + (half & 1));
      expect(halfOfFloat32Bits(bits(middle) - 1)).toBe(half);
      expect(halfOfFloat32Bits(bits(middle) + 1)).toBe(half + 1);
      expect(halfOfFloat32Bits(bits(-middle))).toBe(0x8000 | (half + (half & 1)));
    }
  });

  it.each([
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [65536, 0x7c00],
    [3e38, 0x7c00],
    [-Infinity, 0xfc00],
    [2 ** -25, 0],
    [2 ** -25 + 2 ** -48, 1],
    [2 ** -26, 0],
    [-(2 ** -149), 0x8000],
  ])('encodes %d as %i', (value, half) => {
    expect(halfOfFloat32Bits(bits(value))).toBe(half);
  });
});

describe('bfloat16', () => {
  it('encodes as ggml does, bit for bit', () => {
    const out = new Uint16Array(count);
    encodeBfloat16(values, out);
    expect(out).toEqual(ggmlBrains);
  });

  it('decodes to the upper half of a float32 and encodes back, NaN made quiet', () => {
    const out = new Float32Array(65536);
    decodeBfloat16(allPatterns, out);
    expect(bitsOf(out)).toEqual(Uint32Array.from(allPatterns, (pattern) => pattern * 65536));
    for (const pattern of allPatterns) {
      const isNaN = (pattern & 0x7fff) > 0x7f80;
      expect(brainOfFloat32Bits(pattern * 65536)).toBe(isNaN ? pattern | 0x40 : pattern);
    }
  });

  it('never strays more than half a unit in the last place', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 127), max: 2 ** 127 }), (value) => {
        const before = bits(value);
        const after = brainOfFloat32Bits(before) * 65536;
        expect(Math.abs(after - before)).toBeLessThanOrEqual(0x8000);
      }),
    );
  });
});
