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
import type { BlockFormat } from '../block-format.js';
import { IQ1_M } from './iq1-m.js';
import { IQ1_S } from './iq1-s.js';
import { IQ2_S } from './iq2-s.js';
import { IQ2_XS } from './iq2-xs.js';
import { IQ2_XXS } from './iq2-xxs.js';
import { IQ3_S } from './iq3-s.js';
import { IQ3_XXS } from './iq3-xxs.js';
import { IQ4_NL } from './iq4-nl.js';
import { IQ4_XS } from './iq4-xs.js';

const FORMATS: Readonly<Record<string, BlockFormat>> = {
  IQ4_NL,
  IQ4_XS,
  IQ3_S,
  IQ3_XXS,
  IQ2_S,
  IQ2_XS,
  IQ2_XXS,
  IQ1_S,
  IQ1_M,
};

/** Formats that ggml quantizes only with importances. */
const NEED_IMPORTANCE = ['IQ2_XXS', 'IQ2_XS', 'IQ1_S'];

/** Blocks in which every field takes many of its patterns. */
const PATTERN_BLOCKS = 4096;

/** The first 16 digits of the SHA-256 of what ggml (llama.cpp v0.5.0) makes of {@link patternBlocks}, every NaN as zero. */
const PATTERN_DIGESTS: Readonly<Record<string, string>> = {
  IQ4_NL: '24e13dacda647326',
  IQ4_XS: '205c2f83a33095f4',
  IQ3_S: 'f9a4e78b0d37cd44',
  IQ3_XXS: '93fe182edd00e854',
  IQ2_S: '85ab6432ba290ba2',
  IQ2_XS: 'ccf0fcf2463133c2',
  IQ2_XXS: '6572017c074a8eda',
  IQ1_S: '18b6728445563d9d',
  IQ1_M: '099aad206122b49d',
};

/** Likewise of the blocks of {@link notFiniteMatrix}; with the other formats ggml ends the process there. */
const NOT_FINITE_DIGESTS: Readonly<Record<string, string>> = {
  IQ4_NL: '60e4d497c5610d84',
  IQ4_XS: '4508ab2250b201ff',
};

const BY_NAME = Object.entries(FORMATS);

describe.each(BY_NAME)('%s', (type, format) => {
  it('gives the values that ggml gives', () => {
    for (const expected of [expectedBlocks(type), expectedWeightedBlocks(type)]) {
      if (expected === undefined) continue;
      const values = new Float32Array(quantMatrix.length);
      format.dequantize(expected.blocks, values);
      expect(sha256(values)).toBe(expected.dequantizedSha256);
    }
  });

  it('gives the values that ggml gives to blocks of all patterns', () => {
    const { blockElements } = blockLayout(type.toLowerCase() as DType);
    const values = new Float32Array(PATTERN_BLOCKS * blockElements);
    format.dequantize(patternBlocks(type), values);
    const digest = sha256(values.map((value) => (Number.isNaN(value) ? 0 : value))).slice(0, 16);
    expect(digest).toBe(PATTERN_DIGESTS[type]);
  });

  it('makes the blocks that ggml makes with 256 importances', () => {
    const blocks = quantized(type, format, quantImportance.subarray(0, QUANT_COLUMNS));
    expect(firstWrongRow(blocks, expectedWeightedBlocks(type).blocks)).toBeUndefined();
  });

  it('makes the rows of 512 that ggml makes with 512 importances', () => {
    const blocks = quantized(type, format, quantImportance);
    const bytesPerRow = (2 * blocks.length) / QUANT_ROWS;
    const expected = expectedWideRows(type);
    expect(expected).toHaveLength(QUANT_ROWS / 2);
    const wrong = expected.findIndex((digits, row) => {
      const ours = blocks.subarray(row * bytesPerRow, (row + 1) * bytesPerRow);
      return sha256(ours).slice(0, 16) !== digits;
    });
    expect(wrong < 0 ? undefined : `${quantRowNames[2 * wrong]}; ${quantRowNames[2 * wrong + 1]}`).toBeUndefined();
  });
});

describe('without importances', () => {
  const inFixtures = BY_NAME.filter(([type]) => expectedBlocks(type) !== undefined);

  it.each(inFixtures)('%s is made as ggml makes it', (type, format) => {
    expect(firstWrongRow(quantized(type, format), expectedBlocks(type)!.blocks)).toBeUndefined();
  });

  it.each(NEED_IMPORTANCE)('%s is refused, as ggml refuses it', (type) => {
    const code = 'quant/no-encoder';
    expect(() => quantized(type, FORMATS[type]!)).toThrow(expect.objectContaining({ code }) as Error);
  });

  it('IQ1_M is made as ggml makes it, though the fixtures leave it out', () => {
    expect(sha256(quantized('IQ1_M', IQ1_M)).slice(0, 16)).toBe('b6c0756bd3de9977');
  });
});

describe('values that are not finite', () => {
  it.each(Object.entries(NOT_FINITE_DIGESTS))('give the blocks that ggml makes of them: %s', (type, digits) => {
    expect(sha256(quantized(type, FORMATS[type]!, undefined, notFiniteMatrix())).slice(0, 16)).toBe(digits);
  });

  it.each(BY_NAME)('give blocks of some kind: %s', (type, format) => {
    const importance = quantImportance.subarray(0, QUANT_COLUMNS);
    expect(() => quantized(type, format, importance, notFiniteMatrix())).not.toThrow();
  });
});

function quantized(
  type: string,
  format: BlockFormat,
  importance?: Float32Array,
  matrix: Float32Array = quantMatrix,
): Uint8Array {
  const { blockElements, blockBytes } = blockLayout(type.toLowerCase() as DType);
  const out = new Uint8Array((matrix.length / blockElements) * blockBytes).fill(0xaa);
  format.quantize!(matrix, out, importance);
  return out;
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

/** Number and name of the first row of the matrix whose blocks differ. */
function firstWrongRow(ours: Uint8Array, expected: Uint8Array): string | undefined {
  expect(ours).toHaveLength(expected.length);
  const byte = ours.findIndex((value, index) => value !== expected[index]);
  if (byte < 0) return undefined;
  const row = Math.floor((byte * QUANT_ROWS) / expected.length);
  return `row ${row}: ${quantRowNames[row]}`;
}
