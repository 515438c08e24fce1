import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { compileKernels, kernelsModule } from '../../../scripts/kernels.mjs';
import { type DType, blockLayout, byteLengthOf } from '../../dtype.js';
import { decodeToFloat32, encodeFromFloat32 } from '../../quant/codec.js';
import { randomNumbers } from '../../testing/synthetic-model.js';
import { multiplyPlainly } from '../plain-kernels.js';
import { createMatmulKernels } from './matmul-kernels.js';

/** ggml's number of every type that the kernels know. */
const FORMATS = {
  ...{ float32: 0, float16: 1, bfloat16: 30 },
  ...{ q4_0: 2, q8_0: 8, q4_k: 12, q5_k: 13, q6_k: 14 },
} as const satisfies Partial<Record<DType, number>>;

type Format = keyof typeof FORMATS;

const kernels = (await createMatmulKernels())!;

function numbers(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => random() - 0.5);
}

/** Weights of a type, and what they are as float32. */
function weightsOf(dtype: DType, count: number, seed = 1): { bytes: Uint8Array; values: Float32Array } {
  const bytes = new Uint8Array(byteLengthOf(dtype, count));
  encodeFromFloat32(dtype, numbers(count, seed), bytes);
  const values = new Float32Array(count);
  decodeToFloat32(dtype, bytes, values);
  return { bytes, values };
}

function product(format: number, bytes: Uint8Array, rowLength: number, input: Float32Array): Float32Array {
  const tokens = input.length / rowLength;
  const rowCount = format === 0 ? bytes.length / 4 / rowLength : rowsOf(format, bytes, rowLength);
  const output = new Float32Array(tokens * rowCount).fill(NaN);
  kernels.multiply(
    { format, bytes, rowCount, rowLength },
    { input, tokens },
    { output, outputWidth: rowCount, outputColumn: 0 },
  );
  return output;
}

function rowsOf(format: number, bytes: Uint8Array, rowLength: number): number {
  const dtype = (Object.keys(FORMATS) as Format[]).find((name) => FORMATS[name] === format)!;
  return bytes.length / byteLengthOf(dtype, rowLength);
}

/** What a product is, to the bit: 256 columns at a time in float32, then their sums in order. */
function definition(weights: Float32Array, input: Float32Array, rowLength: number): Float32Array {
  const [rows, tokens] = [weights.length / rowLength, input.length / rowLength];
  const output = new Float32Array(tokens * rows);
  for (let t = 0; t < tokens; t++) {
    for (let r = 0; r < rows; r++) {
      let total = 0;
      for (let first = 0; first < rowLength; first += 256) {
        let sum = 0;
        for (let i = first; i < Math.min(rowLength, first + 256); i++) {
          sum = Math.fround(sum + Math.fround(weights[r * rowLength + i]! * input[t * rowLength + i]!));
        }
        total = Math.fround(total + sum);
      }
      output[t * rows + r] = total;
    }
  }
  return output;
}

/** Lengths of rows: one block, a few columns more than can be added up at a time, several parts. */
function lengthsOf(dtype: DType): number[] {
  const { blockElements } = blockLayout(dtype);
  return blockElements === 1 ? [1, 2, 37, 255, 257, 520] : [1, 3, 9, 17].map((blocks) => blocks * blockElements);
}

describe('the compiled kernels', () => {
  it('are fresh: run `npm run build` when this fails', async () => {
    const folder = 'src/forward/kernels';
    expect(await readFile(kernelsModule(folder), 'utf8')).toBe(await compileKernels(folder));
  }, 60_000);

  it('know these types, and say so of nothing else', () => {
    const known = Array.from({ length: 64 }, (_, format) => format).filter((format) =>
      kernels.canMultiply(format, 256),
    );
    expect(known).toEqual(Object.values(FORMATS).sort((a, b) => a - b));
    expect(kernels.canMultiply(0, 2 ** 20)).toBe(true);
    expect(kernels.canMultiply(0, 2 ** 20 + 1)).toBe(false);
  });
});

describe.each(Object.keys(FORMATS) as Format[])('the product with weights of type %s', (dtype) => {
  it.each(lengthsOf(dtype))('is what its definition says, to the bit, for rows of %i', (rowLength) => {
    for (const rows of [1, 2, 3, 4, 5, 11]) {
      const { bytes, values } = weightsOf(dtype, rows * rowLength);
      for (const tokens of [1, 3, 4, 5, 8, 9, 12, 13, 17]) {
        const input = numbers(tokens * rowLength, 7);
        expect(product(FORMATS[dtype], bytes, rowLength, input)).toEqual(definition(values, input, rowLength));
      }
    }
  });

  it('is close to the sum in float64', () => {
    const [rows, rowLength, tokens] = [9, 8192, 11];
    const { bytes } = weightsOf(dtype, rows * rowLength);
    const input = numbers(tokens * rowLength, 5);
    const expected = new Float32Array(tokens * rows);
    const outputs = { output: expected, outputWidth: rows, outputColumn: 0 };
    multiplyPlainly({ dtype, bytes, rowCount: rows, rowLength }, { input, tokens, ...outputs });
    const found = product(FORMATS[dtype], bytes, rowLength, input);
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    found.forEach((value, i) => expect(Math.abs(value - expected[i]!)).toBeLessThan(2e-6 * largest));
    expect(largest).toBeGreaterThan(1);
  });

  it('unpacks every pattern of a block as the TypeScript does', () => {
    const { blockElements, blockBytes } = blockLayout(dtype);
    const random = randomNumbers(3);
    const rowLength = Math.max(256, blockElements);
    const rowBytes = (rowLength / blockElements) * blockBytes;
    const bytes = Uint8Array.from({ length: 64 * rowBytes }, () => 256 * random());
    const values = new Float32Array(64 * rowLength);
    decodeToFloat32(dtype, bytes, values);
    for (let column = 0; column < rowLength; column += 5) {
      const input = new Float32Array(rowLength);
      input[column] = 1;
      const found = product(FORMATS[dtype], bytes, rowLength, input);
      for (let row = 0; row < 64; row++) {
        const all = values.subarray(row * rowLength, (row + 1) * rowLength);
        if (!all.every(Number.isFinite)) expect(found[row]).toBeNaN();
        else expect(found[row]! + 0).toBe(all[column]! + 0); // a sum of zeros has no sign
      }
    }
  });
});

describe('the product', () => {
  it('is the same however rows are cut, and starts at any byte', () => {
    const [rows, rowLength, tokens] = [700, 512, 9];
    const { bytes } = weightsOf('bfloat16', rows * rowLength);
    const input = numbers(tokens * rowLength, 2);
    const whole = product(30, bytes, rowLength, input);
    for (const cut of [1, 6, 699]) {
      const output = new Float32Array(tokens * rows);
      const inputs = { input, tokens };
      for (let first = 0; first < rows; first += cut) {
        const rowCount = Math.min(cut, rows - first);
        const part = new Uint8Array(rowCount * rowLength * 2 + 1).subarray(1);
        part.set(bytes.subarray(first * rowLength * 2, (first + rowCount) * rowLength * 2));
        const outputs = { output, outputWidth: rows, outputColumn: first };
        kernels.multiply({ format: 30, bytes: part, rowCount, rowLength }, inputs, outputs);
      }
      expect(output).toEqual(whole);
    }
  });

  it('is the same where there are more tokens than fit at a time', () => {
    const [rowLength, tokens] = [1 << 16, 21]; // 16 tokens fit
    const { bytes, values } = weightsOf('float32', 5 * rowLength);
    const input = numbers(tokens * rowLength, 9);
    const inputs = { input, tokens };
    const output = new Float32Array(tokens * 5);
    const outputs = { output, outputWidth: 5, outputColumn: 0 };
    for (let again = 0; again < 2; again++) {
      kernels.multiply({ format: 0, bytes, rowCount: 5, rowLength }, inputs, outputs);
      expect(output).toEqual(definition(values, input, rowLength));
    }
  });

  it('keeps infinite and missing numbers to their own row and token', () => {
    const values = numbers(5 * 300, 1);
    values[300 + 7] = NaN;
    const input = numbers(3 * 300, 2);
    input[2 * 300] = Infinity;
    const found = product(0, new Uint8Array(values.buffer), 300, input);
    const bad = [...found.keys()].filter((i) => !Number.isFinite(found[i]));
    expect(bad).toEqual([1, 6, 10, 11, 12, 13, 14]);
  });
});

describe('a machine without WebAssembly', () => {
  it('has no kernels', async () => {
    const { compileKernels: compile } = await import('../../quant/kernels/compile.js');
    expect(await compile(btoa('not a module'))).toBeUndefined();
    const saved = globalThis.WebAssembly;
    Reflect.deleteProperty(globalThis, 'WebAssembly');
    try {
      expect(await compile('')).toBeUndefined();
    } finally {
      globalThis.WebAssembly = saved;
    }
  });
});
