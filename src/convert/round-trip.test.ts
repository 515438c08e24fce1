import { describe, expect, it } from 'vitest';

import { verifyFolder } from '../integrity/verify-folder.js';
import { openMetaModel } from '../llama/meta-model.js';
import { openModel } from '../llama/open-model.js';
import { sameBytes } from '../llama/shards.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { openMetaFixture } from '../testing/fixture-models.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { convert } from './convert.js';
import { memoryOutput } from './output.js';

describe.each(TEXT_MODELS)('%s', (name) => {
  it.each(['safetensors', 'gguf'] as const)('is the same model after conversion to %s', async (to) => {
    await using model = await openMetaFixture(name);
    const output = memoryOutput(name);
    await convert(model, output, { to });
    const files = Object.fromEntries(output.files);
    await using again = await openModel(
      to === 'gguf' ? (files[`${name}.gguf`] ?? new Uint8Array()) : memoryFolder(files, name),
    );
    expect(again.config).toEqual(model.config);
    expect(again.vocabulary?.pieces).toEqual(model.vocabulary?.pieces);
    expect([...again.tensors.keys()]).toEqual([...model.tensors.keys()]);
    for (const [key, tensor] of model.tensors) {
      const other = again.tensors.get(key)!;
      if (other.dtype === tensor.dtype) expect(await sameBytes(tensor, other), key).toBe(true);
      else expect(tensor.shape).toHaveLength(1);
    }
  });
});

describe('converted models', () => {
  it.each(['safetensors', 'gguf'] as const)('to %s have their structure checked', async (to) => {
    await using model = await openMetaModel(await openDirectory(modelFolder('llama1-tiny')));
    const output = memoryOutput('x');
    await convert(model, output, { to });
    const report = await verifyFolder(memoryFolder(Object.fromEntries(output.files), 'x'));
    expect(report.structure.status).toBe('consistent');
    expect(report.verdict).toBe('unproven');
  });
});

describe('the rope factor', () => {
  it('can be set by the caller, for every layout', async () => {
    await using model = await openMetaFixture('llama3.2-tiny');
    const gguf = memoryOutput();
    const hf = memoryOutput();
    await convert(model, gguf, { to: 'gguf' });
    await convert(model, hf, { to: 'safetensors' });
    const inputs = [
      await openDirectory(modelFolder('llama3.2-tiny')),
      memoryFolder(Object.fromEntries(hf.files), 'x'),
      gguf.files.get('llama3.2-tiny.gguf')!,
    ];
    for (const input of inputs) {
      await using other = await openModel(input, { ropeFactor: 32 });
      expect(other.config.ropeScaling?.factor).toBe(32);
    }
  });

  it('is refused where nothing is scaled, in every layout alike', async () => {
    await using model = await openModel(await openDirectory(modelFolder('llama2-tiny')));
    const [gguf, hf] = [memoryOutput(), memoryOutput()];
    await convert(model, gguf, { to: 'gguf' });
    await convert(model, hf, { to: 'safetensors' });
    const inputs = [
      await openDirectory(modelFolder('llama2-tiny')),
      memoryFolder(Object.fromEntries(hf.files), 'x'),
      gguf.files.get('llama2-tiny.gguf')!,
    ];
    for (const input of inputs) {
      await expect(openModel(input, { ropeFactor: 32 })).rejects.toMatchObject({
        code: 'llama/contradiction',
        message: expect.stringContaining('a rope factor was given, but') as string,
      });
    }
  });
});
