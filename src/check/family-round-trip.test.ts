import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { compareModels } from './compare-models.js';
import { diffModels } from './diff-models.js';
import { forward } from '../forward/forward.js';
import { fingerprintModel } from '../integrity/fingerprint.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { parseLock } from '../integrity/parse-lock.js';
import { verifyFolder } from '../integrity/verify-folder.js';
import { inspectFolder } from '../llama/inspect.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { type Folder, memoryFolder } from '../source/folder.js';
import { FIXTURES, expectedJson, expectedPath, modelFolder, readNpy } from '../testing/fixtures.js';
import { llama4TokenizerFile, llama4WithTokenizer } from '../testing/llama4-checkpoint.js';
import { Tokenizer } from '../tokenizer/tokenizer.js';
import { tokenizerModelBytes } from '../tokenizer/tokenizer-model-write.js';
import { convert, planConversion, runPlan } from '../convert/convert.js';
import { planWithLock } from '../convert/lock-plan.js';
import { memoryOutput } from '../convert/output.js';

const VISION = modelFolder('llama3.2-vision-tiny');
const FOLDERS: [string, () => Promise<Folder>][] = [
  ['vision', () => openDirectory(VISION)],
  ['vision of 2 shards', () => openDirectory(join(FIXTURES, 'families', 'vision-2shards'))],
  ['Llama 4', () => openDirectory(join(FIXTURES, 'families', 'llama4-1shard'))],
  ['Llama 4 of 2 shards', () => openDirectory(join(FIXTURES, 'families', 'llama4-2shards'))],
  ['Llama 4 with a tokenizer', () => llama4WithTokenizer('x')],
  ['Llama 4 Instruct with a tokenizer', () => llama4WithTokenizer('x-Instruct')],
];

async function toHf(model: LlamaModel): Promise<Record<string, Uint8Array>> {
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  return Object.fromEntries(output.files);
}

const fingerprint = async (model: LlamaModel): Promise<string> =>
  (await fingerprintModel(model, { createHasher: createNodeHasher })).sha256;

describe.each(FOLDERS)('%s', (_, folder) => {
  it('is the same model in the layout of transformers', async () => {
    await using model = await openModel(await folder());
    const files = await toHf(model);
    await using again = await openModel(memoryFolder(files, model.name));
    expect(again.layout).toBe('hf');
    expect(again.config).toEqual({ ...model.config, tied: false });
    expect([...again.tensors.keys()].filter((name) => name !== 'output.weight')).toEqual(
      [...model.tensors.keys()].filter((name) => name !== 'output.weight'),
    );
    expect(await fingerprint(again)).toBe(await fingerprint(model));
    const { verdict, findings } = await compareModels(model, again);
    expect([verdict, findings.filter(({ level }) => level !== 'note')]).toEqual(['same', []]);
  });

  it('becomes the same folder again, byte for byte', async () => {
    await using model = await openModel(await folder());
    const files = await toHf(model);
    await using again = await openModel(memoryFolder(files, model.name));
    const others = await toHf(again);
    expect(Object.keys(others).sort()).toEqual(Object.keys(files).sort());
    for (const [name, bytes] of Object.entries(files)) {
      expect(Buffer.from(others[name]!).equals(bytes), name).toBe(true); // `toEqual` goes byte by byte: a minute
    }
  });

  it('is verified and inspected there, and told as from Meta’s folder', async () => {
    await using model = await openModel(await folder());
    const place = memoryFolder(await toHf(model), model.name);
    const report = await verifyFolder(place);
    expect([report.verdict, report.structure.error]).toEqual(['unproven', undefined]);
    const [meta, hf] = [await inspectFolder(await folder()), await inspectFolder(place)];
    expect([hf.kind, hf.notes, hf.parameterCount]).toEqual([meta.kind, meta.notes, meta.parameterCount]);
    expect(hf.tokenizer).toEqual(meta.tokenizer);
  });

  it('has its fingerprint in the lock file', async () => {
    await using model = await openModel(await folder());
    const options = { to: 'safetensors' } as const;
    const given = { toolVersion: '1', source: { name: 'x', layout: 'meta', files: [] }, options } as const;
    const plan = await planWithLock(planConversion(model, options), model, {
      ...given,
      createHasher: createNodeHasher,
    });
    const output = memoryOutput();
    await runPlan(plan, output);
    const name = plan.files.at(-1)!.name;
    const { predicate } = parseLock(output.files.get(name)!, name);
    expect(predicate.model?.fingerprint).toBe(await fingerprint(model));
  });
});

it('computes the logits of Meta’s multimodal code for text alone from the layout of transformers too', async () => {
  await using model = await openModel(await openDirectory(VISION));
  await using hf = await openModel(memoryFolder(await toHf(model), 'hf'));
  const { prompt } = expectedJson<{ prompt: number[] }>('llama3.2-vision-tiny', 'expected.json');
  const expected = readNpy(expectedPath('llama3.2-vision-tiny', 'logits_text_only.npy'));
  const { logits } = await forward(hf, prompt);
  expect(logits).toHaveLength(expected.data.length);
  const worst = logits.reduce((most, logit, i) => Math.max(most, Math.abs(logit - expected.data[i]!)), 0);
  expect(worst).toBeLessThanOrEqual(1e-4);
});

it.each(['x', 'x-Instruct'])('the tokenizer of Llama 4 goes along: %s', async (name) => {
  await using model = await openModel(await llama4WithTokenizer(name));
  const { vocabulary } = model;
  expect(vocabulary?.pieces[vocabulary.eosId]).toBe(name === 'x' ? '<|end_of_text|>' : '<|eot|>');
  const files = await toHf(model);
  const json = (file: string): unknown => JSON.parse(new TextDecoder().decode(files[file]));
  const ids = { bos_token_id: 800, eos_token_id: name === 'x' ? 801 : [801, 807, 808], pad_token_id: 818 };
  expect(json('generation_config.json')).toMatchObject(ids);
  const images = { boi_token_index: 880, eoi_token_index: 881, image_token_index: 892 };
  expect(json('config.json')).toMatchObject({ ...images, text_config: ids });
  await using hf = await openModel(memoryFolder(files, name));
  expect(hf.vocabulary?.generation).toBe('llama4');
  const text = "HTTPServer isn't 你好ABC //\n";
  expect(new Tokenizer(hf.vocabulary!).encode(text)).toEqual(new Tokenizer(vocabulary!).encode(text));
  expect(tokenizerModelBytes(hf.vocabulary!)).toEqual(llama4TokenizerFile());
});

describe('one setting of config.json changed', () => {
  type Json = Record<string, Record<string, unknown>>;
  it.each<[string, string, string, unknown, string]>([
    ['llama4', 'text_config', 'num_experts_per_tok', 2, 'moe.topK'],
    ['llama4', 'text_config', 'use_qk_norm', false, 'useQkNorm'],
    ['llama4', 'text_config', 'no_rope_layers', [1, 0, 1, 0], 'nopeLayerInterval'],
    ['llama4', 'text_config', 'attention_chunk_size', 32, 'attentionChunkSize'],
    ['llama4', 'text_config', 'attn_temperature_tuning', true, 'attentionTemperature.scale'],
    ['llama4', 'vision_config', 'num_attention_heads', 4, 'vision.nHeads'],
    ['vision', 'vision_config', 'attention_heads', 8, 'encoder.heads'],
    ['vision', 'vision_config', 'intermediate_layers_indices', [0, 1], 'encoder.joined'],
  ])('in %s, %s.%s to %j, is another model', async (kind, section, key, value, subject) => {
    const path = kind === 'vision' ? VISION : join(FIXTURES, 'families', 'llama4-1shard');
    await using model = await openModel(await openDirectory(path));
    const files = await toHf(model);
    const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as Json;
    expect(config[section]![key]).not.toEqual(value);
    config[section]![key] = value;
    const changed = { ...files, 'config.json': new TextEncoder().encode(JSON.stringify(config)) };
    await using a = await openModel(memoryFolder(files, 'a'));
    await using b = await openModel(memoryFolder(changed, 'b'));
    const { verdict, findings } = await compareModels(a, b, { logits: false });
    expect([verdict, findings.map((finding) => finding.subject)]).toEqual([
      'different',
      expect.arrayContaining([subject]),
    ]);
    expect((await diffModels(a, b)).equal).toBe(false);
    expect(await fingerprint(a)).not.toBe(await fingerprint(b));
  });
});
