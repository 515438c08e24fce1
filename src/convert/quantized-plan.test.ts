import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openGgufFile } from '../formats/gguf/read.js';
import { ggmlTypeOf } from '../formats/gguf/tensor-types.js';
import { readImportanceMatrix } from '../formats/imatrix/read.js';
import { rowCountOf, rowLengthOf, tensorByteLength } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { decodeToFloat32, encodeFromFloat32 } from '../quant/codec.js';
import { memorySource } from '../source/memory.js';
import { openFixture } from '../testing/fixture-models.js';
import { FIXTURES, TEXT_MODELS, expectedJson } from '../testing/fixtures.js';
import { syntheticModel, withChange } from '../testing/synthetic-model.js';
import { fixtureVocabulary } from '../testing/vocabularies.js';
import { convert, planConversion } from './convert.js';
import { type FileTypeName, isFileType } from './file-types.js';
import type { ConvertOptions, ImportanceUse } from './options.js';
import { memoryOutput } from './output.js';
import { plannedTensors } from './plan.js';

/** A file that llama.cpp's quantizer made of the F32 file of the same model. */
interface ExpectedFile {
  readonly file_size: number;
  readonly file_sha256: string;
  readonly tensors: readonly { readonly name: string; readonly type: string; readonly sha256: string }[];
  readonly kv_keys: readonly string[];
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function fileOf(model: LlamaModel, options: Omit<ConvertOptions, 'to'>): Promise<Uint8Array> {
  const output = memoryOutput();
  await convert(model, output, { to: 'gguf', fileName: 'x.gguf', ...options });
  return output.files.get('x.gguf')!;
}

/** File types that the oracle has for a model, as this package calls them, with what must come out. */
function expectedFiles(name: string): [FileTypeName, ExpectedFile][] {
  return Object.entries(expectedJson<Record<string, ExpectedFile>>(name, 'gguf.json')).flatMap(([key, file]) => {
    const type = key.replace(/^quantize-/, '').toLowerCase();
    return key.startsWith('quantize-') && isFileType(type) ? [[type, file] as [FileTypeName, ExpectedFile]] : [];
  });
}

describe.each(TEXT_MODELS)('%s quantized', (name) => {
  it.each(expectedFiles(name))('to %s is the file that llama.cpp makes, byte for byte', async (type, expected) => {
    await using model = await openFixture(name);
    const bytes = await fileOf(model, { type });
    await using file = await openGgufFile(memorySource(bytes));
    const tensors = file.tensors.map((tensor) => [tensor.name, tensor.storedDtype]);
    expect(tensors).toEqual(expected.tensors.map((tensor) => [tensor.name, tensor.type]));
    expect([...file.metadata.keys()]).toEqual(expected.kv_keys);
    expect({ size: bytes.length, sha256: sha256(bytes) }).toEqual({
      size: expected.file_size,
      sha256: expected.file_sha256,
    });
  });
});

describe('a GGUF file as the source', () => {
  it.each(['f32', 'bf16'] as const)(
    'of type %s gives the same bytes as the checkpoint it was made of',
    async (plain) => {
      await using model = await openFixture('llama3.2-tiny');
      await using source = await openModel(await fileOf(model, { type: plain }));
      for (const [type, { file_sha256 }] of expectedFiles('llama3.2-tiny').filter(([name]) =>
        /q8_0|q4_k_m/.test(name),
      )) {
        expect(sha256(await fileOf(source, { type }))).toBe(file_sha256);
      }
    },
  );

  it('becomes the same plain file as the checkpoint', async () => {
    await using model = await openFixture('llama2-tiny');
    await using source = await openModel(await fileOf(model, { type: 'f32' }));
    expect(sha256(await fileOf(source, { type: 'f16' }))).toBe(sha256(await fileOf(model, { type: 'f16' })));
  });

  it('stays as it is without a type', async () => {
    await using model = await openFixture('llama3-tiny');
    const quantized = await fileOf(model, { type: 'q8_0' });
    await using source = await openModel(quantized);
    expect(sha256(await fileOf(source, {}))).toBe(sha256(quantized));
  });

  it('is not quantized twice, unless that is asked for', async () => {
    await using model = await openFixture('llama2-tiny');
    await using source = await openModel(await fileOf(model, { type: 'q8_0' }));
    expect(() => planConversion(source, { to: 'gguf', type: 'q4_0', pure: true })).toThrow(
      expect.objectContaining({
        code: 'convert/requantize',
        message: 'output.weight is q8_0 already; made q4_0, it would lose twice',
      }),
    );
    const again = await fileOf(source, { type: 'q4_0', pure: true, allowRequantize: true });
    await using file = await openGgufFile(memorySource(again));
    await using once = await openGgufFile(memorySource(await fileOf(model, { type: 'q8_0' })));
    const [q4, q8] = [file, once].map(({ tensors }) => tensors.find(({ name }) => name === 'output.weight')!);
    expect([q4!.storedDtype, q8!.storedDtype]).toEqual(['Q4_0', 'Q8_0']);
    const rows = rowCountOf(q8!.shape);
    const values = new Float32Array(rows * rowLengthOf(q8!.shape));
    decodeToFloat32('q8_0', await q8!.readRows(0, rows), values);
    const expected = new Uint8Array(tensorByteLength(q4!));
    encodeFromFloat32('q4_0', values, expected);
    expect(Buffer.compare(await q4!.readRows(0, rows), expected)).toBe(0);
    // what is of the type already is copied
    expect(plannedTensors(planConversion(source, { to: 'gguf', type: 'q8_0' })).map(({ dtype }) => dtype)).toContain(
      'q8_0',
    );
  });
});

describe('weights that no block can hold', () => {
  const wide = { dim: 64, ffnDim: 64, headDim: 16 };
  const withTokens = (model: LlamaModel): LlamaModel => {
    return { ...model, vocabulary: fixtureVocabulary('llama3-tiny') };
  };
  const quantize = (model: LlamaModel, type: FileTypeName): Promise<Uint8Array> => fileOf(withTokens(model), { type });

  it.each([
    ['layers.1.feed_forward.w1.weight', 'blk.1.ffn_gate.weight[3, 5]', NaN],
    ['layers.1.feed_forward.w1.weight', 'blk.1.ffn_gate.weight[3, 5]', -Infinity],
    ['norm.weight', 'output_norm.weight[5]', NaN],
  ])('in %s are named', async (name, place, value) => {
    const change = (values: Float32Array, shape: readonly number[]): void => {
      values[shape.length === 1 ? 5 : 3 * shape[1]! + 5] = value;
    };
    for (const type of ['q8_0', 'q5_1'] as const) {
      const model = await withChange(syntheticModel(wide), name, change);
      await expect(quantize(model, type)).rejects.toMatchObject({
        code: 'convert/not-finite',
        message: `${place} is NaN or infinite, which no quantized block can hold`,
      });
    }
    const model = await withChange(syntheticModel(wide), name, change);
    expect(await fileOf(withTokens(model), { type: 'f32' })).toBeInstanceOf(Uint8Array); // a plain type holds them
  });

  it('are refused where a scale leaves the range of half precision', async () => {
    const model = await withChange(syntheticModel(wide), 'layers.0.attention.wo.weight', (values) => {
      values[64 * 7 + 40] = 1e8;
    });
    await expect(quantize(model, 'q8_0')).rejects.toMatchObject({
      code: 'convert/scale-overflow',
      message: 'the weights from blk.0.attn_output.weight[7, 32] on are too large for the scale of a q8_0 block',
    });
  });

  it('are named at their place by formats without a kernel as well', async () => {
    const size = { dim: 512, ffnDim: 512, headDim: 128, nLayers: 1 };
    const model = await withChange(syntheticModel(size), 'layers.0.attention.wo.weight', (values) => {
      values.fill(1e30, 512 * 7 + 256, 512 * 8);
    });
    const tensorTypes = [{ pattern: /attn_output/, dtype: 'iq3_s' as const }];
    await expect(fileOf(withTokens(model), { type: 'q8_0', tensorTypes })).rejects.toMatchObject({
      code: 'convert/scale-overflow',
      message: 'the weights from blk.0.attn_output.weight[7, 256] on are too large for the scale of a iq3_s block',
    });
  });

  it('are refused where they become infinite in a plain type of a quantized file', async () => {
    const model = await withChange(syntheticModel(wide), 'layers.0.attention.wo.weight', (values) => {
      values[64 * 7 + 40] = 1e8;
    });
    const tensorTypes = [{ pattern: /attn_output/, dtype: 'float16' as const }];
    await expect(fileOf(withTokens(model), { type: 'q8_0', tensorTypes })).rejects.toMatchObject({
      code: 'convert/scale-overflow',
      message: 'blk.0.attn_output.weight[7, 40] is too large for float16',
    });
  });
});

describe('an importance matrix of another model', () => {
  const use = (entries: Record<string, number>) => ({
    matrix: {
      entries: new Map(Object.entries(entries).map(([name, length]) => [name, new Float32Array(length).fill(1)])),
      ...{ datasets: [], chunkCount: 1, form: 'gguf' as const },
    },
    file: 'other.imatrix',
  });
  const model = {
    ...syntheticModel({ dim: 64, ffnDim: 64, headDim: 16 }),
    vocabulary: fixtureVocabulary('llama3-tiny'),
  };

  it('is refused by a size, a name, or a layer that does not fit', () => {
    const plan = (entries: Record<string, number>, type: FileTypeName = 'q4_0') =>
      planConversion(model, { to: 'gguf', type, importance: use(entries) });
    expect(() => plan({ 'blk.0.attn_q.weight': 128 })).toThrow(
      expect.objectContaining({
        code: 'convert/wrong-importance',
        message: 'the importance matrix has 128 weights for blk.0.attn_q.weight, which has 64 columns',
      }),
    );
    expect(() => plan({ 'blk.7.attn_q.weight': 64 })).toThrow(
      expect.objectContaining({ code: 'convert/wrong-importance', path: 'other.imatrix' }),
    );
    expect(plan({ 'blk.0.attn_q.weight': 64 }).byteLength).toBeGreaterThan(0);
  });
});

describe('an importance matrix of this model', () => {
  interface WeightedFile {
    readonly byteLength: number;
    readonly sha256: string;
    readonly keys: readonly string[];
    readonly tensors: readonly (readonly [name: string, type: string, sha256: string])[];
  }
  const folder = join(FIXTURES, 'imatrix');
  const { files, absent } = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    readonly files: Readonly<Record<string, WeightedFile>>;
    readonly absent: Readonly<Record<string, WeightedFile>>;
  };
  /** Types whose files are compared whole; of the others, which take long, the choice of types. */
  const WHOLE = ['Q4_0', 'Q4_1', 'Q5_1', 'Q2_K', 'Q2_K_S', 'Q3_K_M', 'Q4_K_M', 'Q5_K_M', 'IQ4_XS', 'IQ4_NL', 'IQ3_XXS'];

  async function importance(form: 'dat' | 'gguf', without?: string): Promise<ImportanceUse> {
    const matrix = await readImportanceMatrix(memorySource(readFileSync(join(folder, `tiny.${form}`))));
    const entries = new Map([...matrix.entries].filter(([name]) => name !== without));
    return { matrix: { ...matrix, entries }, file: `tiny.${form}` };
  }

  it.each(Object.entries(files))('gives each tensor of %s the type that llama.cpp gives it', async (type, expected) => {
    await using model = await openFixture('llama3.2-tiny');
    const plan = planConversion(model, {
      ...{ to: 'gguf', type: type.toLowerCase() as FileTypeName, importance: await importance('gguf') },
    });
    const types = plannedTensors(plan).map(({ name, dtype }) => [name, ggmlTypeOf(dtype)?.name]);
    expect(types).toEqual(expected.tensors.map(([name, ggmlType]) => [name, ggmlType]));
    expect(plan.byteLength).toBe(expected.byteLength);
  });

  it.each(Object.entries(files).filter(([type]) => WHOLE.includes(type)))(
    'makes the %s file that llama.cpp makes, byte for byte',
    async (type, expected) => {
      await using model = await openFixture('llama3.2-tiny');
      const options = { type: type.toLowerCase() as FileTypeName, importance: await importance('gguf') };
      const bytes = await fileOf(model, options);
      await using file = await openGgufFile(memorySource(bytes));
      expect([...file.metadata.keys()]).toEqual(expected.keys);
      expect(sha256(bytes)).toBe(expected.sha256);
    },
  );

  it('may lack a tensor, which is said', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const lacking = Object.values(absent)[0]!;
    const without = 'blk.1.attn_q.weight';
    const options = { type: 'q4_k_m' as const, importance: await importance('gguf', without) };
    expect(planConversion(model, { to: 'gguf', ...options }).warnings).toEqual([
      `the importance matrix has nothing for ${without}: quantized as if there were none`,
    ]);
    expect(sha256(await fileOf(model, options))).toBe(lacking.sha256);
    expect(() => planConversion(model, { to: 'gguf', ...options, type: 'iq2_m' })).toThrow(
      expect.objectContaining({ code: 'convert/needs-importance' }),
    );
  });

  it('is mentioned with no more than 127 bytes of its name', async () => {
    await using model = await openFixture('llama3.2-tiny');
    const { matrix } = await importance('dat');
    const file = `${'a'.repeat(125)}äx.dat`;
    const bytes = await fileOf(model, { type: 'q8_0', importance: { matrix, file } });
    await using read = await openGgufFile(memorySource(bytes));
    expect(read.metadata.get('quantize.imatrix.file')?.value).toBe(`${'a'.repeat(125)}ä`);
  });
});

describe('options that decide nothing', () => {
  const planOf = async (name: string, options: Omit<ConvertOptions, 'to'>) => {
    await using model = await openFixture(name);
    return planConversion(model, { to: 'gguf', type: 'q4_k_m', ...options });
  };

  it('are refused where a pattern is found in no matrix', async () => {
    for (const pattern of [/wq/, /norm/]) {
      await expect(planOf('llama2-tiny', { tensorTypes: [{ pattern, dtype: 'q8_0' }] })).rejects.toMatchObject({
        code: 'convert/bad-option',
        message: `the pattern of the tensor type ${pattern.source}=q8_0 is found in no matrix's name`,
      });
    }
  });

  it('are told where others come first', async () => {
    const tied = await planOf('llama3.2-tiny', { outputType: 'q8_0', pure: true });
    expect(tied.warnings).toEqual([
      'there is no output.weight to become q8_0, and token_embd.weight in its place becomes q4_k',
    ]);
    const tensorTypes = [{ pattern: /^output\.weight/g, dtype: 'q5_k' as const }];
    const untied = await planOf('llama3-tiny', { outputType: 'q8_0', tensorTypes });
    expect(untied.warnings[0]).toBe('^output\\.weight=q5_k decides nothing: another option comes first');
    expect((await planOf('llama3.2-tiny', { outputType: 'q8_0' })).warnings).toEqual([]);
  });

  it('are refused beside a plain type, and in files of another kind', async () => {
    await using model = await openFixture('llama2-tiny');
    const refused = (options: ConvertOptions): unknown => {
      try {
        return planConversion(model, options).warnings;
      } catch (cause) {
        return (cause as Error).message;
      }
    };
    expect([
      refused({ to: 'gguf', type: 'f16', outputType: 'q6_k' }),
      refused({ to: 'safetensors', pure: true }),
      refused({ to: 'gguf', maxShardSize: 5e9 }),
      refused({ to: 'gguf', mergesAs: 'pairs' }),
      refused({ to: 'safetensors', fileName: 'x.gguf' }),
      refused({ to: 'gguf', type: 'q4km' as FileTypeName }),
      refused({ to: 'gguf', type: 'f16', pure: false, tensorTypes: undefined }),
    ]).toEqual([
      'outputType is for quantized types, and the type is f16',
      'pure is for quantized types, and the type is that of the source',
      'maxShardSize is for safetensors',
      'mergesAs is for safetensors',
      'fileName is for GGUF files',
      'there is no type q4km',
      [],
    ]);
  });
});
