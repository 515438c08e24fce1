import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { compileKernels, kernelsModule } from '../../scripts/kernels.mjs';
import { type DType, blockLayout, byteLengthOf, isQuantized } from '../dtype.js';
import type { Tensor } from '../formats/tensor.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { memoryTensor, randomNumbers } from '../testing/synthetic-model.js';
import { plainComparer } from './comparer.js';
import { createCompareKernels } from './kernels/compare-kernels.js';
import { differenceOf, outcomeOf } from './tensor-statistics.js';
import { createComparer, wasmComparer } from './wasm-comparer.js';

const kernels = (await createCompareKernels())!;
const wasm = wasmComparer(kernels);

/** Plain types, and quantized ones with and without a kernel that unpacks them. */
const PLAIN = ['float32', 'float16', 'bfloat16', 'float64', 'float8_e4m3fn'] as const satisfies readonly DType[];
const QUANTIZED = ['q8_0', 'q4_0', 'q5_1', 'q4_k', 'q6_k', 'mxfp4', 'iq4_nl'] as const satisfies readonly DType[];

/** Values as weights are: near zero, a few far from it. */
function weights(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => (random() + random() + random() - 1.5) * 0.05);
}

/** A tensor whose bytes a test chooses. */
function tensorOf(dtype: DType, rows: number, columns: number, bytes: Uint8Array): Tensor {
  const zeros = memoryTensor('m', [rows, columns], new Float32Array(0), 'float32');
  const rowBytes = byteLengthOf(dtype, columns);
  return {
    ...{ ...zeros, dtype, shape: [rows, columns] },
    readRows: async (first, count) => bytes.subarray(first * rowBytes, (first + count) * rowBytes),
  };
}

/** Values as a tensor of a type; of types that nothing here writes, whatever bytes give finite numbers. */
function stored(dtype: DType, rows: number, columns: number, values: Float32Array): Tensor {
  if (dtype === 'float64') return tensorOf(dtype, rows, columns, new Uint8Array(Float64Array.from(values).buffer));
  if (dtype === 'float8_e4m3fn') return tensorOf(dtype, rows, columns, Uint8Array.from(values, (x) => Math.abs(x) * 900)); // prettier-ignore
  return memoryTensor('m', [rows, columns], values, dtype);
}

/** Everything that both ways must agree in to the bit, and the sums, which need not. */
async function found(
  comparer: typeof plainComparer,
  a: Tensor,
  b: Tensor,
): Promise<{ exact: unknown; sums: number[] }> {
  const statistics = await comparer.compare({ a, b });
  // the plain way knows tensors that differ in nothing but a NaN's bits as pairs without a difference
  if (statistics === undefined || statistics.differing === 0) return { exact: 'equal', sums: [] };
  const { rmse, relativeRmse, cosine, ...exact } = differenceOf(statistics, a.shape);
  const { elements, squaresA, squaresB, dot, fit } = statistics;
  const judged = { misfits: fit.misfits(), outcome: outcomeOf(statistics), roundedTo: fit.roundedTo() };
  return { exact: { ...exact, elements, ...judged }, sums: [rmse, relativeRmse, cosine, squaresA, squaresB, dot] };
}

async function expectAlike(a: Tensor, b: Tensor): Promise<unknown> {
  const [plain, fast] = [await found(plainComparer, a, b), await found(wasm, a, b)];
  expect(fast.exact).toEqual(plain.exact);
  expect(fast.sums).toHaveLength(plain.sums.length);
  const scale = Math.sqrt((plain.sums[3] ?? 0) * (plain.sums[4] ?? 0)); // what a sum of products may be
  for (const [i, sum] of plain.sums.entries()) {
    if (!Number.isFinite(sum)) expect(fast.sums[i]).toBe(sum);
    else
      expect(Math.abs(fast.sums[i]! - sum)).toBeLessThanOrEqual(
        1e-6 * (i === 5 ? scale : Math.max(sum, i === 2 ? 1 : 0)),
      );
  }
  return plain.exact;
}

type Change = (values: Float32Array, columns: number) => void;

/** What may have happened to a tensor. */
const CHANGES: Readonly<Record<string, Change>> = {
  nothing: () => {},
  'one weight': (values) => (values[values.length >> 1]! += 0.003),
  'one weight, tiny': (values) => (values[77]! *= 1 + 2 ** -7),
  'a row': (values, columns) => values.set(weights(columns, 99), columns),
  'two rows exchanged': (values, columns) => {
    const row = values.slice(0, columns);
    values.copyWithin(0, 2 * columns, 3 * columns);
    values.set(row, 2 * columns);
  },
  'a block doubled': (values) => values.subarray(256, 288).forEach((x, i, block) => (block[i] = 2 * x)),
  'all weights a little': (values) => values.forEach((x, i) => (values[i] = x * 1.01)),
  'all weights altogether': (values) => values.set(weights(values.length, 98)),
  'all weights a thousand times': (values) => values.forEach((x, i) => (values[i] = x * 1000)),
  'all of them zero': (values) => values.fill(0),
};

describe('the kernels', () => {
  it('are what their sources compile to', async () => {
    const folder = 'src/check/kernels';
    expect(await readFile(kernelsModule(folder), 'utf8')).toBe(await compileKernels(folder));
  }, 60_000);

  it('are what a comparer computes with where the machine has them', async () => {
    const a = memoryTensor('m', [4, 64], weights(256, 1), 'float32');
    const b = memoryTensor('m', [4, 64], weights(256, 2), 'float32');
    expect(await (await createComparer()).compare({ a, b })).toEqual(await wasm.compare({ a, b }));
  });
});

describe.each(PLAIN)('a tensor of type %s', (dtype) => {
  it.each(Object.keys(CHANGES))('beside plain types, with %s changed, is judged as in TypeScript', async (name) => {
    for (const columns of [256, 20, 47]) {
      const before = weights(9 * columns, 1);
      const after = before.slice();
      CHANGES[name]!(after, columns);
      for (const other of PLAIN) {
        await expectAlike(stored(dtype, 9, columns, before), stored(other, 9, columns, after));
      }
    }
  });
});

describe.each(QUANTIZED)('a tensor of type %s', (dtype) => {
  it.each(Object.keys(CHANGES))('beside others, with %s changed, is judged as in TypeScript', async (name) => {
    const before = weights(9 * 512, 1);
    const after = before.slice();
    CHANGES[name]!(after, 512);
    for (const other of ['float32', 'bfloat16', 'q8_0', 'q4_k'] as const) {
      await expectAlike(stored(dtype, 9, 512, before), stored(other, 9, 512, after));
      await expectAlike(stored(other, 9, 512, before), stored(dtype, 9, 512, after));
    }
  });

  it('is judged as in TypeScript whatever its bytes are', async () => {
    const { blockBytes } = blockLayout(dtype);
    const a = stored('float32', 9, 512, weights(9 * 512, 1));
    const random = randomNumbers(3);
    const bytes = Uint8Array.from({ length: ((9 * 512) / blockLayout(dtype).blockElements) * blockBytes }, () => random() * 256); // prettier-ignore
    await expectAlike(a, tensorOf(dtype, 9, 512, bytes));
    await expectAlike(tensorOf(dtype, 9, 512, bytes), a);
  });
});

describe('values that vectors of float32 cannot add up', () => {
  const SPECIAL: Readonly<Record<string, readonly number[]>> = {
    'not finite': [NaN, Infinity, -Infinity, 1],
    'zeros of either sign': [0, -0],
    huge: [3e38, -2e30, 1e20],
    tiny: [1e-45, -1e-40, 2 ** -126, 1e-30, 2 ** -25, 2 ** -24 * 1.5],
    'at the edge of half precision': [65504, 65519, 65520, 65536, -70000, 6e-8, 2.9e-8],
  };

  it.each(Object.keys(SPECIAL))('are judged as in TypeScript: %s', async (name) => {
    const numbers = SPECIAL[name]!;
    const random = randomNumbers(5);
    const one = (): number => numbers[Math.floor(random() * numbers.length)]!;
    for (const share of [0.002, 0.3, 1]) {
      const before = weights(7 * 96, 1).map((x) => (random() < share ? one() : x));
      const after = before.map((x) => (random() < 0.1 ? one() : x));
      for (const a of ['float32', 'float16', 'bfloat16'] as const) {
        for (const b of ['float32', 'float16', 'bfloat16'] as const) {
          await expectAlike(stored(a, 7, 96, before), stored(b, 7, 96, before));
          await expectAlike(stored(a, 7, 96, before), stored(b, 7, 96, after));
        }
      }
      if (name === 'not finite') continue; // which no block can hold
      await expectAlike(stored('float32', 7, 96, before), stored('q8_0', 7, 96, weights(7 * 96, 1)));
    }
  });

  it('are judged as in TypeScript: whatever the bits', async () => {
    const random = randomNumbers(7);
    const bits = (): Float32Array =>
      new Float32Array(Uint32Array.from({ length: 31 * 64 }, () => Math.floor(random() * 2 ** 32)).buffer);
    const [before, after] = [bits(), bits()];
    for (const a of ['float32', 'float16', 'bfloat16'] as const) {
      for (const b of ['float32', 'float16', 'bfloat16', 'q8_0'] as const) {
        const encoded = new Uint8Array(byteLengthOf(b, before.length));
        encodeFromFloat32(b, isQuantized(b) ? weights(before.length, 1) : before, encoded);
        await expectAlike(stored(a, 31, 64, before), tensorOf(b, 31, 64, encoded));
        await expectAlike(stored(a, 31, 64, after), tensorOf(b, 31, 64, encoded));
      }
    }
  });

  it('are judged as in TypeScript: half a unit and its neighbours, of either type', async () => {
    for (const type of ['float16', 'bfloat16'] as const) {
      const grid = new Float32Array(1 << 16);
      const words = Uint16Array.from({ length: 1 << 16 }, (_, i) => i);
      decodeToFloat32(type, new Uint8Array(words.buffer), grid);
      const values = grid.filter((x) => Number.isFinite(x)).subarray(0, 31744);
      for (const step of [-1, 0, 1]) {
        // the middle between a number and the next, and the float32 below and above it
        const middles = values.map((x, i) => (x + (values[i + 1] ?? x)) / 2);
        const moved = new Float32Array(new Uint32Array(middles.buffer).map((bits) => bits + step).buffer);
        await expectAlike(stored('float32', 62, 512, moved), stored(type, 62, 512, values));
        await expectAlike(stored('float32', 62, 512, moved), stored(type, 62, 512, moved));
        await expectAlike(stored(type, 62, 512, values), stored('float32', 62, 512, moved));
      }
    }
  });
});

describe('rows', () => {
  it('too long for the kernels are compared in TypeScript', async () => {
    const length = (1 << 20) + 32;
    const a = memoryTensor('m', [length], weights(length, 1), 'bfloat16');
    const b = memoryTensor('m', [length], weights(length, 1), 'q8_0');
    expect(await wasm.compare({ a, b })).toEqual(await plainComparer.compare({ a, b }));
  });

  it('that are none give no difference', async () => {
    const [a, b] = [memoryTensor('m', [0, 32], new Float32Array(0), 'float32'), memoryTensor('m', [0, 32], new Float32Array(0), 'q8_0')]; // prettier-ignore
    expect(await wasm.compare({ a, b })).toBeUndefined();
  });

  it('of a type that nothing decodes are refused where they differ', async () => {
    const a = tensorOf('complex64', 1, 4, new Uint8Array(32));
    const b = tensorOf('complex64', 1, 4, new Uint8Array(32).fill(1));
    expect(await wasm.compare({ a, b: a })).toBeUndefined();
    await expect(wasm.compare({ a, b })).rejects.toMatchObject({ code: 'quant/no-decoder' });
  });
});
