import { readFile } from 'node:fs/promises';

import { describe, expect, it } from 'vitest';

import { KERNELS_MODULE, compileKernels } from '../../../scripts/kernels.mjs';
import { expectedBlocks, quantMatrix } from '../../testing/quants.js';
import { createQuantKernels } from './quant-kernels.js';

describe('the compiled kernels', () => {
  it('are fresh: run `npm run build` when this fails', async () => {
    expect(await readFile(KERNELS_MODULE, 'utf8')).toBe(await compileKernels());
  });

  it('make the blocks that ggml makes', async () => {
    const kernels = (await createQuantKernels())!;
    const { blocks } = expectedBlocks('Q8_0')!;
    const out = new Uint8Array(blocks.length);
    const values = new Uint8Array(quantMatrix.buffer);
    expect(kernels.quantize({ format: 8, source: 'float32', values, rowLength: 256 }, out)).toEqual({ badValue: -1, badBlock: -1 });
    expect(out).toEqual(blocks);
  });
});
