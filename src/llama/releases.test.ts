import { describe, expect, it } from 'vitest';

import { elementCount } from '../dtype.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { inspectModel } from './inspect.js';
import { expectedTensors } from './layout.js';
import type { LlamaConfig } from './model.js';
import { releaseOf } from './releases.js';
import { llama3Scaling } from './rope.js';

const LLAMA_2_7B: LlamaConfig = {
  ...{ dim: 4096, nLayers: 32, nHeads: 32, nKvHeads: 32, headDim: 128, ffnDim: 11008, vocabSize: 32000 },
  ...{ normEps: 1e-5, ropeTheta: 1e4, ropeScaling: null, contextLength: 4096, tied: false },
};
const LLAMA_2_70B: LlamaConfig = { ...LLAMA_2_7B, dim: 8192, nLayers: 80, nHeads: 64, nKvHeads: 8, ffnDim: 28672 };
const LLAMA_3_70B: LlamaConfig = { ...LLAMA_2_70B, vocabSize: 128256, ropeTheta: 5e5 };

// The numbers of parameters that Meta's own code, or the sizes of the published files, give for the releases.
describe.each([
  ['Llama 1 or 2 7B', LLAMA_2_7B, 6_738_415_616],
  [
    'Llama 1 or 2 13B',
    { ...LLAMA_2_7B, dim: 5120, nLayers: 40, nHeads: 40, nKvHeads: 40, ffnDim: 13824 },
    13_015_864_320,
  ],
  ['Llama 1 30B', { ...LLAMA_2_7B, dim: 6656, nLayers: 60, nHeads: 52, nKvHeads: 52, ffnDim: 17920 }, 32_528_943_616],
  ['Llama 1 65B', { ...LLAMA_2_7B, dim: 8192, nLayers: 80, nHeads: 64, nKvHeads: 64, ffnDim: 22016 }, 65_285_660_672],
  ['Llama 2 70B', LLAMA_2_70B, 68_976_648_192],
  ['Code Llama 34B', { ...LLAMA_2_70B, nLayers: 48, ffnDim: 22016, ropeTheta: 1e6 }, 33_743_970_304],
  ['Llama 3 8B', { ...LLAMA_3_1_8B, ropeScaling: null }, 8_030_261_248],
  ['Llama 3.1 8B', LLAMA_3_1_8B, 8_030_261_248],
  ['Llama 3 70B', LLAMA_3_70B, 70_553_706_496],
  ['Llama 3.1 or 3.3 70B', { ...LLAMA_3_70B, ropeScaling: llama3Scaling(8) }, 70_553_706_496],
  ['Llama 3.1 405B', { ...LLAMA_3_1_8B, dim: 16384, nLayers: 126, nHeads: 128, ffnDim: 53248 }, 405_853_388_800],
  ['Llama 3.2 1B', LLAMA_3_2_1B, 1_235_814_400],
  ['Llama 3.2 3B', { ...LLAMA_3_2_1B, dim: 3072, nLayers: 28, nHeads: 24, headDim: 128 }, 3_212_749_824],
  ['Llama Guard 3 1B', { ...LLAMA_3_2_1B, tied: false }, 1_498_482_688],
] as [string, LlamaConfig, number][])('%s', (name, config, count) => {
  it('is known by its shape, and has the tensors of that many parameters', () => {
    expect(releaseOf(config)?.name).toBe(name);
    expect(releaseOf(config)?.ropeFactor).toBe(config.ropeScaling?.factor ?? null);
    expect(expectedTensors(config).reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(count);
  });
});

it('knows no release of another shape', () => {
  expect(releaseOf(SMALL_CONFIG)).toBeUndefined();
  expect(releaseOf({ ...LLAMA_3_1_8B, vocabSize: 128257 })).toBeUndefined();
  expect(releaseOf({ ...LLAMA_3_1_8B, tied: true })).toBeUndefined();
});

it('inspects a release from its names and shapes alone', () => {
  const inspection = inspectModel(shapeOnly(LLAMA_3_2_1B, 'Llama3.2-1B'));
  expect(inspection).toMatchObject({
    release: 'Llama 3.2 1B',
    parameterCount: 1_235_814_400,
    byteLength: 2_471_628_800,
  });
  expect(inspection.tensors).toHaveLength(146);
});
