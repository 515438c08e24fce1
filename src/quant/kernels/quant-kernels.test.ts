import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { compileKernels, kernelsModule } from '../../../scripts/kernels.mjs';
import { type DType, blockLayout } from '../../dtype.js';
import {
  QUANT_COLUMNS,
  QUANT_ROWS,
  expectedBlocks,
  expectedWeightedBlocks,
  expectedWideRows,
  quantImportance,
  quantMatrix,
  quantRowNames,
  sha256,
} from '../../testing/quants.js';
import { BLOCK_FORMATS } from '../blocks/block-formats.js';
import { decodeToFloat32, encodeFromFloat32 } from '../codec.js';
import { firstBadScale } from '../not-finite.js';
import { type KernelSource, createQuantKernels } from './quant-kernels.js';

/** ggml's number and our name of every type that blocks are made of, by ggml's name. */
const TYPES: Readonly<Record<string, readonly [format: number, dtype: DType]>> = {
  ...{ Q4_0: [2, 'q4_0'], Q4_1: [3, 'q4_1'], Q5_0: [6, 'q5_0'], Q5_1: [7, 'q5_1'], Q8_0: [8, 'q8_0'] },
  ...{ Q2_K: [10, 'q2_k'], Q3_K: [11, 'q3_k'], Q4_K: [12, 'q4_k'], Q5_K: [13, 'q5_k'], Q6_K: [14, 'q6_k'] },
  ...{ IQ4_NL: [20, 'iq4_nl'], IQ4_XS: [23, 'iq4_xs'], TQ1_0: [34, 'tq1_0'], TQ2_0: [35, 'tq2_0'] },
  ...{ MXFP4: [39, 'mxfp4'], NVFP4: [40, 'nvfp4'], Q1_0: [41, 'q1_0'], Q2_0: [42, 'q2_0'] },
};

const FLOATS: Readonly<Record<string, readonly [format: number, dtype: KernelSource]>> = {
  ...{ F32: [0, 'float32'], F16: [1, 'float16'], BF16: [30, 'bfloat16'] },
};

/** Types without which something is broken; kernels of more may come. */
const EXPECTED = 'Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4 NVFP4 Q1_0 Q2_0'.split(' ');

const FINE = { badValue: -1, badBlock: -1 };

/** What values are made of: an index, and a generator of numbers from 0 to 1. */
const RANDOM: Readonly<Record<string, (index: number, random: () => number) => number>> = {
  'normal values': (_, random) => normal(random) * 0.02,
  'heavy tails': (_, random) => normal(random) ** 5,
  'subnormal numbers': (_, random) => normal(random) * 2 ** -130,
  'numbers around the smallest normal one': (_, random) => normal(random) * 2 ** -124,
  'large numbers': (_, random) => normal(random) * 2 ** 20,
  'numbers near the largest': (_, random) => Math.sign(random() - 0.5) * 2 ** 127 * (1 + random() * 0.999),
  'constant blocks': (index) => Math.floor(index / 32) * 0.37 - 3,
  'equal magnitudes': (_, random) => Math.sign(random() - 0.5) * 1.5,
  'zeros of either sign': (_, random) => (random() < 0.05 ? normal(random) : random() < 0.5 ? -0 : 0),
  'only zeros of either sign': (_, random) => (random() < 0.5 ? -0 : 0),
  'small integers': (_, random) => Math.round(normal(random) * 4),
  'powers of two': (_, random) => Math.sign(random() - 0.5) * 2 ** Math.floor(random() * 270 - 145),
  'numbers just below powers of two': (index, random) =>
    2 ** (Math.floor(index / 32) - 100 - 4 * random()) * (1 - 2 ** -24 * Math.floor(random() * 100)),
  'values above an offset': (_, random) => 100 + normal(random),
  'blocks far apart': (index, random) => normal(random) * 10 ** (((Math.floor(index / 16) * 7) % 50) - 30),
};

const kernels = (await createQuantKernels())!;
const known = Object.keys(TYPES).filter((type) => kernels.canQuantize(TYPES[type]![0]));

describe('the compiled kernels', () => {
  it('are fresh: run `npm run build` when this fails', async () => {
    const folder = 'src/quant/kernels';
    expect(await readFile(kernelsModule(folder), 'utf8')).toBe(await compileKernels(folder));
  }, 60_000);

  it('know the simple formats and the plain floats, and say so of nothing else', () => {
    expect(known).toEqual(expect.arrayContaining(EXPECTED));
    const numbers = Array.from({ length: 64 }, (_, format) => format).filter((format) => kernels.canQuantize(format));
    const named = [...known.map((type) => TYPES[type]![0]), 0, 1, 30];
    expect(numbers).toEqual(named.sort((a, b) => a - b));
  });
});

describe.each(known)('the kernel of %s', (type) => {
  const [, dtype] = TYPES[type]!;
  const { blockElements } = blockLayout(dtype);

  it('makes the blocks that ggml makes', () => {
    const { blocks } = expectedBlocks(type)!;
    const { out, found } = quantized(type, quantMatrix, QUANT_COLUMNS);
    expect(firstWrongRow(out, blocks)).toBeUndefined();
    expect(found).toEqual({ badValue: -1, badBlock: firstBadScale(dtype, blocks) });
  });

  it('makes the blocks that ggml makes with 256 importances', () => {
    const { blocks } = expectedWeightedBlocks(type);
    const { out } = quantized(type, quantMatrix, QUANT_COLUMNS, quantImportance.subarray(0, QUANT_COLUMNS));
    expect(firstWrongRow(out, blocks)).toBeUndefined();
  });

  it('makes the rows of 512 that ggml makes with 512 importances', () => {
    const { out } = quantized(type, quantMatrix, 2 * QUANT_COLUMNS, quantImportance);
    const rowBytes = (2 * out.length) / QUANT_ROWS;
    const rows = Array.from({ length: QUANT_ROWS / 2 }, (_, row) => out.subarray(row * rowBytes, (row + 1) * rowBytes));
    expect(rows.map((row) => sha256(row).slice(0, 16))).toEqual(expectedWideRows(type));
  });

  it.each(['float16', 'bfloat16'] as const)('reads %s as the float32 that it is', (source) => {
    const halves = new Uint8Array(quantMatrix.length * 2);
    encodeFromFloat32(source, quantMatrix, halves);
    const values = new Float32Array(quantMatrix.length);
    decodeToFloat32(source, halves, values);
    const words = new Uint16Array(halves.buffer);
    values.forEach((value, i) => {
      if (Number.isFinite(value)) return;
      values[i] = 0;
      words[i] = 0;
    });
    const importance = quantImportance.subarray(0, QUANT_COLUMNS);
    for (const weights of [undefined, importance]) {
      const { out } = quantized(type, values, QUANT_COLUMNS, weights);
      expect(quantized(type, halves, QUANT_COLUMNS, weights, source).out).toEqual(out);
    }
  });

  it.each(Object.keys(RANDOM))('makes what the TypeScript makes of %s', (kind) => {
    // neither a whole number of fours nor even one
    for (const blocks of [1, 3, 6, 9]) {
      const rowLength = blocks * blockElements;
      const values = randomValues(kind, 6 * rowLength, blocks);
      const random = seeded(blocks);
      const importance = Float32Array.from({ length: rowLength }, (_, i) =>
        i % 17 === 3 ? 0 : Math.exp(3 * random()),
      );
      for (const weights of [undefined, importance]) {
        const { out, found } = quantized(type, values, rowLength, weights);
        const expected = new Uint8Array(out.length);
        BLOCK_FORMATS.get(dtype)!.quantize!(values, expected, weights);
        expect(found).toEqual({ badValue: -1, badBlock: firstBadScale(dtype, expected) });
        expect(firstWrongBlock(dtype, out, expected)).toBe(-1);
      }
    }
  });

  it.each([NaN, -NaN, Infinity, -Infinity])('finds %s, wherever it is', (bad) => {
    const rowLength = 3 * blockElements;
    for (const at of [0, 1, 15, 16, rowLength - 1, rowLength, 2 * rowLength - 1]) {
      const values = randomValues('normal values', 2 * rowLength, 1);
      values[at] = bad;
      values[2 * rowLength - 1] = bad;
      const { found } = quantized(type, values, rowLength);
      expect(found).toEqual({ badValue: at, badBlock: -1 });
    }
  });
});

describe.each(Object.keys(FLOATS))('the kernel of %s', (type) => {
  const [, dtype] = FLOATS[type]!;

  it.each(['float16', 'bfloat16'] as const)('turns every pattern of %s', (source) => {
    const patterns = new Uint8Array(Uint16Array.from({ length: 1 << 16 }, (_, pattern) => pattern).buffer);
    const values = new Float32Array(1 << 16);
    decodeToFloat32(source, patterns, values);
    const expected = new Uint8Array(values.length * blockLayout(dtype).blockBytes);
    encodeFromFloat32(dtype, values, expected);
    const { out, found } = quantized(type, patterns, 1 << 16, undefined, source);
    expect(found).toEqual(FINE);
    expect(sha256(out)).toBe(sha256(expected));
  });

  it('rounds float32 as the TypeScript does', () => {
    // every exponent with either sign, and fractions that are a tie for one of the types, nearly one, or none
    const fractions = [0, 1, 0xfff, 0x1000, 0x1001, 0x2fff, 0x3000, 0x7fff, 0x8000, 0x8001, 0x17fff, 0x18000, 0x3fffff, 0x400000, 0x400001, 0x7fdfff, 0x7fe000, 0x7fffff]; // prettier-ignore
    const bits = Uint32Array.from({ length: 512 * 18 }, (_, i) => (Math.floor(i / 18) << 23) | fractions[i % 18]!);
    const values = new Float32Array(bits.buffer);
    const expected = new Uint8Array(values.length * blockLayout(dtype).blockBytes);
    encodeFromFloat32(dtype, values, expected);
    // rows of 9 do not fill their vectors
    const { out, found } = quantized(type, new Uint8Array(bits.buffer), 9);
    expect(found).toEqual(FINE);
    expect(out.findIndex((byte, index) => byte !== expected[index])).toBe(-1);
  });
});

it('finds what is bad in a job that is done in parts, and where it is', () => {
  const values = new Float32Array(1 << 18).fill(1);
  values[150_000] = 1e12;
  values[250_000] = 1e12;
  expect(quantized('Q8_0', values, 1 << 10).found).toEqual({ badValue: -1, badBlock: Math.floor(150_000 / 32) });
  expect(quantized('IQ4_XS', values, 1 << 10).found).toEqual({ badValue: -1, badBlock: Math.floor(150_000 / 256) });
  values[200_000] = NaN;
  expect(quantized('Q8_0', values, 1 << 10).found).toEqual({ badValue: 200_000, badBlock: -1 });
});

it('a job is done right after a larger one, and after one that failed', () => {
  const { blocks } = expectedBlocks('Q8_0')!;
  const bad = quantMatrix.slice();
  bad[77] = NaN;
  quantized('Q8_0', new Float32Array(1 << 20), 1 << 10);
  expect(quantized('Q8_0', bad, QUANT_COLUMNS).found.badValue).toBe(77);
  expect(quantized('Q8_0', quantMatrix, QUANT_COLUMNS).out).toEqual(blocks);
});

function quantized(
  type: string,
  values: Float32Array | Uint8Array,
  rowLength: number,
  importance?: Float32Array,
  source: KernelSource = 'float32',
) {
  const [format, dtype] = (TYPES[type] ?? FLOATS[type])!;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const { blockElements, blockBytes } = blockLayout(dtype);
  const elements = bytes.byteLength / blockLayout(source).blockBytes;
  const out = new Uint8Array((elements / blockElements) * blockBytes);
  return { found: kernels.quantize({ format, source, values: bytes, rowLength, importance }, out), out };
}

/** Number and name of the first row of the matrix whose blocks differ. */
function firstWrongRow(ours: Uint8Array, expected: Uint8Array): string | undefined {
  expect(ours).toHaveLength(expected.length);
  const byte = ours.findIndex((value, index) => value !== expected[index]);
  if (byte < 0) return undefined;
  const row = Math.floor((byte * QUANT_ROWS) / expected.length);
  return `row ${row}: ${quantRowNames[row]}`;
}

/** Index of the first block that differs; of blocks with scales that are no numbers only the scales count. */
function firstWrongBlock(dtype: DType, ours: Uint8Array, expected: Uint8Array): number {
  const { blockBytes } = blockLayout(dtype);
  for (let at = 0; at < expected.length; at += blockBytes) {
    const [block, other] = [ours, expected].map((blocks) => blocks.subarray(at, at + blockBytes)) as [Uint8Array, Uint8Array]; // prettier-ignore
    const isWorthless = firstBadScale(dtype, block) === 0 && firstBadScale(dtype, other) === 0;
    if (!isWorthless && block.some((byte, index) => byte !== other[index])) return at / blockBytes;
  }
  return -1;
}

/** Numbers from 0 to 1, always the same for a seed: mulberry32. */
function seeded(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function randomValues(kind: string, length: number, seed: number): Float32Array {
  const random = seeded(seed);
  return Float32Array.from({ length }, (_, index) => {
    const value = Math.fround(RANDOM[kind]!(index, random));
    return Number.isFinite(value) ? value : 0;
  });
}
