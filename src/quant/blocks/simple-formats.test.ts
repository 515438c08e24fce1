import { describe, expect, it } from 'vitest';

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
import type { BlockFormat, QuantizeRows } from '../block-format.js';
import { MXFP4 } from './mxfp4.js';
import { NVFP4 } from './nvfp4.js';
import { Q1_0 } from './q1-0.js';
import { Q2_0 } from './q2-0.js';
import { Q4_0 } from './q4-0.js';
import { Q4_1 } from './q4-1.js';
import { Q5_0 } from './q5-0.js';
import { Q5_1 } from './q5-1.js';
import { Q8_0 } from './q8-0.js';
import { Q8_1 } from './q8-1.js';
import { Q8_K } from './q8-k.js';
import { TQ1_0 } from './tq1-0.js';
import { TQ2_0 } from './tq2-0.js';

const FORMATS = { Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q1_0, Q2_0, TQ1_0, TQ2_0, MXFP4, NVFP4 };

/** Rows of 512 columns that the same matrix makes. */
const WIDE_ROWS = QUANT_ROWS / 2;

/** Blocks in which every field takes many of its patterns. */
const PATTERN_BLOCKS = 4096;

/**
 * The first 16 digits of SHA-256, computed by ggml (llama.cpp v0.5.0) as the fixtures were: of the values of
 * {@link patternBlocks}, every NaN as zero, and of the blocks of {@link notFiniteMatrix}.
 */
const DIGESTS: Readonly<Record<string, readonly [values: string, blocks?: string]>> = {
  Q4_0: ['f923d497502412f2', 'ef7afbeb36cf7a23'],
  Q4_1: ['93a38bb1d4e9027c', '0bbe0d9294f80f53'],
  Q5_0: ['04099962f0660a14', '5d6b9fbecb03b5e9'],
  Q5_1: ['b2746602af85122d', 'e85e67c88cc280d3'],
  Q8_0: ['47f3c776badf5c54', '708ea1d40ef0f19d'],
  Q8_K: ['17894596cdbf6f8e'],
  Q1_0: ['c61df01c3603fade', 'bbb42ec5fd2657a9'],
  Q2_0: ['b2d31a62ec60280a', '142f30a528faaca6'],
  TQ1_0: ['e86f4a4c50cb71c7', '3c314a4465022cfd'],
  TQ2_0: ['0e8cf217dfde38c6', '6b9a1bae7566189e'],
  MXFP4: ['9a54dc6275c06ab1', 'a2c8f043eac0ffe0'],
  NVFP4: ['f1361bd126b257c7', '9e6593fbe8843dee'],
};

describe.each(Object.entries(FORMATS))('%s', (type, format: BlockFormat) => {
  const quantize = format.quantize!;

  it('makes the blocks that ggml makes', () => {
    const { blocks } = expectedBlocks(type)!;
    expect(firstWrongRow(quantized(type, quantize), blocks)).toBeUndefined();
  });

  it('makes the blocks that ggml makes with 256 importances', () => {
    const { blocks } = expectedWeightedBlocks(type);
    const importance = quantImportance.subarray(0, QUANT_COLUMNS);
    expect(firstWrongRow(quantized(type, quantize, importance), blocks)).toBeUndefined();
  });

  it('makes the rows of 512 that ggml makes with 512 importances', () => {
    const blocks = quantized(type, quantize, quantImportance);
    const expected = expectedWideRows(type);
    expect(expected).toHaveLength(WIDE_ROWS);
    const bytesPerRow = blocks.length / WIDE_ROWS;
    const wrong = expected.findIndex((digits, row) => {
      const ours = blocks.subarray(row * bytesPerRow, (row + 1) * bytesPerRow);
      return digest(ours) !== digits;
    });
    expect(wrong < 0 ? undefined : `${quantRowNames[2 * wrong]}; ${quantRowNames[2 * wrong + 1]}`).toBeUndefined();
  });

  it('gives the values that ggml gives', () => {
    for (const { blocks, dequantizedSha256 } of [expectedBlocks(type)!, expectedWeightedBlocks(type)]) {
      const values = new Float32Array(quantMatrix.length);
      format.dequantize(blocks, values);
      expect(sha256(values)).toBe(dequantizedSha256);
    }
  });

  it('makes of NaN and infinity what ggml makes of them', () => {
    expect(sha256(quantized(type, quantize, undefined, notFiniteMatrix()))).toMatch(
      new RegExp(`^${DIGESTS[type]![1]}`),
    );
  });
});

describe('blocks of all patterns', () => {
  it.each(Object.entries({ ...FORMATS, Q8_K }))('have the values that ggml gives them: %s', (type, format) => {
    const values = dequantizedPatterns(type, format).map((value) => (Number.isNaN(value) ? 0 : value));
    expect(digest(values)).toBe(DIGESTS[type]![0]);
  });

  it('have the same values in Q8_1 as in Q8_0', () => {
    const blocks = patternBlocks('Q8_0');
    const withSums = new Uint8Array((blocks.length / 34) * 36).fill(0xff);
    for (let block = 0; block < PATTERN_BLOCKS; block++) {
      const from = blocks.subarray(34 * block, 34 * (block + 1));
      withSums.set(from.subarray(0, 2), 36 * block);
      withSums.set(from.subarray(2), 36 * block + 4);
    }
    const expected = dequantizedPatterns('Q8_0', Q8_0);
    const values = new Float32Array(expected.length);
    Q8_1.dequantize(withSums, values);
    expect(values).toEqual(expected);
  });
});

function quantized(
  type: string,
  quantize: QuantizeRows,
  importance?: Float32Array,
  matrix: Float32Array = quantMatrix,
): Uint8Array {
  const { blockElements, blockBytes } = blockLayout(type.toLowerCase() as DType);
  const out = new Uint8Array((matrix.length / blockElements) * blockBytes);
  quantize(matrix, out, importance);
  return out;
}

/** The first 16 digits of the SHA-256. */
function digest(view: ArrayBufferView): string {
  return sha256(view).slice(0, 16);
}

/** The matrix with one value of each row replaced by NaN, infinity or minus infinity. */
function notFiniteMatrix(): Float32Array {
  const matrix = quantMatrix.slice();
  for (let row = 0; row < QUANT_ROWS; row++) {
    matrix[row * QUANT_COLUMNS + ((row * 37) % QUANT_COLUMNS)] = [NaN, Infinity, -Infinity][row % 3]!;
  }
  return matrix;
}

/** Bytes i * 2654435761 / 2^24, modulo 256. */
function patternBlocks(type: string): Uint8Array {
  const length = PATTERN_BLOCKS * blockLayout(type.toLowerCase() as DType).blockBytes;
  return Uint8Array.from({ length }, (_, i) => Math.imul(i, 2654435761) >>> 24);
}

function dequantizedPatterns(type: string, format: BlockFormat): Float32Array {
  const values = new Float32Array(PATTERN_BLOCKS * blockLayout(type.toLowerCase() as DType).blockElements);
  format.dequantize(patternBlocks(type), values);
  return values;
}

/** Number and name of the first row of the matrix whose blocks differ. */
function firstWrongRow(ours: Uint8Array, expected: Uint8Array): string | undefined {
  expect(ours).toHaveLength(expected.length);
  const byte = ours.findIndex((value, index) => value !== expected[index]);
  if (byte < 0) return undefined;
  const row = Math.floor((byte * QUANT_ROWS) / expected.length);
  return `row ${row}: ${quantRowNames[row]}`;
}
