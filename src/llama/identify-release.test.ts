import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { SourceError } from '../source/byte-source.js';
import { memoryFolder } from '../source/folder.js';
import { FIXTURES } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, LLAMA_3_2_1B, shapeOnly } from '../testing/release-models.js';
import { countingFolder } from '../testing/small-checkpoints.js';
import { SMALL_CONFIG } from '../testing/synthetic-model.js';
import { type IdentityQuestion, compareFiles, identifyRelease } from './identify-release.js';
import { inspectModel } from './inspect.js';
import type { LlamaConfig } from './model.js';
import { parseParams } from './params.js';

const published = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(FIXTURES, 'published', name)));
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

const ask = (config: LlamaConfig, name = 'my-model'): IdentityQuestion => ({
  ...{ name, kind: 'text', config, params: undefined, tensors: [] },
});

const LLAMA_2_7B: LlamaConfig = {
  ...{ dim: 4096, nLayers: 32, nHeads: 32, nKvHeads: 32, headDim: 128, ffnDim: 11008, vocabSize: 32000 },
  ...{ normEps: 1e-5, ropeTheta: 1e4, ropeScaling: null, contextLength: 4096, tied: false },
};

describe('a text model', () => {
  it('is shaped like a release, whose variant its name may tell', () => {
    expect(identifyRelease(ask(LLAMA_3_2_1B, 'Llama-3.2-1B-Instruct'))).toEqual({
      ...{ certainty: 'shape', name: 'Llama 3.2 1B', releases: ['Llama-3.2-1B', 'Llama-3.2-1B-Instruct'] },
      ...{ variant: 'instruct', variantByName: true, contextLength: 131072, licences: ['llama3.2'], compared: [] },
    });
    expect(identifyRelease(ask(LLAMA_3_2_1B))).toMatchObject({ variant: undefined, variantByName: false });
    expect(identifyRelease(ask({ ...LLAMA_3_2_1B, tied: false }))).toMatchObject({
      ...{ name: 'Llama Guard 3 1B', variant: 'guard', variantByName: false },
    });
    expect(inspectModel(shapeOnly(LLAMA_3_2_1B, 'x')).identity).toMatchObject({ name: 'Llama 3.2 1B' });
  });

  it('of Llama 1 or 2 is told by its context', () => {
    expect(identifyRelease(ask({ ...LLAMA_2_7B, contextLength: 2048 }))).toMatchObject({
      ...{ name: 'Llama 1 7B', releases: ['Llama-1-7B'], licences: ['llama1'], variant: 'base', contextLength: 2048 },
    });
    expect(identifyRelease(ask(LLAMA_2_7B))).toMatchObject({
      ...{ name: 'Llama 2 7B', releases: ['Llama-2-7b', 'Llama-2-7b-chat', 'LlamaGuard-7b'], licences: ['llama2'] },
    });
    expect(identifyRelease(ask({ ...LLAMA_2_7B, contextLength: 777 }))).toMatchObject({
      ...{ name: 'Llama 1 or 2 7B', licences: ['llama1', 'llama2'], contextLength: 777 },
    });
  });

  it('of Code Llama 70B has the context that its base of the rotary frequencies tells', () => {
    const large = { ...LLAMA_2_7B, dim: 8192, nLayers: 80, nHeads: 64, nKvHeads: 8, ffnDim: 28672, vocabSize: 32016 };
    expect(identifyRelease(ask({ ...large, ropeTheta: 1e6, contextLength: 16384 }))).toMatchObject({
      ...{ releases: ['CodeLlama-70b'], variant: 'base', contextLength: 16384 },
    });
    expect(identifyRelease(ask(large))).toMatchObject({
      ...{ releases: ['CodeLlama-70b-Instruct', 'CodeLlama-70b-Python'], contextLength: 4096 },
    });
  });

  it('of a shape that families share is of the one whose name the folder has', () => {
    const seventy = { ...LLAMA_3_1_8B, dim: 8192, nLayers: 80, nHeads: 64, ffnDim: 28672 };
    expect(identifyRelease(ask(seventy))).toMatchObject({
      ...{ name: 'Llama 3.1 or 3.3 70B', variant: undefined, licences: ['llama3.1', 'llama3.3'] },
    });
    expect(identifyRelease(ask(seventy, 'Llama3.3-70B-Instruct'))).toMatchObject({
      ...{ name: 'Llama 3.3 70B', variant: 'instruct', variantByName: true, licences: ['llama3.3'] },
      releases: ['Llama-3.3-70B-Instruct'],
    });
    expect(identifyRelease(ask(seventy, 'Meta-Llama-3.1-70B'))).toMatchObject({
      ...{ name: 'Llama 3.1 70B', variant: undefined, licences: ['llama3.1'] },
    });
    expect(
      identifyRelease(ask({ ...LLAMA_3_1_8B, ropeScaling: null, contextLength: 8192 }, 'Llama-Guard-2-8B')),
    ).toEqual(expect.objectContaining({ name: 'Llama 3 8B', licences: ['llama3'] }));
    expect(identifyRelease(ask(LLAMA_3_1_8B, 'Llama-Guard-3-8B'))).toMatchObject({
      ...{ name: 'Llama 3.1 8B', releases: ['Llama-Guard-3-8B'], variant: 'guard', variantByName: true },
    });
  });

  it('of another shape is none', () => {
    expect(identifyRelease(ask(SMALL_CONFIG))).toBeUndefined();
    expect(identifyRelease({ ...ask(LLAMA_3_2_1B), kind: undefined })).toBeUndefined();
  });
});

describe('models that are more than text', () => {
  const params = (values: object) => parseParams(text(JSON.stringify(values)), 'params.json');
  const other = (kind: IdentityQuestion['kind'], values: object, experts = 0): IdentityQuestion => ({
    ...{ name: 'x', kind, config: undefined, params: params(values) },
    tensors: [{ name: 'layers.1.feed_forward.experts.moe_w_in_eD_F', shape: [experts, 1024] }],
  });
  const vision = { dim: 4096, n_layers: 32, n_heads: 32, vision_num_cross_attention_layers: 8 };
  const llama4 = { dim: 5120, n_layers: 48, n_heads: 40 };

  it.each<[string, IdentityQuestion, number | undefined]>([
    ['Llama 3.2 11B Vision', other('vision', vision), 131072],
    ['Llama 3.2 1B', other('quantized', { dim: 2048, n_layers: 16, n_heads: 32 }), 8192],
    ['Llama 3.1 405B', other('fp8', { dim: 16384, n_layers: 126, n_heads: 128 }), 131072],
    ['Llama 4 Scout', other('llama4', llama4, 16 * 5120), undefined],
    ['Llama 4 Maverick', other('llama4', llama4, 128 * 5120), undefined],
  ])('are told by params.json and the number of experts: %s', (name, question, contextLength) => {
    expect(identifyRelease(question)).toMatchObject({ name, certainty: 'shape', contextLength });
  });

  it('of other sizes are none', () => {
    expect(identifyRelease(other('vision', { ...vision, dim: 64 }))).toBeUndefined();
    expect(identifyRelease({ ...other('vision', vision), params: undefined })).toBeUndefined();
  });
});

describe('the files of a release', () => {
  const name = 'Llama-3.2-1B-Instruct';
  const files = {
    'checklist.chk': published(`${name}.checklist.chk`),
    'params.json': published(`${name}.params.json`),
  };

  it('with the published list are exactly that release, whatever the folder is called', async () => {
    const folder = countingFolder(memoryFolder(files));
    const compared = await compareFiles(folder);
    expect(folder.openFiles()).toBe(0);
    expect(compared).toEqual(
      Object.entries(files).map(([file, bytes]) => ({
        ...{ name: file, sha256: createHash('sha256').update(bytes).digest('hex'), sameAs: [name] },
      })),
    );
    expect(identifyRelease(ask(LLAMA_3_2_1B), compared)).toMatchObject({
      ...{ certainty: 'exact', name, releases: [name], variant: 'instruct', variantByName: false },
    });
  });

  it('are not exactly it when a file is another, or the tensors have another shape', async () => {
    const altered = await compareFiles(memoryFolder({ ...files, 'params.json': text('{}') }));
    expect(identifyRelease(ask(LLAMA_3_2_1B), altered)).toMatchObject({ certainty: 'shape', name: 'Llama 3.2 1B' });
    const compared = await compareFiles(memoryFolder(files));
    expect(identifyRelease(ask(LLAMA_3_1_8B), compared)).toMatchObject({ certainty: 'shape', name: 'Llama 3.1 8B' });
  });

  it('without a list are shaped like it, and their settings tell it from its sisters', async () => {
    const compared = await compareFiles(memoryFolder({ 'params.json': files['params.json'] }));
    expect(identifyRelease(ask(LLAMA_3_2_1B), compared)).toMatchObject({
      ...{ certainty: 'shape', name: 'Llama 3.2 1B', releases: [name], variant: 'instruct' },
    });
  });

  it('may have the tokenizer in the folder above', async () => {
    const parent = memoryFolder({ 'tokenizer.model': text('tokens'), 'params.json': text('of another') });
    const compared = await compareFiles(memoryFolder({}), parent);
    expect(compared).toMatchObject([{ name: 'tokenizer.model', sameAs: [] }]);
  });

  it('are not hashed when they are large', async () => {
    const folder = memoryFolder({ 'tokenizer.model': new Uint8Array((8 << 20) + 1), 'checklist.chk': text('') });
    expect((await compareFiles(folder)).map((file) => file.name)).toEqual(['checklist.chk']);
  });

  it('are left out where they cannot be read, and an abort is no such thing', async () => {
    const folder = memoryFolder(files);
    const failing = (cause: Error) => ({
      ...folder,
      open: async (name: string) => (name === 'params.json' ? Promise.reject(cause) : folder.open(name)),
    });
    const compared = await compareFiles(failing(new SourceError('source/permission', 'reading it is not permitted')));
    expect(compared.map((file) => file.name)).toEqual(['checklist.chk']);
    await expect(compareFiles(failing(new Error('stop')))).rejects.toThrow('stop');
  });

  describe('in a page that may not hash', () => {
    afterEach(() => vi.unstubAllGlobals());

    it('are not compared', async () => {
      vi.stubGlobal('crypto', {});
      expect(await compareFiles(memoryFolder(files))).toEqual([]);
    });
  });
});
