import { describe, expect, it } from 'vitest';

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
import { Q2_K } from './q2-k.js';
import { Q3_K } from './q3-k.js';
import { Q4_K } from './q4-k.js';
import { Q5_K } from './q5-k.js';
import { Q6_K } from './q6-k.js';

const FORMATS = { Q2_K, Q3_K, Q4_K, Q5_K, Q6_K };

/** The first 16 digits of the SHA-256 of what ggml (llama.cpp v0.5.0) makes of matrices that are not in the fixtures. */
const DIGESTS: Readonly<Record<string, { negative: string; sparse: string; notFinite: string }>> = {
  Q2_K: { negative: 'ef4b2152e62f57db', sparse: 'a19bde72121b5ac6', notFinite: '479741e089f833ce' },
  Q3_K: { negative: '33688338da4bebb4', sparse: 'f99fd9eeb5e82f25', notFinite: '83917cd9e4ed6acf' },
  Q4_K: { negative: 'dfcb4b088bfef14f', sparse: 'fd46f58356793855', notFinite: 'dfea64dc8d822ecf' },
  Q5_K: { negative: 'd979958ba4160e55', sparse: '17f6d2d9a64cde18', notFinite: 'f70acccd2ce06544' },
  Q6_K: { negative: 'cbecf0657ef0d938', sparse: 'f90e9c5d657107e1', notFinite: '7519f7b4881d700c' },
};

function quantized(
  type: string,
  format: BlockFormat,
  importance?: Float32Array,
  matrix: Float32Array = quantMatrix,
): Uint8Array {
  const out = new Uint8Array(expectedBlocks(type)!.blocks.length);
  format.quantize!(matrix, out, importance);
  return out;
}

/** Importances that are zero but for every `step`-th, which are spread over forty powers of two. */
function fewImportances(step: number, spread: number): Float32Array {
  return Float32Array.from({ length: QUANT_COLUMNS }, (_, i) => (i % step === 0 ? 2 ** (((i * spread) % 40) - 20) : 0));
}

/** The matrix with one value of each row replaced by NaN, infinity or minus infinity. */
function notFiniteMatrix(): Float32Array {
  const matrix = quantMatrix.slice();
  for (let row = 0; row < QUANT_ROWS; row++) {
    matrix[row * QUANT_COLUMNS + ((row * 37) % QUANT_COLUMNS)] = [NaN, Infinity, -Infinity][row % 3]!;
  }
  return matrix;
}

/** The name of the first row whose blocks differ. */
function firstWrongRow(found: Uint8Array, expected: Uint8Array): string | undefined {
  const wrong = found.findIndex((byte, index) => byte !== expected[index]);
  return wrong < 0 ? undefined : quantRowNames[Math.floor((wrong / found.length) * QUANT_ROWS)];
}

describe.each(Object.entries(FORMATS))('%s', (type, format: BlockFormat) => {
  it('makes the blocks that ggml makes', () => {
    expect(firstWrongRow(quantized(type, format), expectedBlocks(type)!.blocks)).toBeUndefined();
  });

  it('makes the blocks that ggml makes with 256 importances', () => {
    const importance = quantImportance.subarray(0, QUANT_COLUMNS);
    const found = quantized(type, format, importance);
    expect(firstWrongRow(found, expectedWeightedBlocks(type).blocks)).toBeUndefined();
  });

  it('makes the rows of 512 that ggml makes with 512 importances', () => {
    const found = quantized(type, format, quantImportance);
    const bytesPerRow = (2 * found.length) / QUANT_ROWS;
    const wrong = expectedWideRows(type).findIndex((digits, row) => {
      return sha256(found.subarray(row * bytesPerRow, (row + 1) * bytesPerRow)).slice(0, 16) !== digits;
    });
    expect(wrong < 0 ? undefined : quantRowNames[2 * wrong]).toBeUndefined();
  });

  it('gives the values that ggml gives', () => {
    for (const { blocks, dequantizedSha256 } of [expectedBlocks(type)!, expectedWeightedBlocks(type)]) {
      const out = new Float32Array(quantMatrix.length);
      format.dequantize(blocks, out);
      expect(sha256(out)).toBe(dequantizedSha256);
    }
  });

  it('makes what ggml makes where few importances are above zero, so that scales come out negative', () => {
    const negative = quantMatrix.map((value) => -Math.abs(value));
    const found = quantized(type, format, fewImportances(9, 53), negative);
    expect(sha256(found).slice(0, 16)).toBe(DIGESTS[type]!.negative);
  });

  it('makes what ggml makes where few values are not zero, so that levels leave the range of the rounding', () => {
    const sparse = quantMatrix.map((value, i) => (i % 13 === 0 ? -Math.abs(value) : 0));
    const found = quantized(type, format, fewImportances(3, 37), sparse);
    expect(sha256(found).slice(0, 16)).toBe(DIGESTS[type]!.sparse);
  });

  it('makes of NaN and infinity what ggml makes of them', () => {
    const found = quantized(type, format, undefined, notFiniteMatrix());
    expect(sha256(found).slice(0, 16)).toBe(DIGESTS[type]!.notFinite);
  });
});
