/**
 * What changes the fingerprints of a model and what does not; through lossless conversions see `any-to-any.test.ts`.
 */
import { expect, it } from 'vitest';

import { createNodeHasher } from '../integrity/hash-node.js';
import { type ModelFingerprint, fingerprintModel } from '../integrity/fingerprint.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { memoryFolder } from '../source/folder.js';
import { modelFolder } from '../testing/fixtures.js';
import { convert } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

const fingerprint = (model: LlamaModel): Promise<ModelFingerprint> =>
  fingerprintModel(model, { createHasher: createNodeHasher });

/** The model after a conversion in memory. */
async function converted(model: LlamaModel, options: ConvertOptions): Promise<LlamaModel> {
  const output = memoryOutput();
  await convert(model, output, options);
  const files = Object.fromEntries(output.files);
  return openModel(memoryFolder(files, `memory/${model.name}`));
}

it('a lossy conversion changes the tensors, and nothing else', async () => {
  await using meta = await openModel(modelFolder('llama3.2-tiny'));
  const before = await fingerprint(meta);
  for (const type of ['f16', 'q8_0'] as const) {
    await using after = await converted(meta, { to: 'gguf', type });
    const found = await fingerprint(after);
    expect(found.sha256).not.toBe(before.sha256);
    expect(found.parts).toEqual({ ...before.parts, tensors: found.parts.tensors });
    expect(found.parts.tensors).not.toBe(before.parts.tensors);
    // the norms lose nothing
    expect(found.tensors.at(-1)).toEqual(before.tensors.at(-1));
  }
});

it('a Hugging Face folder with nothing but tokenizer.json has the vocabulary of the SentencePiece file', async () => {
  await using meta = await openModel(modelFolder('llama2-tiny'));
  const output = memoryOutput();
  await convert(meta, output, { to: 'safetensors' });
  const { 'tokenizer.model': file, ...files } = Object.fromEntries(output.files);
  expect(file).toBeDefined();
  await using hf = await openModel(memoryFolder(files, 'memory/llama2-tiny'));
  expect(hf.vocabulary!.scores).toBeUndefined();
  expect((await fingerprint(hf)).vocabulary).toEqual((await fingerprint(meta)).vocabulary);
});
