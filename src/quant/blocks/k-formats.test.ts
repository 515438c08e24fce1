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

function quantized(type: string, format: BlockFormat, importance?: Float32Array): Uint8Array {
  const out = new Uint8Array(expectedBlocks(type)!.blocks.length);
  format.quantize!(quantMatrix, out, importance);
  return out;
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
    const { blocks, dequantizedSha256 } = expectedBlocks(type)!;
    const out = new Float32Array(quantMatrix.length);
    format.dequantize(blocks, out);
    expect(sha256(out)).toBe(dequantizedSha256);
  });
});
