import { createHash } from 'node:crypto';

import { describe, expect, it } from 'vitest';

import type { DType } from '../../dtype.js';
import { memorySource } from '../../source/memory.js';
import { TEXT_MODELS, expectedJson } from '../../testing/fixtures.js';
import { fixtureVocabulary } from '../../testing/vocabularies.js';
import { PackedStrings } from '../packed-strings.js';
import type { TensorInfo } from '../tensor.js';
import { type GgufMetadataEntry, planGguf } from './plan.js';
import { openGgufFile } from './read.js';
import { ggmlTypeOf } from './tensor-types.js';

interface ExpectedPair {
  key: string;
  type: string;
  value?: unknown;
  n?: number;
  sha256?: string;
}

/** What the reader of the oracle found in a file that llama.cpp wrote. */
interface ExpectedFile {
  version: number;
  alignment: number;
  file_size: number;
  data_start: number;
  kv?: ExpectedPair[];
  kv_keys?: string[];
  'kv_that_differ_from_convert-f32'?: ExpectedPair[];
  tensors: { name: string; type: string; dims: number[]; offset: number }[];
}

const DTYPES: readonly DType[] = [
  ...(['float32', 'float16', 'bfloat16', 'q4_0', 'q4_1', 'q5_0', 'q5_1', 'q8_0', 'q2_k', 'q3_k', 'q4_k'] as const),
  ...(['q5_k', 'q6_k', 'iq4_nl', 'iq4_xs', 'tq1_0', 'tq2_0'] as const),
];
const DTYPE_OF = new Map(DTYPES.map((dtype) => [ggmlTypeOf(dtype)!.name, dtype]));

const files = TEXT_MODELS.flatMap((model) => {
  const all = expectedJson<Record<string, ExpectedFile>>(model, 'gguf.json');
  const arrays = all['arrays'] as unknown as Record<string, unknown>;
  const converted = all['convert-f32']!.kv!;
  return Object.keys(all)
    .filter((name) => /^(convert|quantize)-/.test(name))
    .map((name) => {
      const file = all[name]!;
      const differing = file['kv_that_differ_from_convert-f32'] ?? [];
      const pairs = file.kv ?? file.kv_keys!.map((key) => [...differing, ...converted].find((pair) => pair.key === key)!); // prettier-ignore
      const metadata = pairs.map(({ key, type, value }) => ({ key, type, value: value ?? arrays[key] }));
      const tensors = file.tensors.map(({ name: tensor, type, dims }): TensorInfo => {
        return { name: tensor, dtype: DTYPE_OF.get(type)!, shape: [...dims].reverse() };
      });
      return { model, name, file, pairs, metadata: metadata as GgufMetadataEntry[], tensors };
    });
});

describe('planGguf', () => {
  it('meets every kind of file that the oracle has', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(new Set(files.flatMap(({ file }) => file.tensors.map(({ type }) => type)))).toEqual(
      new Set(DTYPE_OF.keys()),
    );
  });

  it.each(files)('lays out $model, $name, as llama.cpp did', async ({ file, pairs, metadata, tensors }) => {
    const plan = planGguf({ metadata, tensors });
    expect(plan.header.byteLength).toBe(file.data_start);
    expect(plan.byteLength).toBe(file.file_size);
    expect(plan.alignment).toBe(file.alignment);
    expect(plan.tensors.map(({ fileOffset }) => fileOffset - file.data_start)).toEqual(
      file.tensors.map(({ offset }) => offset),
    );
    const whole = new Uint8Array(plan.byteLength);
    whole.set(plan.header);
    const read = await openGgufFile(memorySource(whole));
    expect(read).toMatchObject({ version: file.version, alignment: file.alignment, dataStart: file.data_start });
    expect(
      [...read.metadata].map(([key, { type, value }]) => {
        if (typeof value !== 'object') return { key, type, value };
        const elements = whole.subarray(value.fileOffset, value.fileOffset + value.byteLength);
        return { key, type, n: value.length, sha256: createHash('sha256').update(elements).digest('hex') };
      }),
    ).toEqual(
      pairs.map(({ key, type, value, n, sha256 }) =>
        n === undefined ? { key, type, value } : { key, type, n, sha256 },
      ),
    );
    expect(
      read.tensors.map(({ name, storedDtype, shape, fileOffset }) => ({
        name,
        type: storedDtype,
        dims: [...shape].reverse(),
        offset: fileOffset! - file.data_start,
      })),
    ).toEqual(file.tensors.map(({ name, type, dims, offset }) => ({ name, type, dims, offset })));
    expect(read.tensors.map(({ dtype }) => dtype)).toEqual(tensors.map(({ dtype }) => dtype));
  });

  it('writes nothing but a header for a file without content', () => {
    const plan = planGguf({ metadata: [], tensors: [] });
    const expected = new Uint8Array(32);
    expected.set(new TextEncoder().encode('GGUF\x03'));
    expect(plan.header).toEqual(expected);
    expect(plan.byteLength).toBe(32);
  });

  it('aligns to general.alignment, the last tensor too', () => {
    const tensors: TensorInfo[] = [
      { name: 'a', dtype: 'int8', shape: [5] },
      { name: 'b', dtype: 'int8', shape: [64] },
      { name: 'c', dtype: 'int8', shape: [] },
    ];
    const plan = planGguf({ metadata: [{ key: 'general.alignment', type: 'u32', value: 64 }], tensors });
    const start = plan.header.byteLength;
    expect(start % 64).toBe(0);
    expect(plan.tensors.map(({ fileOffset, byteLength }) => [fileOffset - start, byteLength])).toEqual([
      [0, 5],
      [64, 64],
      [128, 1],
    ]);
    expect(plan.byteLength).toBe(start + 192);
  });

  it('knows the size of its header without making it, and makes it anew each time', () => {
    const plan = planGguf(files[0]!);
    expect(plan.headerByteLength).toBe(plan.header.byteLength);
    expect(plan.header).not.toBe(plan.header);
    expect(plan.header).toEqual(plan.header);
  });

  it('measures texts as it writes them, half surrogate pairs too', async () => {
    const value = ['x'.repeat(100_000), '€é'.repeat(50_000), '', '𝄞a', '\ud834', '\udd1e𝄞', '\ud834\ud834\udd1ea'];
    const plan = planGguf({ metadata: [{ key: 'long', type: 'arr[str]', value }], tensors: [] });
    const read = await openGgufFile(memorySource(plan.header));
    const { value: array } = read.metadata.get('long')!;
    expect(typeof array === 'object' && (await array.readStrings())).toEqual(
      value.map((text) => Buffer.from(text).toString()),
    );
  });

  it('writes packed strings and typed arrays as it writes plain ones', () => {
    const vocabulary = fixtureVocabulary('llama3-tiny');
    const { packedPieces, types } = vocabulary;
    const headerOf = (...metadata: GgufMetadataEntry[]): Uint8Array => planGguf({ metadata, tensors: [] }).header;
    expect(packedPieces).toBeInstanceOf(PackedStrings);
    for (const value of [packedPieces!, vocabulary.merges()]) {
      const plain = headerOf({ key: 'k', type: 'arr[str]', value: [...value] });
      expect(headerOf({ key: 'k', type: 'arr[str]', value })).toEqual(plain);
    }
    const numbers = headerOf({ key: 'k', type: 'arr[i32]', value: [...types] });
    expect(headerOf({ key: 'k', type: 'arr[i32]', value: types })).toEqual(numbers);
  });

  it('refuses numbers of a typed array that the type in the file does not have', () => {
    const refusal = (metadata: GgufMetadataEntry): unknown =>
      expect(() => planGguf({ metadata: [metadata], tensors: [] })).toThrow(
        expect.objectContaining({ code: 'gguf/bad-value' }),
      );
    refusal({ key: 'k', type: 'arr[u64]', value: Float64Array.of(1.5) });
    refusal({ key: 'k', type: 'arr[u8]', value: Int8Array.of(-1) });
  });

  it.each<[string, GgufMetadataEntry[], TensorInfo[], string]>([
    ['duplicate-key', [{ key: 'k', type: 'u8', value: 1 }, { key: 'k', type: 'u8', value: 1 }], [], 'two keys are k'], // prettier-ignore
    [
      'duplicate-tensor',
      [],
      [
        { name: 't', dtype: 'int8', shape: [1] },
        { name: 't', dtype: 'int8', shape: [1] },
      ],
      'two tensors have the name t',
    ],
    ['bad-value', [{ key: 'k', type: 'u8', value: 256 }], [], 'k is 256, which is no u8'],
    ['bad-value', [{ key: 'k', type: 'u32', value: -1 }], [], 'k is -1, which is no u32'],
    ['bad-value', [{ key: 'k', type: 'i32', value: 1.5 }], [], 'k is 1.5, which is no i32'],
    ['bad-value', [{ key: 'k', type: 'u64', value: 2 ** 53 }], [], 'k is 9007199254740992, which is no u64'],
    ['bad-value', [{ key: 'k', type: 'arr[i8]', value: [0, 128] }], [], 'k is 128, which is no i8'],
    ['bad-value', [{ key: 'k', type: 'str', value: 1 as unknown as string }], [], 'k is 1, which is no str'],
    ['bad-value', [{ key: 'k', type: 'bool', value: 1 as unknown as boolean }], [], 'k is 1, which is no bool'],
    ['bad-value', [{ key: 'k', type: 'f32', value: 'x' as unknown as number }], [], 'k is x, which is no f32'],
    [
      'bad-alignment',
      [{ key: 'general.alignment', type: 'u32', value: 48 }],
      [],
      'general.alignment must be a power of two from 8 on, as u32',
    ],
    [
      'bad-alignment',
      [{ key: 'general.alignment', type: 'u64', value: 64 }],
      [],
      'general.alignment must be a power of two from 8 on, as u32',
    ],
    [
      'unsupported-dtype',
      [],
      [{ name: 't', dtype: 'complex64', shape: [1] }],
      'tensor t has the type complex64, which GGUF does not have',
    ],
    [
      'bad-shape',
      [],
      [{ name: 't', dtype: 'float32', shape: [1, 1, 1, 1, 1] }],
      'tensor t has the shape [1, 1, 1, 1, 1], but GGUF takes 4 extents from 1 on, the last a multiple of 1 for float32',
    ],
    [
      'bad-shape',
      [],
      [{ name: 't', dtype: 'q8_0', shape: [2, 48] }],
      'tensor t has the shape [2, 48], but GGUF takes 4 extents from 1 on, the last a multiple of 32 for q8_0',
    ],
    [
      'bad-shape',
      [],
      [{ name: 't', dtype: 'float32', shape: [0, 2] }],
      'tensor t has the shape [0, 2], but GGUF takes 4 extents from 1 on, the last a multiple of 1 for float32',
    ],
  ])('refuses with %s what the format cannot hold', (code, metadata, tensors, message) => {
    expect(() => planGguf({ metadata, tensors })).toThrow(expect.objectContaining({ code: `gguf/${code}`, message }));
  });
});
