/**
 * Files that we write, read by other people's programs.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { GGMLQuantizationType, GGUFValueType, gguf } from '@huggingface/gguf';
import { parseRawMetadata } from 'gguf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type DType, blockLayout } from '../../dtype.js';
import type { TensorInfo } from '../tensor.js';
import { type GgufMetadataEntry, planGguf } from './plan.js';
import { ggmlTypeOf } from './tensor-types.js';

const metadata: readonly GgufMetadataEntry[] = [
  { key: 'general.architecture', type: 'str', value: 'llama' },
  { key: 'general.name', type: 'str', value: 'größer' },
  { key: 'llama.block_count', type: 'u32', value: 2 },
  { key: 'llama.rope.freq_base', type: 'f32', value: 500000 },
  { key: 'tokenizer.ggml.tokens', type: 'arr[str]', value: ['<unk>', 'Ġa', ''] },
  { key: 'tokenizer.ggml.scores', type: 'arr[f32]', value: [-1, 0.5, 2] },
  { key: 'tokenizer.ggml.token_type', type: 'arr[i32]', value: [2, 1, 1] },
  { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: true },
  { key: 'test.wide', type: 'u64', value: 2 ** 40 },
  { key: 'test.negative', type: 'i64', value: -5 },
];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gguf-interop-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(name: string, tensors: readonly TensorInfo[]): string {
  const plan = planGguf({ metadata, tensors });
  const bytes = new Uint8Array(plan.byteLength);
  bytes.set(plan.header);
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** Every type that ggml has; `satisfies` would not notice a missing one, the test below does. */
const DTYPES: readonly DType[] = [
  ...(['float32', 'float16', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'q8_1', 'q2_k', 'q3_k', 'q4_k', 'q5_k'] as const),
  ...(['q6_k', 'q8_k', 'iq2_xxs', 'iq2_xs', 'iq3_xxs', 'iq1_s', 'iq4_nl', 'iq3_s', 'iq2_s', 'iq4_xs'] as const),
  ...(['int8', 'int16', 'int32', 'int64', 'float64', 'iq1_m', 'bfloat16', 'tq1_0', 'tq2_0', 'mxfp4'] as const),
];

describe('@huggingface/gguf', () => {
  it('reads the same pairs and the same tensors of every type', async () => {
    const tensors = DTYPES.map((dtype): TensorInfo => {
      return { name: `t.${dtype}`, dtype, shape: [3, blockLayout(dtype).blockElements * 2] };
    });
    const plan = planGguf({ metadata, tensors });
    const path = write('every-type.gguf', tensors);
    const read = await gguf(path, { allowLocalFile: true, typedMetadata: true });
    expect(read.metadata).toMatchObject({ version: 3, tensor_count: BigInt(tensors.length), kv_count: 10n });
    for (const { key, type, value } of metadata) {
      const found = read.typedMetadata[key]!;
      const elements = found.value as unknown;
      const expected = type === 'u64' || type === 'i64' ? BigInt(value) : value;
      expect(elements).toEqual(expected);
      const stored: Record<string, GGUFValueType> = {
        ...{ str: GGUFValueType.STRING, u32: GGUFValueType.UINT32, f32: GGUFValueType.FLOAT32 },
        ...{ bool: GGUFValueType.BOOL, u64: GGUFValueType.UINT64, i64: GGUFValueType.INT64 },
      };
      expect(found.type).toBe(stored[type] ?? GGUFValueType.ARRAY);
    }
    expect(Number(read.tensorDataOffset)).toBe(plan.header.byteLength);
    expect(
      read.tensorInfos.map(({ name, shape, dtype, offset }) => ({
        name,
        shape: shape.map(Number).reverse(),
        type: GGMLQuantizationType[dtype],
        fileOffset: plan.header.byteLength + Number(offset),
      })),
    ).toEqual(
      plan.tensors.map(({ name, shape, dtype, fileOffset }) => {
        return { name, shape, type: ggmlTypeOf(dtype)!.name, fileOffset };
      }),
    );
  });

  it('knows no type that we leave out', () => {
    const known = Object.values(GGMLQuantizationType).filter((name) => typeof name === 'string');
    const ours = new Set([...DTYPES, 'nvfp4', 'q1_0', 'q2_0'].map((dtype) => ggmlTypeOf(dtype as DType)!.name));
    expect(known.filter((name) => !ours.has(name))).toEqual([]);
  });
});

describe('gguf', () => {
  it('reads the pairs of a file of 10 MiB, the smallest that it can open', async () => {
    const path = write('large.gguf', [{ name: 'token_embd.weight', dtype: 'float32', shape: [32000, 96] }]);
    const read = await parseRawMetadata(path);
    expect(read.error).toBeNull();
    for (const { key, value } of metadata) {
      // It makes an object of every part of a key.
      const found = key.split('.').reduce((node: unknown, part) => (node as Record<string, unknown>)[part], 'metadata' in read ? read.metadata : {}); // prettier-ignore
      expect(typeof found === 'bigint' ? Number(found) : found).toEqual(value);
    }
  });
});
