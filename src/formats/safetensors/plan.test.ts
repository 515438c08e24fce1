import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import library from 'safetensors';
import { describe, expect, it } from 'vitest';

import type { DType } from '../../dtype.js';
import { memorySource } from '../../source/memory.js';
import { FIXTURES, TEXT_MODELS, expectedJson } from '../../testing/fixtures.js';
import type { FilePlan } from '../file-plan.js';
import type { TensorInfo } from '../tensor.js';
import { planSafetensors } from './plan.js';
import { openSafetensorsFile } from './read.js';

const DTYPE_OF: Record<string, DType> = { BF16: 'bfloat16', F16: 'float16', F32: 'float32' };

function textOf(plan: FilePlan): string {
  return new TextDecoder().decode(plan.header.subarray(8));
}

/** A file of that plan whose tensors hold bytes made from their names. */
function fileOf(plan: FilePlan): Uint8Array {
  const file = new Uint8Array(plan.byteLength);
  file.set(plan.header);
  for (const { name, fileOffset, byteLength } of plan.tensors) {
    for (let i = 0; i < byteLength; i++) file[fileOffset + i] = name.length * 31 + i;
  }
  return file;
}

/** Tensors of a Llama under Hugging Face's names. */
function hfTensors(layers: number, dim: number, ffn: number, kv: number, vocab: number, tied: boolean): TensorInfo[] {
  const matrix = (name: string, ...shape: number[]): TensorInfo => ({
    name: `${name}.weight`,
    dtype: 'bfloat16',
    shape,
  });
  const layer = (n: number): TensorInfo[] => [
    matrix(`model.layers.${n}.self_attn.q_proj`, dim, dim),
    matrix(`model.layers.${n}.self_attn.k_proj`, kv, dim),
    matrix(`model.layers.${n}.self_attn.v_proj`, kv, dim),
    matrix(`model.layers.${n}.self_attn.o_proj`, dim, dim),
    matrix(`model.layers.${n}.mlp.gate_proj`, ffn, dim),
    matrix(`model.layers.${n}.mlp.up_proj`, ffn, dim),
    matrix(`model.layers.${n}.mlp.down_proj`, dim, ffn),
    matrix(`model.layers.${n}.input_layernorm`, dim),
    matrix(`model.layers.${n}.post_attention_layernorm`, dim),
  ];
  return [
    matrix('model.embed_tokens', vocab, dim),
    ...Array.from({ length: layers }, (_, n) => layer(n)).flat(),
    matrix('model.norm', dim),
    ...(tied ? [] : [matrix('lm_head', vocab, dim)]),
  ];
}

describe('planSafetensors', () => {
  it.each(TEXT_MODELS)('lays out %s as the Rust library did', (model) => {
    const { metadata, header_bytes, tensors } = expectedJson<{
      'model.safetensors': {
        metadata: Record<string, string>;
        header_bytes: number;
        tensors: { name: string; dtype: string; shape: number[] }[];
      };
    }>(model, 'hf.json')['model.safetensors'];
    const given = tensors.map(({ name, dtype, shape }) => ({ name, dtype: DTYPE_OF[dtype]!, shape }));
    const plan = planSafetensors([...given].reverse(), metadata);
    expect(plan.header.byteLength).toBe(8 + header_bytes);
    expect(plan.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape }))).toEqual(given);
  });

  it('gives the size of Meta’s own file for Llama 3.2 1B', () => {
    const plan = planSafetensors(hfTensors(16, 2048, 8192, 512, 128256, true), { format: 'pt' });
    expect(plan.tensors).toHaveLength(146);
    expect(plan.header.byteLength).toBe(8 + 16_800);
    expect(textOf(plan).trimEnd()).toHaveLength(16_798);
    expect(plan.byteLength).toBe(2_471_645_608);
  });

  it('gives the sizes of Meta’s own shards for Llama 3.1 8B', () => {
    const index = JSON.parse(
      readFileSync(join(FIXTURES, 'published', 'Llama-3.1-8B.model.safetensors.index.json'), 'utf8'),
    ) as { weight_map: Record<string, string> };
    const all = hfTensors(32, 4096, 14336, 1024, 128256, false);
    const sizes = [...new Set(Object.values(index.weight_map))].sort().map((shard) => {
      const inside = all.filter(({ name }) => index.weight_map[name] === shard);
      return planSafetensors(inside, { format: 'pt' }).byteLength;
    });
    expect(sizes).toEqual([4_976_698_672, 4_999_802_720, 4_915_916_176, 1_168_138_808]);
  });

  it('writes the examples of the Rust library’s tests', () => {
    // safetensors/src/tensor.rs: test_serialization, test_serialization_forced_alignement, test_empty
    const one = (name: string, shape: number[]): string => textOf(planSafetensors([{ name, dtype: 'float32', shape }]));
    expect(one('attn.0', [1, 2, 3])).toBe('{"attn.0":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]}}');
    expect(one('attn0', [1, 1, 2, 3])).toBe('{"attn0":{"dtype":"F32","shape":[1,1,2,3],"data_offsets":[0,24]}}       ');
    expect([...planSafetensors([]).header]).toEqual([8, 0, 0, 0, 0, 0, 0, 0, 123, 125, 32, 32, 32, 32, 32, 32]);
    expect(textOf(planSafetensors([], { framework: 'pt' }))).toBe('{"__metadata__":{"framework":"pt"}}     ');
  });

  it('puts wide types first, then sorts names by their UTF-8 bytes', () => {
    const tensor = (name: string, dtype: DType): TensorInfo => ({ name, dtype, shape: [2] });
    const plan = planSafetensors([
      tensor('a', 'uint8'),
      tensor('b', 'bool'),
      tensor('z', 'float16'),
      tensor('a2', 'bfloat16'),
      tensor('a10', 'bfloat16'),
      tensor('a1', 'bfloat16'),
      tensor('\u{10000}', 'int64'), // after U+FFFF in UTF-8, before it in UTF-16
      tensor('\uffff', 'int64'),
      tensor('c', 'float32'),
    ]);
    expect(plan.tensors.map(({ name }) => name)).toEqual([
      '\uffff',
      '\u{10000}',
      'c',
      'a1',
      'a10',
      'a2',
      'z',
      'a',
      'b',
    ]);
    const offsets = plan.tensors.map(({ fileOffset }) => fileOffset - plan.header.byteLength);
    expect(offsets).toEqual([0, 16, 32, 40, 44, 48, 52, 56, 58]);
    expect(plan.byteLength).toBe(plan.header.byteLength + 60);
  });

  it('refuses what the format cannot hold', () => {
    const tensor = (name: string, dtype: DType): TensorInfo => ({ name, dtype, shape: [32] });
    expect(() => planSafetensors([tensor('a', 'q4_0')])).toThrow(
      expect.objectContaining({
        code: 'safetensors/unsupported-dtype',
        message: 'tensor a has the type q4_0, which safetensors does not have',
      }),
    );
    expect(() => planSafetensors([tensor('a', 'int8'), tensor('a', 'float32')])).toThrow(
      expect.objectContaining({ code: 'safetensors/duplicate-name' }),
    );
    expect(() => planSafetensors([tensor('__metadata__', 'int8')])).toThrow(
      expect.objectContaining({ code: 'safetensors/reserved-name' }),
    );
  });

  it('is read by the npm package safetensors, tensor by tensor', () => {
    const plan = planSafetensors([
      { name: 'weight', dtype: 'bfloat16', shape: [3, 5] },
      { name: 'größe "x"\n', dtype: 'float32', shape: [7] },
    ]);
    const file = fileOf(plan);
    const read = new library.SafeTensor(file);
    expect([...read.metadata.keys()]).toEqual(['größe "x"\n', 'weight']);
    for (const { name, shape, fileOffset, byteLength } of plan.tensors) {
      expect(read.metadata.get(name)?.shape).toEqual(shape);
      expect(read.getTensor(name)).toEqual(file.subarray(fileOffset, fileOffset + byteLength));
    }
  });

  it('is read back whatever the tensors', async () => {
    const tensors = fc.uniqueArray(
      fc.record({
        name: fc.string({ unit: 'grapheme', maxLength: 12 }),
        dtype: fc.constantFrom<DType>('bool', 'int8', 'float16', 'bfloat16', 'float32', 'complex64', 'float64'),
        shape: fc.array(fc.nat(4), { maxLength: 4 }),
      }),
      { selector: ({ name }) => name },
    );
    const metadata = fc.option(fc.dictionary(fc.string(), fc.string()), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(tensors, metadata, async (given, strings) => {
        const plan = planSafetensors(given, strings);
        const file = await openSafetensorsFile(memorySource(fileOf(plan)));
        expect(Object.fromEntries(file.metadata)).toEqual({ ...strings });
        const found = file.tensors.map(({ name, dtype, shape, fileOffset }) => ({ name, dtype, shape, fileOffset }));
        const planned = plan.tensors.map(({ name, dtype, shape, fileOffset }) => ({ name, dtype, shape, fileOffset }));
        expect(new Set(found)).toEqual(new Set(planned));
        expect(found.map(({ fileOffset }) => fileOffset)).toEqual(planned.map(({ fileOffset }) => fileOffset));
      }),
    );
  });
});
