/**
 * Every text model of the fixtures, and the families that differ from them by their hyperparameters alone, from Meta's
 * layout through all others and back: the same fingerprints after each step, and the same bytes whichever way they came.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openSafetensorsFile } from '../formats/safetensors/read.js';
import { rowCountOf } from '../formats/tensor.js';
import { type TorchEntryWithData, writeTorchFile } from '../formats/torch/write.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { type ModelFingerprint, fingerprintModel } from '../integrity/fingerprint.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { convert } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

type Files = Record<string, Uint8Array>;

/** A model's files in memory, with other hyperparameters where its family is told by them. */
interface Case {
  readonly like: string;
  readonly name: string;
  readonly params?: Readonly<Record<string, unknown>>;
  /** Types that are read as another: the first step has to name one. */
  readonly type?: 'f32';
  /** Whether its context is another than that of a plain folder of its shape, in which params.json has no place for it. */
  readonly narrow?: true;
}

const CASES: readonly Case[] = [
  ...TEXT_MODELS.map((name): Case => ({ like: name, name })),
  { like: 'llama2-tiny', name: 'code-llama-tiny', params: { rope_theta: 1_000_000 } },
  { like: 'llama3-tiny', name: 'llama3.1-tiny-instruct', params: { use_scaled_rope: true } },
  { like: 'llama3-tiny-4shards', name: 'llama-guard-3-tiny', params: { use_scaled_rope: true } },
  { like: 'llama3.2-spinquant-tiny', name: 'llama3.2-spinquant-tiny', type: 'f32', narrow: true },
  { like: 'llama3.2-qlora-tiny', name: 'llama3.2-qlora-tiny', type: 'f32', narrow: true },
  { like: 'llama3.1-fp8-tiny', name: 'llama3.1-fp8-tiny', type: 'f32' },
];

function sourceOf({ like, params }: Case): Files {
  const folder = modelFolder(like);
  const names = readdirSync(folder).filter((name) => name !== 'expected');
  const files: Files = Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name))]));
  if (params === undefined) return files;
  const stated = JSON.parse(new TextDecoder().decode(files['params.json'])) as object;
  return { ...files, 'params.json': new TextEncoder().encode(JSON.stringify({ ...stated, ...params })) };
}

const opened = (files: Files, name: string): Promise<LlamaModel> => openModel(memoryFolder(files, `memory/${name}`));

async function converted(model: LlamaModel, options: ConvertOptions): Promise<Files> {
  const output = memoryOutput();
  await convert(model, output, options);
  return Object.fromEntries(output.files);
}

const fingerprint = (model: LlamaModel): Promise<ModelFingerprint> =>
  fingerprintModel(model, { createHasher: createNodeHasher });

/**
 * The same bytes in every file but those that a layout has no place for: how a SentencePiece model was trained, and the
 * spelling of the params.json that Meta's folder came with. With them goes the list of all hashes.
 */
function expectSameFiles(found: Files, expected: Files, except = /^tokenizer\.model$/): void {
  const compared = Object.keys(expected).filter((name) => !except.test(name));
  expect(Object.keys(found).filter((name) => !except.test(name))).toEqual(compared);
  // told by name, as the difference of two models is no message
  for (const name of compared) expect(Buffer.from(found[name]!).equals(expected[name]!), name).toBe(true);
}

/** What may differ between two folders of Meta's that were made of different layouts. */
const NOT_WEIGHTS = /^(tokenizer\.model|.*\.chk)$/;
/** What may differ from a folder that was made of one of Meta's. */
const NOT_MADE = /^(params\.json|tokenizer\.model|.*\.chk)$/;

/** A folder of Hugging Face's with its weights as old transformers pickled them. */
async function pickled({ 'model.safetensors': weights, ...others }: Files): Promise<Files> {
  await using file = await openSafetensorsFile(memorySource(weights!, 'model.safetensors'));
  const entries = file.tensors.map((tensor): TorchEntryWithData => ({
    ...{ name: tensor.name, dtype: tensor.dtype, shape: tensor.shape },
    async *produce() {
      yield await tensor.readRows(0, rowCountOf(tensor.shape));
    },
  }));
  const chunks: Uint8Array[] = [];
  let position = 0;
  const sink = {
    get position() {
      return position;
    },
    write: async (bytes: Uint8Array) => {
      chunks.push(Uint8Array.from(bytes));
      position += bytes.byteLength;
    },
  };
  await writeTorchFile(sink, entries, { archiveName: 'pytorch_model', root: 'OrderedDict' });
  return { ...others, 'pytorch_model.bin': Buffer.concat(chunks) };
}

describe.each(CASES.map((each) => [each.name, each] as const))('%s', (_, each) => {
  const { name, type } = each;

  it('is the same model through every layout and back, and the same bytes from each', async () => {
    await using source = await opened(sourceOf(each), name);
    const expected = await fingerprint(source);
    const step = async (from: Files | LlamaModel, options: ConvertOptions): Promise<Files> => {
      await using model = 'tensors' in from ? undefined : await opened(from, name);
      const files = await converted((model ?? from) as LlamaModel, options);
      await using again = await opened(files, name);
      expect(await fingerprint(again), options.to).toEqual(expected);
      return files;
    };
    const hf = await step(source, { to: 'safetensors', type });
    const gguf = await step(hf, { to: 'gguf' });
    expectSameFiles(await step(source, { to: 'gguf', type }), gguf);
    const meta = await step(gguf, { to: 'meta' });
    expectSameFiles(await step(hf, { to: 'meta' }), meta, NOT_WEIGHTS);
    const ggufAgain = await step(meta, { to: 'gguf' });
    const hfAgain = await step(ggufAgain, { to: 'safetensors' });
    expectSameFiles(await step(hfAgain, { to: 'safetensors' }), hfAgain);
    expectSameFiles(await step(hfAgain, { to: 'meta' }), meta, NOT_WEIGHTS);
    if (each.narrow === undefined) {
      expectSameFiles(ggufAgain, gguf);
      expectSameFiles(hfAgain, hf);
    }
    // all types wide enough lose nothing
    const wide = await step(gguf, { to: 'gguf', type: 'f32' });
    expectSameFiles(await step(wide, { to: 'gguf', type: 'f32' }), wide);
  });

  it.each([1, 2, 4])('is the same model in %i shards of Meta’s', async (shards) => {
    await using source = await opened(sourceOf(each), name);
    const expected = await fingerprint(source);
    const options: ConvertOptions = { to: 'meta', shards, type };
    if (source.config.nKvHeads % shards !== 0) {
      await expect(converted(source, options)).rejects.toMatchObject({ code: 'convert/bad-option' });
      return;
    }
    const meta = await converted(source, options);
    await using cut = await opened(meta, name);
    expect(await fingerprint(cut)).toEqual(expected);
    await using gguf = await opened(await converted(cut, { to: 'gguf' }), name);
    expect(await fingerprint(gguf)).toEqual(expected);
    await using hf = await opened(await converted(gguf, { to: 'safetensors' }), name);
    expectSameFiles(await converted(hf, { to: 'meta', shards }), meta, NOT_MADE);
  });

  it('is the same model in pytorch_model.bin', async () => {
    await using source = await opened(sourceOf(each), name);
    const hf = await converted(source, { to: 'safetensors', type });
    await using old = await opened(await pickled(hf), name);
    expect(await fingerprint(old)).toEqual(await fingerprint(source));
    expectSameFiles(await converted(old, { to: 'safetensors' }), hf);
    expectSameFiles(await converted(old, { to: 'gguf' }), await converted(source, { to: 'gguf', type }));
  });
});
