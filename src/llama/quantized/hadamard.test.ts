import { describe, expect, it } from 'vitest';

import { hadamardInPlace, isHadamardLength } from './hadamard.js';

describe('hadamardInPlace', () => {
  it('gives the sums that its definition names', () => {
    const input = Float64Array.from({ length: 16 }, (_, i) => Math.sin(i + 1));
    const parity = (bits: number): number => Array.from(bits.toString(2)).filter((bit) => bit === '1').length % 2;
    const expected = input.map(
      (_, k) => input.reduce((sum, value, i) => sum + (parity(i & k) === 0 ? value : -value), 0) / 4,
    );
    const row = Float64Array.from(input);
    hadamardInPlace(row);
    row.forEach((value, k) => expect(value).toBeCloseTo(expected[k]!, 14));
  });

  it('is its own inverse', () => {
    const row = Float64Array.from({ length: 8192 }, (_, i) => (i * 37) % 101);
    const before = Float64Array.from(row);
    hadamardInPlace(row);
    expect(row).not.toEqual(before);
    hadamardInPlace(row);
    row.forEach((value, i) => expect(Math.abs(value - before[i]!)).toBeLessThan(1e-9));
  });

  it('takes powers of two', () => {
    expect([1, 2, 8192].every(isHadamardLength)).toBe(true);
    expect([0, 3, 48, 8193].some(isHadamardLength)).toBe(false);
  });
});
