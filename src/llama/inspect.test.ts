import { describe, expect, it } from 'vitest';

import { openTensorFile } from '../formats/open.js';
import { openFileSource } from '../source/file.js';
import { openDirectory } from '../source/directory.js';
import { memoryFolder } from '../source/folder.js';
import { readFile } from '../source/whole.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import {
  type Shapes,
  countingFolder,
  ggufBytes,
  pthBytes,
  safetensorsBytes,
  smallHfFiles,
} from '../testing/small-checkpoints.js';
import { openMetaCheckpoint } from './meta-checkpoint.js';
import { inspectFile, inspectFolder, inspectLooseFiles } from './inspect.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const PARAMS = { dim: 8, n_layers: 1, n_heads: 2 };

/** Parameters of the small model: 6·8 + 4·8·8 + 3·16·8 + 3·8. */
const SMALL_COUNT = 48 + 256 + 384 + 24;

describe.each(TEXT_MODELS)('inspecting %s', (name) => {
  it('says what its files say', async () => {
    const folder = await openDirectory(modelFolder(name));
    const inspection = await inspectFolder(folder);
    const files = await folder.list();
    const shards = files.filter((file) => file.name.endsWith('.pth'));
    expect(inspection).toMatchObject({
      ...{ path: modelFolder(name), name, layout: 'meta', kind: 'text', release: undefined, files, notes: [] },
      ...{ shardCount: shards.length, byteLength: shards.reduce((sum, { size }) => sum + size, 0) },
    });
    const { bos, eos, vocab_size } = expectedJson<Record<'bos' | 'eos' | 'vocab_size', number>>(name, 'expected.json');
    const kind = name.startsWith('llama3') ? 'byte-level-bpe' : 'sentencepiece';
    expect(inspection.tokenizer).toMatchObject({ kind, size: vocab_size, bosId: bos, eosId: eos });
    const params = JSON.parse(new TextDecoder().decode(await readFile(folder, 'params.json', 1e4))) as object;
    expect(inspection.params).toMatchObject(params);
    const bytes = inspection.tensors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    expect(bytes).toBe(2 * inspection.parameterCount);
    expect(inspection).toMatchObject({ bitsPerWeight: 16, types: [{ bitsPerWeight: 16 }], fileType: undefined });
    expect(inspection.groups.reduce((sum, group) => sum + group.byteLength, 0)).toBe(bytes);
  });
});

describe('inspecting a file', () => {
  it('counts a tensor under two names once', async () => {
    const source = await openFileSource(`${modelFolder('llama3.2-tiny')}/consolidated.00.pth`);
    await using file = await openTensorFile(source);
    const inspection = inspectFile(file);
    const { n_params } = expectedJson<{ n_params: number }>('llama3.2-tiny', 'expected.json');
    expect(inspection).toMatchObject({
      ...{ layout: 'file', kind: undefined, config: undefined, tokenizer: undefined, name: 'consolidated.00.pth' },
      ...{ shardCount: 1, byteLength: source.size, parameterCount: n_params },
    });
    expect(inspection.types).toMatchObject([{ dtype: 'bfloat16', tensorCount: 20, byteLength: 2 * n_params }]);
    const both = inspection.tensors.filter(({ name }) => /^(?:output|tok_embeddings)\.weight$/.test(name));
    expect(both).toHaveLength(2);
    expect(both[0]).toMatchObject({ dtype: 'bfloat16', shape: both[1]?.shape });
  });
});

describe('inspecting converted models', () => {
  it('knows a folder of Hugging Face', async () => {
    const files = smallHfFiles();
    const folder = countingFolder(memoryFolder({ ...files, 'README.md': new Uint8Array(9) }, 'models/small'));
    const inspection = await inspectFolder(folder);
    expect(inspection).toMatchObject({
      ...{ path: 'models/small', name: 'small', layout: 'hf', kind: 'text', params: undefined, tokenizer: undefined },
      ...{ shardCount: 1, byteLength: files['model.safetensors']?.byteLength, parameterCount: SMALL_COUNT },
      ...{ notes: ['there is no tokenizer'], files: await folder.list() },
    });
    expect(inspection.tensors[0]).toEqual({
      ...{ name: 'tok_embeddings.weight', dtype: 'float32', shape: [6, 8], byteLength: 192 },
    });
    expect(folder.openFiles()).toBe(0);
  });

  it('knows a folder with one GGUF file', async () => {
    const bytes = ggufBytes();
    const folder = countingFolder(memoryFolder({ 'small.gguf': bytes, 'README.md': new Uint8Array(9) }, 'models'));
    expect(await inspectFolder(folder)).toMatchObject({
      ...{ path: 'models/small.gguf', name: 'small', layout: 'gguf', shardCount: 1, byteLength: bytes.byteLength },
      ...{ parameterCount: SMALL_COUNT, files: [{ name: 'README.md' }, { name: 'small.gguf' }] },
    });
    expect(folder.openFiles()).toBe(0);
  });
});

describe('inspecting what cannot be converted', () => {
  interface VisionFacts {
    n_params: number;
    tensors: [name: string, shape: number[]][];
  }

  it('lists the tensors of a vision model under canonical names', async () => {
    const { n_params, tensors } = expectedJson<VisionFacts>('llama3.2-vision-tiny', 'expected.json');
    const inspection = await inspectFolder(await openDirectory(modelFolder('llama3.2-vision-tiny')));
    expect(inspection).toMatchObject({
      ...{ kind: 'vision', layout: 'meta', config: { nLayers: 4 }, shardCount: 1, parameterCount: n_params },
      notes: [
        'a vision model (Llama 3.2 Vision): 2 cross-attention layers, before layers 1, 3',
        'images of up to 4 tiles of 28 pixels; encoder of 4 + 1 layers, width 32, patches of 14',
        'convert makes safetensors of it; logits are of text alone',
      ],
    });
    const found = new Map(inspection.tensors.map(({ name, shape }) => [name, shape]));
    expect(found).toEqual(new Map(tensors.map(([name, shape]) => [name.replace('text_model.', ''), shape])));
  });

  const MOE = { num_experts: 1, interleave_moe_layer_step: 1 };

  it('shows the first of several shards, and says so', async () => {
    const shard = await pthBytes({ 'layers.0.feed_forward.experts.moe_w_in_eD_F': [4, 3], 'norm.weight': [8] });
    const params = { ...PARAMS, moe_args: MOE };
    const files = { 'params.json': encode(params), 'consolidated.00.pth': shard, 'consolidated.01.pth': shard };
    const folder = countingFolder(memoryFolder(files, 'Llama-4'));
    expect(await inspectFolder(folder)).toMatchObject({
      ...{ path: 'Llama-4', name: 'Llama-4', kind: 'llama4', shardCount: 2, byteLength: 2 * shard.byteLength },
      ...{ parameterCount: 20, tensors: [{ shape: [4, 3] }, { shape: [8] }] },
      notes: [
        'a Llama 4 model: the tensor tok_embeddings.weight is missing',
        'tensors as they lie in the first of 2 shards',
      ],
    });
    expect(folder.openFiles()).toBe(0);
  });

  it.each([
    ['vision', { 'vision_model.x.weight': [8] }, { vision_num_cross_attention_layers: 1, vision_chunk_size: 28 }],
    ['llama4', { 'layers.0.attention.wqkv.weight': [8] }, { moe_args: MOE }],
    ['quantized', { 'norm.weight': [8] }, { quantization_args: { scheme: 'other' } }],
  ] as [string, Shapes, object][])('tells a %s model by %j and %j', async (kind, shapes, params) => {
    const files = {
      ...{ 'params.json': encode({ ...PARAMS, ...params }), 'consolidated.00.pth': await pthBytes(shapes) },
    };
    const inspection = await inspectFolder(memoryFolder(files, 'x'));
    expect(inspection).toMatchObject({ kind, layout: 'meta' });
    expect(inspection.notes.join('\n').includes('the quantization scheme other')).toBe(kind === 'quantized');
  });

  it.each([
    ['vision', { 'text_model.norm.weight': [8] }, {}, []],
    ['vision', { 'vision_model.x.weight': [8] }, {}, []],
    ['vision', { 'norm.weight': [8] }, { vision_num_cross_attention_layers: 8 }, []],
    ['llama4', { 'layers.0.attention.wqkv.weight': [8] }, {}, []],
    ['llama4', { 'norm.weight': [8] }, { vision_args: {} }, []],
    ['llama4', { 'norm.weight': [8] }, { moe_args: {} }, []],
    ['quantized', { 'layers.0.attention.wq.scales': [8] }, {}, []],
    ['quantized', { 'norm.weight': [8] }, { quantization_args: {} }, []],
    ['fp8', { 'norm.weight': [8] }, {}, ['fp8_scales_0.pt']],
    ['fp8', { 'norm.weight': [8] }, { quantization_args: {} }, ['fp8_scales_0.pt']],
  ] as [string, Shapes, object, string[]][])(
    'a %s model is told by %j, %j and %j',
    async (kind, shapes, params, extra) => {
      const files = {
        ...Object.fromEntries(extra.map((name) => [name, new Uint8Array()])),
        ...{ 'params.json': encode({ ...PARAMS, ...params }), 'consolidated.00.pth': await pthBytes(shapes) },
      };
      const checkpoint = await openMetaCheckpoint(memoryFolder(files, 'x'));
      expect(checkpoint.kind).toBe(kind);
      await checkpoint.close();
    },
  );
});

describe('a contradiction', () => {
  it.each([
    [{ 'layers.0.attention.wqkv.weight': [8] }, {}, 'tensors are those of Llama 4, but params.json has neither'],
    [{ 'norm.weight': [8] }, { moe_args: {} }, 'params.json is that of a Llama 4 (moe_args or vision_args), but'],
    [{ 'text_model.norm.weight': [8] }, {}, 'tensors are those of a vision model, but params.json states no'],
    [{ 'norm.weight': [8] }, { vision_num_cross_attention_layers: 8 }, 'says vision_num_cross_attention_layers 8, but'],
  ] as [Shapes, object, string][])('of %j and %j is no answer', async (shapes, params, message) => {
    const files = { 'params.json': encode({ ...PARAMS, ...params }), 'consolidated.00.pth': await pthBytes(shapes) };
    await expect(inspectFolder(memoryFolder(files, 'x'))).rejects.toMatchObject({
      ...{ code: 'llama/contradiction', message: expect.stringContaining(message) as unknown },
    });
  });
});

describe('inspecting loose files', () => {
  it('shows every file of tensors by name, whatever its layout', async () => {
    const folder = countingFolder(
      memoryFolder(
        {
          'c.gguf': ggufBytes([], { c: [2, 3] }),
          'b.safetensors': safetensorsBytes({ b1: [2], b2: [3] }),
          'a.pt': await pthBytes({ a: [4] }),
          'a.bin': await pthBytes({ bin: [5] }),
          'notes.txt': new Uint8Array(3),
        },
        'loose',
      ),
    );
    const files = await inspectLooseFiles(folder);
    expect(files.map(({ name, parameterCount, layout }) => [name, parameterCount, layout])).toEqual([
      ['a.bin', 5, 'file'],
      ['a.pt', 4, 'file'],
      ['b.safetensors', 5, 'file'],
      ['c.gguf', 6, 'file'],
    ]);
    expect(files[1]?.tensors).toEqual([{ name: 'a', dtype: 'float32', shape: [4], byteLength: 16 }]);
    expect(files[2]?.tensors.map(({ dtype }) => dtype)).toEqual(['F32', 'F32']);
    expect(folder.openFiles()).toBe(0);
  });

  it('needs one', async () => {
    await expect(inspectLooseFiles(memoryFolder({ 'notes.txt': new Uint8Array() }, 'x'))).rejects.toMatchObject({
      ...{ name: 'LlamaError', code: 'llama/no-model', path: 'x' },
      message: 'no file of tensors (.pth, .safetensors, .gguf) is in this folder',
    });
  });

  it('closes those before one that is broken', async () => {
    const files = { 'a.safetensors': safetensorsBytes({ a: [1] }), 'b.safetensors': new Uint8Array(3).fill(60) };
    const folder = countingFolder(memoryFolder(files));
    await expect(inspectLooseFiles(folder)).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:source|safetensors)\//) as unknown,
    });
    expect(folder.openFiles()).toBe(0);
  });
});
