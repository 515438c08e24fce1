import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { openSafetensorsFile } from '../formats/safetensors/read.js';
import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { memorySource } from '../source/memory.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';
import { llama4WithTokenizer } from '../testing/llama4-checkpoint.js';
import { safetensorsBytes } from '../testing/small-checkpoints.js';
import { convert } from './convert.js';
import { memoryOutput } from './output.js';

type Json = Record<string, unknown>;
type Change = (config: { [key: string]: unknown; text_config: Json; vision_config: Json }) => void;

/** The folder of transformers' that is made of a fixture, its weights all zero, with changes. */
async function folderMaker(path: string) {
  await using model = await openModel(await openDirectory(path));
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  const files = Object.fromEntries(output.files);
  await using weights = await openSafetensorsFile(memorySource(files['model.safetensors']!, 'x'));
  const shapes = Object.fromEntries(weights.tensors.map(({ name, shape }) => [name, shape]));
  const text = new TextDecoder().decode(files['config.json']);
  return (change: Change, changed: Record<string, readonly number[] | undefined> = {}) => {
    const config = JSON.parse(text) as Parameters<Change>[0];
    change(config);
    const kept = Object.entries({ ...shapes, ...changed }).filter(
      (entry): entry is [string, readonly number[]] => entry[1] !== undefined,
    );
    return memoryFolder(
      {
        'config.json': new TextEncoder().encode(JSON.stringify(config)),
        'model.safetensors': safetensorsBytes(Object.fromEntries(kept)),
      },
      'hf',
    );
  };
}

const vision = await folderMaker(modelFolder('llama3.2-vision-tiny'));
const llama4 = await folderMaker(join(FIXTURES, 'families', 'llama4-1shard'));
const unchanged: Change = () => {};

describe('a folder of mllama', () => {
  it.each<[string, Change, string, string]>([
    [
      'another number of layers',
      (c) => (c.text_config['num_hidden_layers'] = 8),
      'llama/unsupported',
      "config.json has cross-attention layers 1, 4; with 6 other layers Meta's code has 2, 6",
    ],
    [
      'another number of layers throughout',
      (c) => Object.assign(c.text_config, { num_hidden_layers: 8, cross_attention_layers: [2, 6] }),
      'llama/contradiction',
      'config.json states 8 layers, but there are tensors of 6',
    ],
    [
      'far too many layers',
      (c) => (c.text_config['num_hidden_layers'] = 1e9),
      'llama/missing-tensor',
      'config.json states 1000000000 layers, but there are only 142 tensors',
    ],
    [
      'far too many blocks of the encoder',
      (c) => (c.vision_config['num_hidden_layers'] = 1e9),
      'llama/missing-tensor',
      'config.json states 1000000000 layers',
    ],
    [
      'cross-attention layers elsewhere',
      (c) => (c.text_config['cross_attention_layers'] = [0, 4]),
      'llama/unsupported',
      "cross-attention layers 0, 4; with 4 other layers Meta's code has 1, 4",
    ],
    [
      'no cross-attention layers',
      (c) => (c.text_config['cross_attention_layers'] = []),
      'llama/bad-config',
      'cross_attention_layers must be a list of layers, found []',
    ],
    [
      'only cross-attention layers',
      (c) => (c.text_config['num_hidden_layers'] = 2),
      'llama/unsupported',
      'with 0 other layers',
    ],
    [
      'another vocabulary',
      (c) => (c.text_config['vocab_size'] = 700),
      'llama/wrong-shape',
      'language_model.model.embed_tokens.weight has shape (776, 64); config.json asks for (708, 64)',
    ],
    ['larger tiles', (c) => (c.vision_config['image_size'] = 56), 'llama/wrong-shape', 'config.json asks for (17, 32)'],
    [
      'fewer tiles',
      (c) => (c.vision_config['max_num_tiles'] = 2),
      'llama/unsupported',
      'supported_aspect_ratios are not all arrangements of at most 2 tiles',
    ],
    [
      'more tiles than there can be',
      (c) => (c.vision_config['max_num_tiles'] = 1e9),
      'llama/unsupported',
      'supported_aspect_ratios',
    ],
    [
      'no text_config',
      (c) => delete (c as Json)['text_config'],
      'llama/bad-config',
      'text_config must be an object, found undefined',
    ],
    [
      'no list of joined layers',
      (c) => (c.vision_config['intermediate_layers_indices'] = 3),
      'llama/bad-config',
      'intermediate_layers_indices must be a list of layers',
    ],
    ['quantized weights', (c) => (c['quantization_config'] = {}), 'llama/unsupported', 'the weights are quantized'],
    [
      'the type of its text part',
      (c) => (c['model_type'] = 'mllama_text_model'),
      'llama/unsupported',
      'this is the text part of a Llama 3.2 Vision without its encoder',
    ],
    [
      'an unknown type',
      (c) => (c['model_type'] = 'qwen2'),
      'llama/unsupported',
      'model_type is "qwen2", only "llama", "mllama", "llama4"',
    ],
  ])('with %s is refused', async (_, change, code, message) => {
    await expect(openModel(vision(change))).rejects.toMatchObject({
      ...{ code, message: expect.stringContaining(message) as unknown },
    });
  });

  it.each([
    [
      'vision_model.class_embedding',
      undefined,
      'llama/missing-tensor',
      'the tensor vision_model.class_embedding is missing',
    ],
    [
      'vision_model.other',
      [4],
      'llama/unknown-tensor',
      'the tensor vision_model.other is not a part of a Llama 3.2 Vision with this config.json',
    ],
    [
      'model.vision_model.class_embedding',
      [32],
      'llama/bad-index',
      'the tensor vision_model.class_embedding lies in two files',
    ],
  ])('with %s of shape %j is refused', async (name, shape, code, message) => {
    await expect(openModel(vision(unchanged, { [name]: shape }))).rejects.toMatchObject({ code, message });
  });

  it('whose table has unlike embeddings of one tile is refused where weights are looked at', async () => {
    await using model = await openModel(await openDirectory(modelFolder('llama3.2-vision-tiny')));
    const output = memoryOutput();
    await convert(model, output, { to: 'safetensors' });
    const files = Object.fromEntries(output.files);
    const bytes = files['model.safetensors']!.slice();
    await using weights = await openSafetensorsFile(memorySource(bytes, 'x'));
    const name = 'vision_model.pre_tile_positional_embedding.embedding.weight';
    const table = weights.tensors.find((tensor) => tensor.name === name)!;
    const at = table.fileOffset! + 2 * 4 * 32 * 2; // the first tile of the second arrangement, which the first has too
    bytes[at]! ^= 1;
    await using changed = await openModel(memoryFolder({ ...files, 'model.safetensors': bytes }, 'hf'));
    await expect(changed.expectConsistentWeights()).rejects.toMatchObject({
      ...{ code: 'llama/not-replicated', message: expect.stringContaining(name) as unknown },
    });
  });
});

describe('a folder of Llama 4', () => {
  it.each<[string, Change, string, string]>([
    [
      'another number of layers',
      (c) => (c.text_config['num_hidden_layers'] = 8),
      'llama/unsupported',
      'no_rope_layers is [1,1,1,0]',
    ],
    [
      'another number of layers alone',
      (c) => Object.assign(c.text_config, { num_hidden_layers: 8, no_rope_layers: [] }),
      'llama/contradiction',
      'config.json states 8 layers, but there are tensors of 4',
    ],
    [
      'experts in other layers',
      (c) => (c.text_config['moe_layers'] = [0, 2]),
      'llama/contradiction',
      'moe_layers is [0,2], but interleave_moe_layer_step gives [1,3]',
    ],
    [
      'experts in every layer',
      (c) => (c.text_config['interleave_moe_layer_step'] = 1),
      'llama/missing-tensor',
      'tensors are missing, first language_model.model.layers.0.feed_forward.experts.gate_up_proj',
    ],
    [
      'another number of experts',
      (c) => (c.text_config['num_local_experts'] = 8),
      'llama/wrong-shape',
      'has shape (4, 64, 256); config.json asks for (8, 64, 256)',
    ],
    [
      'experts of another width',
      (c) => (c.text_config['intermediate_size'] = 64),
      'llama/wrong-shape',
      'config.json asks for (4, 64, 128)',
    ],
    [
      'no width of dense layers',
      (c) => delete c.text_config['intermediate_size_mlp'],
      'llama/bad-config',
      'intermediate_size is missing',
    ],
    [
      'rotary embeddings in odd places',
      (c) => (c.text_config['no_rope_layers'] = [0, 1, 1, 0]),
      'llama/unsupported',
      'which is not one layer in every so many',
    ],
    [
      'no encoder',
      (c) => delete (c as Json)['vision_config'],
      'llama/unknown-tensor',
      'tensors are not a part of a Llama 4 with this config.json, first multi_modal_projector',
    ],
    [
      'a far too deep encoder',
      (c) => (c.vision_config['num_hidden_layers'] = 1e9),
      'llama/missing-tensor',
      'config.json states 1000000000 layers',
    ],
  ])('with %s is refused', async (_, change, code, message) => {
    await expect(openModel(llama4(change))).rejects.toMatchObject({
      ...{ code, message: expect.stringContaining(message) as unknown },
    });
  });

  it('may name where experts and rotary embeddings are, as newer versions do, or leave it to the releases', async () => {
    for (const [given, interval] of [
      [{ moe_layers: [1, 3], no_rope_layers: [] }, 4],
      [{ no_rope_layers: [1, 1, 1, 1] }, undefined],
    ] as const) {
      // prettier-ignore
      await using model = await openModel(llama4((config) => Object.assign(config.text_config, given)));
      expect(model.family).toMatchObject({ kind: 'llama4', nopeLayerInterval: interval, moe: { layerStep: 2 } });
    }
  });

  it('may be its text part alone, under the names that this has', async () => {
    const whole = llama4(unchanged);
    await using before = await openModel(whole);
    const text = llama4((config) => {
      const { text_config: own } = config;
      for (const key of Object.keys(config)) Reflect.deleteProperty(config, key);
      Object.assign(config, own);
    });
    await using weights = await openSafetensorsFile(await text.open('model.safetensors'));
    const shapes = weights.tensors.flatMap(({ name, shape }): [string, readonly number[]][] =>
      name.startsWith('language_model.') ? [[name.slice('language_model.'.length), shape]] : [],
    );
    const source = await text.open('config.json');
    const config = await source.read(0, source.size);
    const files = { 'config.json': config, 'model.safetensors': safetensorsBytes(Object.fromEntries(shapes)) };
    await using model = await openModel(memoryFolder(files, 'text'));
    expect(model.config).toEqual(before.config);
    expect(model.family).toEqual({ ...before.family, vision: undefined });
    expect([...model.tensors.keys()]).toEqual([...before.tensors.keys()].filter((name) => !name.startsWith('vision_')));
    const made = memoryOutput();
    await convert(model, made, { to: 'safetensors' });
    const spelled = new TextDecoder();
    // the type is that of the weights, which this folder states wrongly
    const stated = spelled.decode(config).replace('"torch_dtype":"bfloat16"', '"torch_dtype":"float32"');
    expect(spelled.decode(made.files.get('config.json'))).toBe(stated);
    await using again = await openModel(memoryFolder(Object.fromEntries(made.files), 'again'));
    expect([again.config, again.family]).toEqual([model.config, model.family]);
    expect([...again.tensors.keys()]).toEqual([...model.tensors.keys()]);
    const anew = memoryOutput();
    await convert({ ...model, hf: undefined }, anew, { to: 'safetensors' });
    expect(JSON.parse(new TextDecoder().decode(anew.files.get('config.json')))).toMatchObject({
      ...{ model_type: 'llama4_text', architectures: ['Llama4ForCausalLM'] },
    });
    await using fromNone = await openModel(memoryFolder(Object.fromEntries(anew.files), 'anew'));
    expect([fromNone.config, fromNone.family]).toEqual([model.config, model.family]);
  });
});

describe.each([
  ['mllama', vision],
  ['Llama 4', llama4],
] as const)('a folder made of one of %s', (_, folder) => {
  it('keeps what config.json says, but the type of the weights and a rope factor that is given', async () => {
    const own: Change = (config) => {
      Object.assign(config, { image_token_index: 7, mine: { a: [1] } });
      Object.assign(config.text_config, { bos_token_id: 3, pad_token_id: 4 });
      Object.assign(config.vision_config, { norm_eps: 1e-6, hidden_act: 'quick_gelu' });
    };
    const place = folder(own);
    await using model = await openModel(place, { ropeFactor: 4 });
    const output = memoryOutput();
    await convert(model, output, { to: 'safetensors', type: 'f16' });
    const source = await place.open('config.json');
    const before = JSON.parse(new TextDecoder().decode(await source.read(0, source.size))) as Parameters<Change>[0];
    const after = JSON.parse(new TextDecoder().decode(output.files.get('config.json'))) as Json;
    for (const part of [before, before.text_config, before.vision_config]) part['torch_dtype'] = 'float16';
    Object.assign(before.text_config['rope_scaling'] as Json, { factor: 4 });
    expect(after).toEqual(before);
  });
});

describe.each([
  ['mllama', vision],
  ['Llama 4', llama4],
] as const)('token ids in text_config of %s', (_, folder) => {
  it.each<[string, unknown, string]>([
    ['eos_token_id', 99999, 'llama/contradiction'],
    ['bos_token_id', 'x', 'llama/bad-config'],
  ])('are looked at: %s %j', async (key, value, code) => {
    await expect(openModel(folder((config) => (config.text_config[key] = value)))).rejects.toMatchObject({
      ...{ code, message: expect.stringContaining(key) as unknown },
    });
  });
});

it('an end token in text_config that is not the tokenizer’s is told', async () => {
  await using model = await openModel(await llama4WithTokenizer('x-Instruct'));
  const output = memoryOutput();
  await convert(model, output, { to: 'safetensors' });
  const files = Object.fromEntries(output.files);
  const config = JSON.parse(new TextDecoder().decode(files['config.json'])) as Parameters<Change>[0];
  config.text_config['eos_token_id'] = 5;
  const changed = { ...files, 'config.json': new TextEncoder().encode(JSON.stringify(config)) };
  await using again = await openModel(memoryFolder(changed, 'x-Instruct'));
  expect(again.decisions.map(({ about }) => about)).toContain('end of text');
});
