import { describe, expect, it } from 'vitest';

import { openMetaModel } from '../llama/meta-model.js';
import { openDirectory } from '../source/directory.js';
import { expectedJson, expectedPath, modelFolder, readNpy } from '../testing/fixtures.js';
import { forward } from './forward.js';
import { plainKernels } from './plain-kernels.js';
import { createKernels } from './wasm-kernels.js';

/** In WebAssembly, and without. */
const KERNELS = [await createKernels(), plainKernels];

interface Expected {
  prompts: number[][];
  logit_positions: number[][];
}

// The expected logits are of a pass that merges and folds nothing: the Hadamard transform acts on activations.
describe.each(['llama3.2-spinquant-tiny', 'llama3.2-qlora-tiny', 'llama3.1-fp8-tiny'])('%s', (name) => {
  it.each([0, 1, 2])('computes the logits of prompt %i', async (prompt) => {
    await using model = await openMetaModel(await openDirectory(modelFolder(name)));
    const { prompts, logit_positions: positions } = expectedJson<Expected>(name, 'expected.json');
    const expected = readNpy(expectedPath(name, `logits_${prompt}.npy`));
    for (const kernels of KERNELS) {
      const { logits } = await forward(model, prompts[prompt]!, { rows: positions[prompt]!, kernels });
      expect(logits).toHaveLength(expected.data.length);
      const worst = logits.reduce((most, logit, i) => Math.max(most, Math.abs(logit - expected.data[i]!)), 0);
      expect(worst).toBeLessThanOrEqual(1e-4);
    }
    expect(Math.max(...expected.data)).toBeGreaterThan(1); // the bound means something
  });
});
