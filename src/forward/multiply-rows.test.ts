import { describe, expect, it } from 'vitest';

import { type DType, byteLengthOf } from '../dtype.js';
import { decodeToFloat32 } from '../quant/codec.js';
import { randomNumbers } from '../testing/synthetic-model.js';
import { createMatmulKernels } from './kernels/matmul-kernels.js';
import { kernelFormat, multiplyRows } from './multiply-rows.js';
import { multiplyPlainly } from './plain-kernels.js';

const kernels = (await createMatmulKernels())!;

function product(dtype: DType, bytes: Uint8Array, rowCount: number, input: Float32Array): Float32Array {
  const rowLength = 512;
  const tokens = input.length / rowLength;
  const output = new Float32Array(tokens * rowCount);
  const outputs = { output, outputWidth: rowCount, outputColumn: 0 };
  multiplyRows(kernels, { dtype, bytes, rowCount, rowLength }, { input, tokens }, outputs);
  return output;
}

describe('multiplyRows', () => {
  it.each(['q4_1', 'q2_k', 'q3_k', 'iq3_s', 'iq4_xs', 'mxfp4', 'float8_e4m3fn', 'float64'] as const)(
    'multiplies by %s, for which there is no kernel, as by the float32 of the same values',
    (dtype) => {
      const rows = 300; // more than are decoded at a time
      const random = randomNumbers(4);
      const bytes = Uint8Array.from({ length: byteLengthOf(dtype, rows * 512) }, () => 60 * random()); // finite scales
      const values = new Float32Array(rows * 512);
      decodeToFloat32(dtype, bytes, values);
      expect(values.every(Number.isFinite)).toBe(true);
      const input = Float32Array.from({ length: 3 * 512 }, () => random() - 0.5);
      expect(kernelFormat(kernels, dtype, 512)).toBeUndefined();
      const found = product(dtype, bytes, rows, input);
      expect(found).toEqual(product('float32', new Uint8Array(values.buffer), rows, input));
      expect(found.some((value) => value !== 0)).toBe(true);
    },
  );

  it('leaves rows that are too long for the kernels to TypeScript', () => {
    const rowLength = 2 ** 20 + 3;
    const random = randomNumbers(4);
    const values = Float32Array.from({ length: rowLength }, () => random() - 0.5);
    const weights = { dtype: 'float32', bytes: new Uint8Array(values.buffer), rowCount: 1, rowLength } as const;
    const inputs = { input: values, tokens: 1 };
    const [found, expected] = [new Float32Array(1), new Float32Array(1)];
    multiplyRows(kernels, weights, inputs, { output: found, outputWidth: 1, outputColumn: 0 });
    multiplyPlainly(weights, { ...inputs, output: expected, outputWidth: 1, outputColumn: 0 });
    expect(found).toEqual(expected);
    expect(found[0]).toBeGreaterThan(1);
  });

  it('says so where a type cannot be decoded', () => {
    const weights = { dtype: 'complex64', bytes: new Uint8Array(8 * 512), rowCount: 1, rowLength: 512 } as const;
    const outputs = { output: new Float32Array(1), outputWidth: 1, outputColumn: 0 };
    const run = (): void => multiplyRows(kernels, weights, { input: new Float32Array(512), tokens: 1 }, outputs);
    expect(run).toThrow(expect.objectContaining({ code: 'quant/no-decoder' }));
  });
});
