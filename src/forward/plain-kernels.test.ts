import { describe, expect, it } from 'vitest';

import { randomNumbers } from '../testing/synthetic-model.js';
import { multiplyPlainly } from './plain-kernels.js';

function numbers(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => random() - 0.5);
}

/** Inner products as the definition has them. */
function naive(weights: Float32Array, input: Float32Array, rows: number, tokens: number, length: number): Float32Array {
  const output = new Float32Array(tokens * rows);
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < rows; r++) {
      let sum = 0;
      for (let i = 0; i < length; i++) sum += weights[r * length + i]! * input[t * length + i]!;
      output[t * rows + r] = sum;
    }
  }
  return output;
}

function product(weights: Float32Array, input: Float32Array, rows: number, tokens: number, cut: number): Float32Array {
  const rowLength = weights.length / rows;
  const output = new Float32Array(tokens * rows).fill(NaN);
  for (let first = 0; first < rows; first += cut) {
    const rowCount = Math.min(cut, rows - first);
    const part = weights.slice(first * rowLength, (first + rowCount) * rowLength);
    const block = { dtype: 'float32', bytes: new Uint8Array(part.buffer), rowCount, rowLength } as const;
    multiplyPlainly(block, { input, tokens, output, outputWidth: rows, outputColumn: first });
  }
  return output;
}

describe('multiplyPlainly', () => {
  const sizes = [1, 2, 3, 4, 5, 9].flatMap((rows) => [1, 2, 3, 5].map((tokens) => [rows, tokens] as const));

  it.each(sizes)('multiplies %i rows by %i tokens, to the bit', (rows, tokens) => {
    const weights = numbers(rows * 37, 3);
    const input = numbers(tokens * 37, 4);
    expect(product(weights, input, rows, tokens, rows)).toEqual(naive(weights, input, rows, tokens, 37));
  });

  it('gives the same bits however the rows are cut', () => {
    const weights = numbers(23 * 64, 5);
    const input = numbers(3 * 64, 6);
    const whole = product(weights, input, 23, 3, 23);
    for (const cut of [1, 2, 3, 7, 22]) expect(product(weights, input, 23, 3, cut)).toEqual(whole);
  });

  it('unpacks long rows and many rows piece by piece', () => {
    for (const [rows, length] of [
      [6, 40_000],
      [70, 1024],
    ] as const) {
      const weights = numbers(rows * length, 7);
      const input = numbers(length, 8);
      expect(product(weights, input, rows, 1, rows)).toEqual(naive(weights, input, rows, 1, length));
    }
  });

  it('takes bytes that start anywhere, and bfloat16', () => {
    const bytes = Uint8Array.of(0, 0x80, 0x3f, 0x00, 0xc0).subarray(1); // 1 and -2
    const output = new Float32Array(1);
    const activations = { input: Float32Array.of(3, 5), tokens: 1, output, outputWidth: 1, outputColumn: 0 };
    multiplyPlainly({ dtype: 'bfloat16', bytes, rowCount: 1, rowLength: 2 }, activations);
    expect([...output]).toEqual([-7]);
  });
});
