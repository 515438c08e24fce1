import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { FIXTURES } from '../testing/fixtures.js';
import { llama3Scaling, ropeDivisors, ropeFrequencies, scaleRopeFrequencies, scalingOfDivisors } from './rope.js';

interface RopeRow {
  name: string;
  head_dim: number;
  rope_theta: number;
  factor: number;
  frequency_bits: string[];
  scaled_bits: string[];
  rope_freqs_bits: string[];
}

const ROWS = JSON.parse(readFileSync(join(FIXTURES, 'rope.json'), 'utf8')) as RopeRow[];

function worstUlp(got: Float32Array, wantBits: string[]): number {
  const bits = new Int32Array(got.buffer);
  return wantBits.reduce((worst, want, i) => Math.max(worst, Math.abs((bits[i] ?? 0) - parseInt(want, 16))), 0);
}

describe.each(ROWS)('rope of $name, factor $factor', (row) => {
  const scaling = llama3Scaling(row.factor);
  const frequencies = ropeFrequencies(row.head_dim, row.rope_theta);

  it('has the frequencies of torch', () => {
    expect(frequencies).toHaveLength(row.frequency_bits.length);
    expect(worstUlp(frequencies, row.frequency_bits)).toBe(0);
  });

  it('scales them as Meta does', () => {
    expect(worstUlp(scaleRopeFrequencies(frequencies, scaling), row.scaled_bits)).toBe(0);
  });

  it('has the divisors that llama.cpp stores', () => {
    const divisors = ropeDivisors(row.head_dim, row.rope_theta, scaling);
    expect(worstUlp(divisors, row.rope_freqs_bits)).toBe(0);
    expect(scalingOfDivisors(divisors, row.head_dim, row.rope_theta)).toEqual(scaling);
  });
});

describe('scalingOfDivisors', () => {
  it('knows no scaling for divisors of another rule', () => {
    expect(scalingOfDivisors(new Float32Array(16).fill(4), 32, 500000)).toBeUndefined();
    expect(scalingOfDivisors(new Float32Array(3).fill(1), 32, 500000)).toBeUndefined();
  });
});
