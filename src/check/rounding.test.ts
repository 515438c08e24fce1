import { describe, expect, it } from 'vitest';

import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { bitsOf } from '../quant/words.js';
import { randomNumbers } from '../testing/synthetic-model.js';
import { roundsTo } from './rounding.js';
import { ROUNDINGS, type Rounding, agreementOf } from './thresholds.js';

/** Values of every size, edges included. */
function values(): Float32Array {
  const random = randomNumbers(11);
  const bits = Uint32Array.from({ length: 20_000 }, () => Math.floor(random() * 2 ** 32));
  const middling = Float32Array.from({ length: 20_000 }, () => (random() - 0.5) * 2 ** Math.floor(random() * 40 - 24));
  const edges = [
    0,
    -0,
    1,
    65_504,
    65_519,
    65_520,
    -70_000,
    2 ** -24,
    2 ** -25,
    2 ** -26,
    6e-8,
    3.4e38,
    -3.39e38,
    Infinity,
  ];
  return Float32Array.of(...new Float32Array(bits.buffer), ...middling, ...edges, 1e-40, NaN);
}

describe.each(['float16', 'bfloat16'] as const)('roundsTo %s', (dtype) => {
  const type = ROUNDINGS[dtype]!;
  const before = values();
  const encoded = new Uint16Array(before.length);
  encodeFromFloat32(dtype, before, new Uint8Array(encoded.buffer));
  const decoded = (steps: number): Float32Array => {
    const moved = encoded.map((word) => word + steps);
    const after = new Float32Array(before.length);
    decodeToFloat32(dtype, new Uint8Array(moved.buffer), after);
    return after;
  };
  const fits = (after: Float32Array, i: number): boolean => roundsTo(before[i]!, bitsOf(before)[i]!, after[i]!, type);

  it('takes what the encoder makes of a value', () => {
    const after = decoded(0);
    expect([...before.keys()].filter((i) => !fits(after, i)).map((i) => [before[i], after[i]])).toEqual([]);
  });

  it.each([1, -1, 7])('refuses what lies %i units further', (steps) => {
    const after = decoded(0);
    const moved = decoded(steps);
    const wrong = [...before.keys()].filter((i) => {
      const tie = Math.abs(moved[i]! - before[i]!) === Math.abs(after[i]! - before[i]!);
      const notANumber = Number.isNaN(before[i]!) || Number.isNaN(moved[i]!);
      return fits(moved, i) && !tie && !notANumber;
    });
    expect(wrong.map((i) => [before[i], moved[i]])).toEqual([]);
  });
});

describe('roundsTo', () => {
  const fits = (value: number, rounded: number, type: Rounding): boolean =>
    roundsTo(value, bitsOf(Float32Array.of(value))[0]!, rounded, type);

  it('lets float32 change nothing', () => {
    const type = ROUNDINGS.float32!;
    expect(fits(1, 1, type)).toBe(true);
    expect(fits(1, 1 + 2 ** -23, type)).toBe(false);
    expect(fits(NaN, NaN, type)).toBe(true);
    expect(fits(NaN, 1, type)).toBe(false);
    expect(fits(1, NaN, type)).toBe(false);
  });

  it('keeps the sign of zero and of infinity', () => {
    const type = ROUNDINGS.float16!;
    expect(fits(-0, 0, type)).toBe(false);
    expect(fits(0, -0, type)).toBe(false);
    expect(fits(-1e-9, -0, type)).toBe(true);
    expect(fits(-1e-9, 0, type)).toBe(false);
    expect(fits(-1e6, Infinity, type)).toBe(false);
    expect(fits(-1e6, -Infinity, type)).toBe(true);
    expect(fits(1e6, 65_504, type)).toBe(false);
  });
});

describe('agreementOf', () => {
  it("has llama.cpp's classes", () => {
    const nmse = [0, 9.9e-7, 1e-6, 9.9e-5, 1e-4, 9.9e-4, 1e-3, 9.9e-3, 1e-2, Infinity];
    expect(nmse.map(agreementOf)).toEqual([
      ...['identical', 'identical', 'excellent', 'excellent', 'very-good'],
      ...['very-good', 'pass', 'pass', 'fail', 'fail'],
    ]);
  });
});
