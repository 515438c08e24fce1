/**
 * Converted files read by readers that are not ours, and compared with what other programs wrote.
 *
 * The safetensors reader below is the specification in a few lines; GGUF is read by `@huggingface/gguf`.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { GGMLQuantizationType, gguf } from '@huggingface/gguf';
import { describe, expect, it } from 'vitest';

import { openMetaModel } from '../llama/meta-model.js';
import { openDirectory } from '../source/directory.js';
import { TEXT_MODELS, expectedJson, modelFolder } from '../testing/fixtures.js';
import { convert } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

interface HfTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}
interface GgufFacts {
  readonly data_start: number;
  readonly kv: readonly { key: string; type: string; value?: unknown; n?: number; sha256?: string }[];
  readonly tensors: readonly { name: string; type: string; dims: number[]; offset: number; sha256: string }[];
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The files of a fixture's conversion by name. */
async function filesOf(name: string, options: ConvertOptions): Promise<ReadonlyMap<string, Uint8Array>> {
  await using model = await openMetaModel(await openDirectory(modelFolder(name)));
  const output = memoryOutput();
  await convert(model, output, options);
  return output.files;
}

/** @see https://github.com/huggingface/safetensors#format */
function readSafetensors(file: Uint8Array): { metadata: unknown; tensors: HfTensor[] } {
  const start = 8 + Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, start))) as object;
  const { __metadata__: metadata, ...entries } = header as Record<string, unknown>;
  let end = 0;
  const tensors = Object.entries(entries).map(([name, entry]) => {
    const { dtype, shape, data_offsets } = entry as { dtype: string; shape: number[]; data_offsets: [number, number] };
    expect(data_offsets[0], `${name} begins where the one before it ends`).toBe(end);
    end = data_offsets[1];
    return { name, dtype, shape, sha256: sha256(file.subarray(start + data_offsets[0], start + end)) };
  });
  expect(start + end, 'the last tensor ends with the file').toBe(file.byteLength);
  return { metadata, tensors };
}

describe.each(TEXT_MODELS)('%s as safetensors', (name) => {
  const expected = expectedJson<{ 'model.safetensors': { metadata: unknown; tensors: HfTensor[] } }>(name, 'hf.json');
  const { metadata, tensors } = expected['model.safetensors'];

  it('is read as the tensors of transformers, in one file', async () => {
    const files = await filesOf(name, { to: 'safetensors' });
    expect(readSafetensors(files.get('model.safetensors')!)).toEqual({ metadata, tensors });
  });

  it('is read as the same tensors from shards, through the index', async () => {
    const files = await filesOf(name, { to: 'safetensors', maxShardSize: 200_000 });
    const index = JSON.parse(new TextDecoder().decode(files.get('model.safetensors.index.json'))) as {
      metadata: { total_size: number };
      weight_map: Record<string, string>;
    };
    const shards = [...new Set(Object.values(index.weight_map))];
    expect(shards.length).toBeGreaterThan(1);
    const read = shards.flatMap((shard) => {
      const { tensors: inShard } = readSafetensors(files.get(shard)!);
      for (const tensor of inShard) expect(index.weight_map[tensor.name]).toBe(shard);
      return inShard;
    });
    const byName = (a: HfTensor, b: HfTensor): number => (a.name < b.name ? -1 : 1);
    expect(read.sort(byName)).toEqual([...tensors].sort(byName));
  });
});

/** An array's elements as they lie in a GGUF file. */
function arrayBytes(type: string, values: readonly unknown[]): Uint8Array {
  if (type === 'arr[i32]') return new Uint8Array(Int32Array.from(values as number[]).buffer);
  if (type === 'arr[f32]') return new Uint8Array(Float32Array.from(values as number[]).buffer);
  const texts = (values as string[]).map((value) => {
    const text = Buffer.from(value, 'utf8');
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.byteLength));
    return Buffer.concat([length, text]);
  });
  return Buffer.concat(texts);
}

async function readGguf(file: Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'llama-inspect-interop-'));
  try {
    const path = join(folder, 'model.gguf');
    await writeFile(path, file);
    return await gguf(path, { allowLocalFile: true });
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe.each(TEXT_MODELS)('%s as GGUF', (name) => {
  const facts = expectedJson<Record<string, GgufFacts>>(name, 'gguf.json');

  it.each(['f32', 'f16', 'bf16'] as const)('%s is read as the keys and tensors of llama.cpp', async (type) => {
    const { kv, tensors, data_start: dataStart } = facts[`convert-${type}`]!;
    const file = (await filesOf(name, { to: 'gguf', type })).get(`${name}.gguf`)!;
    const { metadata, tensorInfos, tensorDataOffset } = await readGguf(file);

    const { version, tensor_count, kv_count, ...pairs } = metadata as unknown as Record<string, unknown>;
    expect({ version, tensor_count, kv_count }).toEqual({
      ...{ version: 3, tensor_count: BigInt(tensors.length), kv_count: BigInt(kv.length) },
    });
    expect(Object.keys(pairs)).toEqual(kv.map(({ key }) => key));
    for (const { key, type: valueType, value, n, sha256: hash } of kv) {
      if (n === undefined) expect(pairs[key], key).toEqual(value);
      else expect(sha256(arrayBytes(valueType, pairs[key] as unknown[])), key).toBe(hash);
    }

    expect(Number(tensorDataOffset)).toBe(dataStart);
    const ends = [...tensors.slice(1).map(({ offset }) => dataStart + offset), file.byteLength];
    expect(
      tensorInfos.map(({ name: tensor, shape, dtype, offset }, index) => {
        const from = dataStart + Number(offset);
        const elements = shape.reduce((product, extent) => product * Number(extent), 1);
        const length = elements * (GGMLQuantizationType[dtype] === 'F32' ? 4 : 2);
        expect(from + length).toBeLessThanOrEqual(ends[index]!);
        const hash = sha256(file.subarray(from, from + length));
        return {
          name: tensor,
          type: GGMLQuantizationType[dtype],
          dims: shape.map(Number),
          offset: Number(offset),
          hash,
        };
      }),
    ).toEqual(tensors.map(({ sha256: hash, ...rest }) => ({ ...rest, hash })));
  });
});
