import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openFileSource } from '../../source/file.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../../testing/fixtures.js';
import { countingSource } from '../../testing/sources.js';
import { rowCountOf, tensorByteLength } from '../tensor.js';
import { type TorchFile, openTorchFile } from './torch-file.js';

interface HashedTensor {
  readonly name: string;
  readonly dtype?: string;
  readonly shape?: readonly number[];
  readonly type?: string;
  readonly sha256: string;
}

const DTYPES: Readonly<Record<string, string>> = { BF16: 'bfloat16', F16: 'float16' };

async function openShards(model: string): Promise<TorchFile[]> {
  const names = readdirSync(modelFolder(model)).filter((name) => name.endsWith('.pth'));
  return Promise.all(
    names.sort().map(async (name) => openTorchFile(await openFileSource(join(modelFolder(model), name)))),
  );
}

/** Hugging Face's name for a tensor of Meta's. */
function hfName(name: string): string {
  const layer: Readonly<Record<string, string>> = {
    'attention.wq': 'self_attn.q_proj',
    'attention.wk': 'self_attn.k_proj',
    'attention.wv': 'self_attn.v_proj',
    'attention.wo': 'self_attn.o_proj',
    'feed_forward.w1': 'mlp.gate_proj',
    'feed_forward.w2': 'mlp.down_proj',
    'feed_forward.w3': 'mlp.up_proj',
    attention_norm: 'input_layernorm',
    ffn_norm: 'post_attention_layernorm',
  };
  const top: Readonly<Record<string, string>> = {
    'tok_embeddings.weight': 'model.embed_tokens.weight',
    'norm.weight': 'model.norm.weight',
    'output.weight': 'lm_head.weight',
  };
  return (
    top[name] ??
    name.replace(/^layers\.(\d+)\.(.+)\.weight$/, (_, index, part) => {
      return `model.layers.${String(index)}.${layer[String(part)]}.weight`;
    })
  );
}

/** llama.cpp's name of a query or key projection, whose rows it keeps in Meta's order. */
function ggufName(name: string): string {
  return name.replace(/^layers\.(\d+)\.attention\.w([qk])\.weight$/, 'blk.$1.attn_$2.weight');
}

/** A tensor's bytes, cut along rows or along columns over the shards, as one. */
async function merged(shards: readonly TorchFile[], name: string, rows: number): Promise<Buffer> {
  const parts = shards.map((shard) => shard.tensors.find((tensor) => tensor.name === name)!);
  const [first] = parts;
  const whole = await Promise.all(parts.map((part) => part.readBytes(0, tensorByteLength(part))));
  if (first!.shape.length === 1) return Buffer.from(whole[0]!);
  if (rowCountOf(first!.shape) < rows) return Buffer.concat(whole);
  const lines: Uint8Array[] = [];
  for (let row = 0; row < rows; row += 1) for (const part of parts) lines.push(await part.readRows(row, 1));
  return Buffer.concat(lines);
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe.each(TEXT_MODELS)('%s', (model) => {
  it('has the tensors that the converters of others found in it', async () => {
    const shards = await openShards(model);
    const hf = expectedJson<{ 'model.safetensors': { tensors: HashedTensor[] } }>(model, 'hf.json');
    const gguf = expectedJson<Record<string, { tensors: HashedTensor[] }>>(model, 'gguf.json');
    let compared = 0;
    for (const tensor of shards[0]!.tensors) {
      const expected = hf['model.safetensors'].tensors.find(({ name }) => name === hfName(tensor.name));
      if (expected === undefined) continue; // rope.freqs, and an output that is tied
      expect(tensor.dtype).toBe(DTYPES[expected.dtype!]);
      const data = await merged(shards, tensor.name, expected.shape![0]!);
      expect(data.byteLength).toBe(tensorByteLength({ dtype: tensor.dtype, shape: expected.shape! }));
      if (/w[qk]\.weight$/.test(tensor.name)) {
        const same = gguf[tensor.dtype === 'float16' ? 'convert-f16' : 'convert-bf16']!.tensors;
        const unpermuted = same.find(({ name }) => name === ggufName(tensor.name));
        expect([tensor.name, sha256(data)]).toEqual([tensor.name, unpermuted?.sha256]);
      } else {
        expect([tensor.name, sha256(data)]).toEqual([tensor.name, expected.sha256]);
      }
      compared += 1;
    }
    expect(compared).toBe(hf['model.safetensors'].tensors.length);
    for (const shard of shards) await shard.close();
  });

  it('is opened in four reads, and each tensor read in two at most', async () => {
    for (const name of readdirSync(modelFolder(model)).filter((file) => file.endsWith('.pth'))) {
      const source = countingSource(await openFileSource(join(modelFolder(model), name)));
      await using file = await openTorchFile(source);
      // end, header and content of data.pkl, header and content of byteorder
      expect(source.reads.length).toBe(5);
      const tensor = file.tensors.find(({ shape }) => shape.length === 2)!;
      expect(tensor.fileOffset).toBeUndefined();
      const before = source.reads.length;
      const rows = await tensor.readRows(1, 2);
      expect(source.reads.length - before).toBe(2);
      await tensor.readRows(0, 1);
      expect(source.reads.length - before).toBe(3);
      expect(source.reads.at(-1)).toEqual([tensor.fileOffset, rows.byteLength / 2]);
    }
  });

  it('says where its tensors lie once all are located', async () => {
    const [shard, ...others] = await openShards(model);
    for (const other of others) await other.close();
    await shard!.locate();
    await using whole = await openFileSource(shard!.name);
    for (const tensor of shard!.tensors) {
      const length = tensorByteLength(tensor);
      const bytes = await tensor.readBytes(0, length);
      expect(Buffer.from(await whole.read(tensor.fileOffset!, length)).equals(bytes)).toBe(true);
    }
    await shard!.close();
  });
});

describe('shared storages', () => {
  it('are seen where embedding and output are tied', async () => {
    const [file] = await openShards('llama3.2-tiny');
    const [embedding, output] = ['tok_embeddings.weight', 'output.weight'].map((name) =>
      file!.tensors.find((tensor) => tensor.name === name),
    );
    expect(output!.storage).toBe(embedding!.storage);
    expect(output!.viewKey).toBe(embedding!.viewKey);
    expect(new Set(file!.tensors.map((tensor) => tensor.viewKey)).size).toBe(file!.tensors.length - 1);
    await file!.close();
  });

  it('are seen where the tensors of a layer are views', async () => {
    const [file, other] = await openShards('llama2-tiny-2shards');
    await other!.close();
    const ofLayer = file!.tensors.filter(({ name }) => name.startsWith('layers.0.'));
    expect(new Set(ofLayer.map((tensor) => tensor.storage))).toEqual(new Set(['1']));
    expect(new Set(ofLayer.map((tensor) => tensor.viewKey)).size).toBe(ofLayer.length);
    expect(ofLayer[1]).toMatchObject({ storageOffset: 8192, stride: [128, 1], kind: 'dense', isParameter: false });
    expect(
      file!.storages.map(({ key, className, elementCount, location }) => [key, className, elementCount, location]),
    ).toEqual([
      ['0', 'torch.BFloat16Storage', 32768, 'cpu'],
      ['1', 'torch.BFloat16Storage', 100608, 'cpu'],
      ['2', 'torch.BFloat16Storage', 100608, 'cpu'],
      ['3', 'torch.BFloat16Storage', 128, 'cpu'],
      ['4', 'torch.BFloat16Storage', 32768, 'cpu'],
      ['5', 'torch.BFloat16Storage', 16, 'cpu'],
    ]);
    await file!.close();
  });
});

describe('the whole object', () => {
  it('is there as plain values, with every name it uses', async () => {
    const [file] = await openShards('llama3.2-tiny');
    expect(file).toMatchObject({ format: 'torch', protocol: 2, others: [], root: { kind: 'dict' } });
    expect(file!.globals.map(({ module, name }) => `${module}.${name}`)).toEqual([
      'torch._utils._rebuild_tensor_v2',
      'torch.BFloat16Storage',
      'collections.OrderedDict',
    ]);
    expect(file!.archive?.find('consolidated.00/version')?.size).toBe(2);
    await file!.close();
  });
});
