import { join } from 'node:path';
import { expect, it } from 'vitest';

import { openMetaModel } from '../llama/meta-model.js';
import { openDirectory } from '../source/directory.js';
import { FIXTURES, expectedJson, expectedPath, modelFolder, readNpy } from '../testing/fixtures.js';
import { forward } from './forward.js';

const NAME = 'llama3.2-vision-tiny';

it('computes the logits of Meta’s multimodal code for text alone', async () => {
  await using model = await openMetaModel(await openDirectory(modelFolder(NAME)));
  const { prompt } = expectedJson<{ prompt: number[] }>(NAME, 'expected.json');
  const expected = readNpy(expectedPath(NAME, 'logits_text_only.npy'));
  const { logits, vocabSize } = await forward(model, prompt);
  expect(expected.shape).toEqual([prompt.length, vocabSize]);
  const worst = logits.reduce((most, logit, i) => Math.max(most, Math.abs(logit - expected.data[i]!)), 0);
  expect(worst).toBeLessThanOrEqual(1e-4);
  const image = readNpy(expectedPath(NAME, 'logits_with_image.npy'));
  expect(Math.max(...logits.map((logit, i) => Math.abs(logit - image.data[i]!)))).toBeGreaterThan(0.1);
});

it('does not run Llama 4', async () => {
  await using model = await openMetaModel(await openDirectory(join(FIXTURES, 'families', 'llama4-1shard')));
  await expect(forward(model, [1])).rejects.toMatchObject({ code: 'forward/unsupported-model' });
});
