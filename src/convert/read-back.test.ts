import { beforeAll, describe, expect, it } from 'vitest';

import { planSafetensors } from '../formats/safetensors/plan.js';
import { openMetaModel } from '../llama/meta-model.js';
import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { modelFolder } from '../testing/fixtures.js';
import { convert } from './convert.js';
import { memoryOutput } from './output.js';

type Files = Record<string, Uint8Array>;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

async function converted(name: string, maxShardSize?: number): Promise<Files> {
  await using model = await openMetaModel(await openDirectory(modelFolder(name)));
  const output = memoryOutput(name);
  await convert(model, output, { to: 'safetensors', maxShardSize });
  return Object.fromEntries(output.files);
}

describe('a Hugging Face folder', () => {
  let sharded: Files = {};
  let whole: Files = {};
  beforeAll(async () => {
    sharded = await converted('llama3-tiny', 500_000);
    whole = await converted('llama3.2-tiny');
  });
  const open = (files: Files, name = 'folder') => openModel(memoryFolder(files, name));
  const without = (files: Files, ...names: string[]): Files =>
    Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));
  const withConfig = (change: object): Files => {
    const config = { ...(JSON.parse(decode(whole['config.json'])) as object), ...change };
    return { ...whole, 'config.json': encode(JSON.stringify(config)) };
  };

  it('in shards is read through its index', async () => {
    expect(Object.keys(sharded).filter((name) => name.endsWith('.safetensors')).length).toBeGreaterThan(3);
    await using model = await open(sharded);
    expect(model.tensors.size).toBe(9 * 3 + 3);
  });

  it('without a shard is refused', async () => {
    const first = Object.keys(sharded).find((name) => name.startsWith('model-00001'))!;
    await expect(open(without(sharded, first))).rejects.toMatchObject({
      ...{ code: 'llama/missing-shard', message: `${first} is missing, but the index lists it` },
    });
  });

  it.each([
    ['{', 'not valid JSON'],
    ['{}', 'a weight_map was expected'],
    ['null', 'a JSON object was expected'],
    ['{"weight_map": {}}', 'the weight_map is empty'],
  ])('with the index %s is refused', async (text, message) => {
    const files = { ...sharded, 'model.safetensors.index.json': encode(text) };
    await expect(open(files)).rejects.toMatchObject({
      ...{ code: 'llama/bad-index', message: expect.stringContaining(message) as unknown },
    });
  });

  it('whose index leads out of it is refused', async () => {
    const files = { ...sharded, 'model.safetensors.index.json': encode('{"weight_map": {"x": "../x.safetensors"}}') };
    await expect(open(files)).rejects.toMatchObject({ code: 'source/outside-folder' });
  });

  it('in which a shard is broken is refused', async () => {
    const first = Object.keys(sharded).find((name) => name.startsWith('model-00002'))!;
    await expect(open({ ...sharded, [first]: new Uint8Array(5) })).rejects.toMatchObject({
      code: expect.stringMatching(/^(safetensors|source)\//) as unknown,
    });
  });

  it('in which a tensor lies in two shards is refused', async () => {
    const names = Object.keys(sharded).filter((name) => name.endsWith('.safetensors'));
    const index = JSON.parse(decode(sharded['model.safetensors.index.json'])) as { weight_map: Record<string, string> };
    const twice = { ...sharded, 'other.safetensors': sharded[names[0]!]! };
    const map = { ...index.weight_map, 'another.weight': 'other.safetensors' };
    const files = { ...twice, 'model.safetensors.index.json': encode(JSON.stringify({ weight_map: map })) };
    await expect(open(files)).rejects.toMatchObject({ code: 'llama/bad-index' });
  });

  it('without config.json is refused', async () => {
    await expect(open(without(whole, 'config.json'))).rejects.toMatchObject({ code: 'llama/no-config' });
  });

  it('whose config.json is of another size is refused', async () => {
    await expect(open(withConfig({ intermediate_size: 513 }))).rejects.toMatchObject({
      code: 'llama/wrong-shape',
      message: 'model.layers.0.mlp.gate_proj.weight has shape (512, 256); config.json asks for (513, 256)',
    });
    for (const layers of [3, 1]) {
      await expect(open(withConfig({ num_hidden_layers: layers }))).rejects.toMatchObject({
        ...{ code: 'llama/contradiction' },
        message: `config.json says num_hidden_layers ${layers}, but there are tensors of 2 layers`,
      });
    }
  });

  it('with a tensor that is no part of a Llama is refused, but stored frequencies are skipped', async () => {
    const model = whole['model.safetensors']!;
    await expect(
      open({ ...whole, 'model.safetensors': renameTensor(model, 'model.norm.weight', 'model.what.weight') }),
    ).rejects.toMatchObject({
      code: 'llama/unknown-tensor',
    });
    const frequencies = renameTensor(model, 'model.norm.weight', 'm.rotary_emb.inv_freq');
    await expect(open({ ...whole, 'model.safetensors': frequencies })).rejects.toMatchObject({
      code: 'llama/missing-tensor',
    });
  });

  it('without tokenizer files has no vocabulary', async () => {
    await using model = await open(without(whole, 'tokenizer.json', 'tokenizer_config.json'));
    expect(model.vocabulary).toBeUndefined();
  });

  it('takes the end token from tokenizer_config.json, in both of its forms', async () => {
    const end = async (config: string): Promise<string | undefined> => {
      await using model = await open({ ...whole, 'tokenizer_config.json': encode(config) });
      return model.vocabulary?.pieces[model.vocabulary.eosId];
    };
    expect(await end('{"eos_token": "<|eot_id|>"}')).toBe('<|eot_id|>');
    expect(await end('{"eos_token": {"content": "<|eot_id|>"}}')).toBe('<|eot_id|>');
    expect(await end('{"eos_token": null}')).toBe('<|end_of_text|>');
    for (const broken of ['null', '{', '{"eos_token": {"content": 1}}']) {
      await expect(end(broken)).rejects.toMatchObject({ code: 'llama/bad-config' });
    }
  });

  it('of an instruct model ends its turns', async () => {
    await using meta = await openMetaModel(await openDirectory(modelFolder('llama3.2-tiny')));
    const vocabulary = { ...meta.vocabulary!, eosId: meta.vocabulary!.baseSize + 9 };
    const output = memoryOutput();
    await convert({ ...meta, name: 'tiny-Instruct', vocabulary }, output, { to: 'safetensors' });
    expect(JSON.parse(decode(output.files.get('config.json')))).toMatchObject({ eos_token_id: [769, 776, 777] });
    expect(JSON.parse(decode(output.files.get('generation_config.json')))).toMatchObject({
      do_sample: true,
      temperature: 0.6,
    });
    await using again = await open(Object.fromEntries(output.files));
    expect(again.vocabulary?.eosId).toBe(777);
  });
});

/** The same file with one tensor under another name of its metadata. */
function renameTensor(file: Uint8Array, from: string, to: string): Uint8Array {
  const length = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(decode(file.subarray(8, 8 + length))) as Record<string, unknown>;
  const renamed = Object.fromEntries(Object.entries(header).map(([name, value]) => [name === from ? to : name, value]));
  const text = encode(JSON.stringify(renamed));
  const result = new Uint8Array(8 + text.byteLength + file.byteLength - 8 - length);
  new DataView(result.buffer).setBigUint64(0, BigInt(text.byteLength), true);
  result.set(text, 8);
  result.set(file.subarray(8 + length), 8 + text.byteLength);
  return result;
}

it('renames in a header without touching the data', () => {
  const plan = planSafetensors([{ name: 'a', dtype: 'uint8', shape: [1] }]);
  const file = renameTensor(Uint8Array.of(...plan.header, 7), 'a', 'bb');
  expect(decode(file.subarray(8, -1))).toContain('"bb"');
  expect(file.at(-1)).toBe(7);
});
