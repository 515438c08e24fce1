import { describe, expect, it } from 'vitest';

import { type TorchEntryWithData, torchEntry, writeTorchFile } from '../formats/torch/write.js';
import { memorySink } from '../source/byte-sink.js';
import { memoryFolder } from '../source/folder.js';
import { countingFolder, pthBytes, smallHfFiles, smallHfShapes } from '../testing/small-checkpoints.js';
import { syntheticModel } from '../testing/synthetic-model.js';
import { openHfModel } from './hf-model.js';
import { inspectFolder } from './inspect.js';
import { expectNameInLayout, rotaryHeads } from './layout.js';
import type { LlamaModel } from './model.js';
import { openModel } from './open-model.js';
import { toHfRowOrder } from './row-order.js';
import { sameBytes } from './shards.js';
import { renamed } from './views.js';

type Files = Record<string, Uint8Array>;

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const INDEX = 'pytorch_model.bin.index.json';

async function torchBytesOf(entries: readonly TorchEntryWithData[]): Promise<Uint8Array> {
  const sink = memorySink();
  await writeTorchFile(sink, entries, { archiveName: 'pytorch_model', root: 'OrderedDict' });
  return sink.bytes();
}

/** The model as transformers of 2022 saved it, its tensors dealt out to so many files. */
async function oldFolder(model: LlamaModel, shards: number): Promise<Files> {
  const { config } = model;
  const entries = [...model.tensors].map(([name, tensor]) => {
    const ordered = rotaryHeads(name, config) === undefined ? tensor : toHfRowOrder(tensor, config.headDim);
    return torchEntry(renamed(ordered, expectNameInLayout(name, 'hf')));
  });
  const { dim, nHeads, nKvHeads, nLayers, ffnDim, vocabSize } = config;
  const stated = {
    ...{ hidden_size: dim, num_attention_heads: nHeads, num_key_value_heads: nKvHeads, num_hidden_layers: nLayers },
    ...{ intermediate_size: ffnDim, vocab_size: vocabSize, rms_norm_eps: 1e-5, model_type: 'llama' },
  };
  const files: Files = { 'config.json': encode(JSON.stringify(stated)) };
  if (shards === 1) return { ...files, 'pytorch_model.bin': await torchBytesOf(entries) };
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const name = `pytorch_model-0000${shard + 1}-of-0000${shards}.bin`;
    const own = entries.filter((_, index) => index % shards === shard);
    for (const entry of own) weightMap[entry.name] = name;
    files[name] = await torchBytesOf(own);
  }
  return { ...files, [INDEX]: encode(JSON.stringify({ metadata: {}, weight_map: weightMap })) };
}

describe('a folder with pytorch_model.bin', () => {
  it.each([1, 3])('in %i files is the model that was saved', async (shards) => {
    const saved = syntheticModel({}, 'float16');
    const files = await oldFolder(saved, shards);
    const folder = countingFolder(memoryFolder(files, 'old'));
    await using model = await openModel(folder);
    expect(model.layout).toBe('hf');
    expect([...model.tensors.keys()]).toEqual([...saved.tensors.keys()]);
    for (const [name, tensor] of saved.tensors) {
      expect(await sameBytes(tensor, model.tensors.get(name)!), name).toBe(true);
    }
    expect(folder.openFiles()).toBe(shards);
    const { shardCount, byteLength } = await inspectFolder(memoryFolder(files, 'old'));
    const weights = Object.entries(files).filter(([name]) => name.endsWith('.bin'));
    expect(shardCount).toBe(shards);
    expect(byteLength).toBe(weights.reduce((sum, [, bytes]) => sum + bytes.byteLength, 0));
  });

  it('may hold the frequencies of old transformers, which follow from theta', async () => {
    const shapes = { ...smallHfShapes(), 'model.layers.0.self_attn.rotary_emb.inv_freq': [2] };
    const { 'model.safetensors': _, ...files } = smallHfFiles();
    const bytes = await pthBytes(shapes);
    await using model = await openHfModel(memoryFolder({ ...files, 'pytorch_model.bin': bytes }, 'x'));
    expect(model.tensors.size).toBe(11);
  });

  it('is not read where safetensors are there too', async () => {
    await using model = await openHfModel(memoryFolder({ ...smallHfFiles(), 'pytorch_model.bin': encode('x') }, 'x'));
    expect(model.tensors.size).toBe(11);
  });

  it('is refused with its files closed when one is missing or broken', async () => {
    const files = await oldFolder(syntheticModel(), 2);
    const { 'pytorch_model-00002-of-00002.bin': second, ...missing } = files;
    const cases: [Files, RegExp][] = [
      [missing, /^llama\/missing-shard$/],
      [{ ...files, 'pytorch_model-00002-of-00002.bin': second!.subarray(0, 100) }, /^(?:zip|source|torch)\//],
      [{ ...files, [INDEX]: encode('{"weight_map": 1}') }, /^llama\/bad-index$/],
      [{ 'pytorch_model.bin': encode('x') }, /^llama\/no-config$/],
    ];
    for (const [broken, code] of cases) {
      const folder = countingFolder(memoryFolder(broken, 'x'));
      await expect(openModel(folder)).rejects.toMatchObject({ code: expect.stringMatching(code) as unknown });
      expect(folder.openFiles()).toBe(0);
    }
  });
});
