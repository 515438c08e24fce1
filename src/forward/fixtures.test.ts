import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import type { LlamaModel } from '../llama/model.js';
import { openMetaModel } from '../llama/meta-model.js';
import { openDirectory } from '../source/directory.js';
import { TEXT_MODELS, expectedJson, expectedPath, modelFolder, readNpy } from '../testing/fixtures.js';
import { forward } from './forward.js';
import { plainKernels } from './plain-kernels.js';
import { createKernels } from './wasm-kernels.js';

interface Expected {
  prompts: number[][];
  logit_positions: number[][];
  greedy_16: Record<string, number[]>;
}

/** What Meta's code in float32 and a pass with float64 sums may differ by; see fixtures/README.md. */
const TOLERANCE = 1e-4;

/** In WebAssembly, and without. */
const KERNELS = { on: await createKernels(), off: plainKernels };

/** What a test is run with. */
type Switch = keyof typeof KERNELS;

function withSwitch(names: readonly string[]): [name: string, kernels: Switch][] {
  return names.flatMap((name) => [[name, 'on'] as [string, Switch], [name, 'off'] as [string, Switch]]);
}

async function worstDifference(
  model: LlamaModel,
  kernels: Switch,
  name: string,
  file: string,
  prompt: number,
): Promise<number> {
  const { prompts, logit_positions } = expectedJson<Expected>(name, 'expected.json');
  const expected = readNpy(expectedPath(name, file));
  const options = { rows: logit_positions[prompt]!, kernels: KERNELS[kernels] };
  const { logits, vocabSize } = await forward(model, prompts[prompt]!, options);
  expect(expected.shape).toEqual([logit_positions[prompt]!.length, vocabSize]);
  expect(logits).toHaveLength(expected.data.length);
  return logits.reduce((worst, logit, i) => Math.max(worst, Math.abs(logit - expected.data[i]!)), 0);
}

describe.each(withSwitch(TEXT_MODELS))('%s, kernels %s', (name, kernels) => {
  it.each([0, 1, 2])('computes the logits of Meta’s code, prompt %i', async (prompt) => {
    await using model = await openMetaModel(await openDirectory(modelFolder(name)));
    expect(await worstDifference(model, kernels, name, `logits_${prompt}.npy`, prompt)).toBeLessThanOrEqual(TOLERANCE);
  });
});

const SCALED = TEXT_MODELS.filter((name) => existsSync(expectedPath(name, 'logits_factor32_2.npy')));

it('there are models with scaled rope', () => {
  expect(SCALED).toHaveLength(3);
});

describe.each(withSwitch(SCALED))('%s with rope factor 32, kernels %s', (name, kernels) => {
  it('computes the logits of transformers', async () => {
    await using model = await openMetaModel(await openDirectory(modelFolder(name)), { ropeFactor: 32 });
    expect(model.config.ropeScaling?.factor).toBe(32);
    expect(await worstDifference(model, kernels, name, 'logits_factor32_2.npy', 2)).toBeLessThanOrEqual(TOLERANCE);
    expect(await worstDifference(model, kernels, name, 'logits_2.npy', 2)).toBeGreaterThan(100 * TOLERANCE);
  });
});

describe.each(withSwitch(TEXT_MODELS))('%s, token by token, kernels %s', (name, kernels) => {
  it('continues a prompt as Meta’s code does', async () => {
    await using model = await openMetaModel(await openDirectory(modelFolder(name)));
    const { prompts, greedy_16 } = expectedJson<Expected>(name, 'expected.json');
    const tokens = [...prompts[0]!];
    for (let i = 0; i < 16; i++) {
      const { logits } = await forward(model, tokens, { rows: [tokens.length - 1], kernels: KERNELS[kernels] });
      tokens.push(logits.reduce((best, logit, id) => (logit > logits[best]! ? id : best), 0));
    }
    expect(tokens.slice(prompts[0]!.length)).toEqual(greedy_16['0']);
  });
});
