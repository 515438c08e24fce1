import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { verifyFolder } from '../integrity/verify-folder.js';
import { elementCount } from '../dtype.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { llama3Scaling } from '../llama/rope.js';
import { memoryFolder } from '../source/folder.js';
import { openFixture } from '../testing/fixture-models.js';
import { TEXT_MODELS, modelFolder } from '../testing/fixtures.js';
import { LLAMA_3_1_8B, shapeOnly } from '../testing/release-models.js';
import { memoryTensor, syntheticModel, withChange } from '../testing/synthetic-model.js';
import { convert, planConversion } from './convert.js';
import type { ConvertOptions } from './options.js';
import { memoryOutput } from './output.js';

type Files = Record<string, Uint8Array>;

async function converted(model: LlamaModel, options: ConvertOptions): Promise<Files> {
  const output = memoryOutput();
  await convert(model, output, options);
  return Object.fromEntries(output.files);
}

const openFiles = (files: Files, name: string): Promise<LlamaModel> => {
  const gguf = Object.entries(files).find(([file]) => file.endsWith('.gguf'));
  return openModel(gguf?.[1] ?? memoryFolder(files, name));
};

/** Name, type, shape and SHA-256 of the bytes of every tensor. */
async function tensorsOf(model: LlamaModel): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, tensor] of model.tensors) {
    const rows = tensor.shape.slice(0, -1).reduce((product, extent) => product * extent, 1);
    const hash = createHash('sha256').update(await tensor.readRows(0, rows));
    lines.push(`${name} ${tensor.dtype} ${tensor.shape.join()} ${hash.digest('hex')}`);
  }
  return lines;
}

const shardsOf = (name: string): number =>
  readdirSync(modelFolder(name)).filter((file) => file.endsWith('.pth')).length;

describe.each(TEXT_MODELS)('%s', (name) => {
  it.each([1, 2, 4])(
    'goes from Meta to Hugging Face to GGUF to Meta in %i shards, and no byte of a tensor changes',
    async (shards) => {
      await using source = await openFixture(name);
      if (source.config.nKvHeads % shards !== 0) {
        await expect(converted(source, { to: 'meta', shards })).rejects.toMatchObject({ code: 'convert/bad-option' });
        return;
      }
      await using hf = await openFiles(await converted(source, { to: 'safetensors' }), name);
      await using gguf = await openFiles(await converted(hf, { to: 'gguf' }), name);
      const files = await converted(gguf, { to: 'meta', shards });
      await using again = await openFiles(files, name);
      expect(Object.keys(files).filter((file) => file.endsWith('.pth'))).toHaveLength(shards);
      expect(await tensorsOf(again)).toEqual(await tensorsOf(source));
      expect(again.config).toEqual(source.config);
      expect(again.vocabulary?.pieces).toEqual(source.vocabulary?.pieces);
      await again.expectConsistentWeights();
      const report = await verifyFolder(memoryFolder(files, name));
      expect(report.verdict).toBe('intact');
    },
  );

  it('keeps params.json and tokenizer.model of a folder of Meta’s', async () => {
    await using source = await openFixture(name);
    const files = await converted(source, { to: 'meta', shards: shardsOf(name) });
    for (const file of ['params.json', 'tokenizer.model']) {
      expect(Buffer.from(files[file]!).equals(readFileSync(join(modelFolder(name), file))), file).toBe(true);
    }
  });
});

describe('the shards', () => {
  it.each(['llama3.2-tiny', 'llama3-tiny', 'llama3-tiny-4shards'])(
    'of %s are the bytes that torch.save wrote',
    async (name) => {
      await using source = await openFixture(name);
      await using hf = await openFiles(await converted(source, { to: 'safetensors' }), name);
      const files = await converted(hf, { to: 'meta', shards: shardsOf(name) });
      const weights = Object.entries(files).filter(([file]) => file.endsWith('.pth'));
      for (const [file, bytes] of weights) {
        expect(Buffer.from(bytes).equals(readFileSync(join(modelFolder(name), file))), file).toBe(true);
      }
      expect(weights).toHaveLength(shardsOf(name));
    },
  );
});

describe('a plan', () => {
  it('knows every offset before a weight is read, and the whole length of shards of 13 GB', () => {
    const plan = planConversion(shapeOnly(LLAMA_3_1_8B, 'x'), { to: 'meta', shards: 8 });
    expect(plan.files.map(({ name }) => name)).toEqual([
      ...Array.from({ length: 8 }, (_, index) => `consolidated.0${index}.pth`),
      'params.json',
      'checklist.chk',
    ]);
    const [first] = plan.files;
    let end = 0;
    for (const piece of first!.pieces) {
      if (piece.kind === 'tensor') expect([piece.fileOffset, end % 64]).toEqual([end, 0]);
      end += piece.kind === 'bytes' ? piece.bytes.byteLength : piece.byteLength;
    }
    expect(end).toBe(first!.byteLength);
  });

  it('tells what readers will take for something else', () => {
    const scaled = shapeOnly({ ...LLAMA_3_1_8B, ropeScaling: llama3Scaling(16), contextLength: 65536 }, 'x');
    const { warnings } = planConversion(scaled, { to: 'meta' });
    expect(warnings.slice(1)).toEqual([
      expect.stringContaining('no place for the rope factor 16, and readers take 8'),
      expect.stringContaining('no place for the context length 65536, and readers take 131072'),
    ]);
    expect(planConversion(shapeOnly(LLAMA_3_1_8B, 'x'), { to: 'meta' }).warnings).toHaveLength(1);
  });

  it.each([
    [{ to: 'meta', shards: 3 }, '3 shards cannot share 32 query heads equally'],
    [{ to: 'meta', shards: 1.5 }, 'shards is 1.5'],
    [{ to: 'gguf', shards: 2 }, "shards is for Meta's layout"],
    [{ to: 'meta', maxShardSize: 5 }, 'maxShardSize is for safetensors'],
    [{ to: 'meta', fileName: 'x' }, 'fileName is for GGUF files'],
  ] as const)('is refused for %o', (options, message) => {
    expect(() => planConversion(shapeOnly(LLAMA_3_1_8B, 'x'), options)).toThrow(
      expect.objectContaining({ code: 'convert/bad-option', message: expect.stringContaining(message) as string }),
    );
  });
});

describe('types', () => {
  it.each(['f32', 'f16', 'bf16'] as const)('become %s when that is asked for', async (type) => {
    await using source = await openFixture('llama3-tiny');
    await using again = await openFiles(await converted(source, { to: 'meta', type }), 'x');
    const dtype = { f32: 'float32', f16: 'float16', bf16: 'bfloat16' }[type];
    expect(new Set([...again.tensors.values()].map((tensor) => tensor.dtype))).toEqual(new Set([dtype]));
  });

  it.each(['meta', 'safetensors'] as const)('of a quantized GGUF file have to be named for %s', async (to) => {
    await using source = await openFixture('llama3.2-tiny');
    await using quantized = await openFiles(await converted(source, { to: 'gguf', type: 'q4_k_m' }), 'x');
    expect(() => planConversion(quantized, { to })).toThrow(
      expect.objectContaining({ code: 'convert/unsupported-type', hint: 'give --type f32, f16 or bf16' }),
    );
    expect(() => planConversion(quantized, { to, type: 'q8_0' })).toThrow(
      expect.objectContaining({ code: 'convert/unsupported-type' }),
    );
    const values = async (options: ConvertOptions): Promise<string[]> => {
      await using again = await openFiles(await converted(quantized, options), 'x');
      return await tensorsOf(again);
    };
    const f16 = await values({ to: 'gguf', type: 'f16' });
    const expected = f16.filter((line) => !line.includes('norm'));
    const whole = await values({ to, type: 'f16' });
    expect(whole.filter((line) => !line.includes('norm'))).toEqual(expected);
    if (to === 'meta') expect(await values({ to, type: 'f16', shards: 2 })).toEqual(whole);
  });

  it('of blocks among plain weights have to be named too', async () => {
    await using source = await openFixture('llama3.2-tiny');
    const mixed = await converted(source, { to: 'gguf', type: 'q4_k_m', embeddingType: 'bfloat16' });
    await using model = await openFiles(mixed, 'x');
    expect(() => planConversion(model, { to: 'meta' })).toThrow(
      expect.objectContaining({ code: 'convert/unsupported-type', message: expect.stringContaining('wq') as string }),
    );
  });

  it('of vectors in a GGUF file become those of the matrices, unless that would lose something', async () => {
    const norm = 'layers.0.ffn_norm.weight';
    const exact = { ...syntheticModel({}, 'float32'), layout: 'gguf' as const };
    const model = await withChange(exact, norm, (values) => values.fill(1));
    const halves = new Map(
      [...model.tensors].map(([name, tensor]) => {
        const values = new Float32Array(elementCount(tensor.shape)).fill(0.5);
        return [
          name,
          tensor.shape.length === 1
            ? memoryTensor(name, tensor.shape, values, 'float32')
            : memoryTensor(name, tensor.shape, values, 'bfloat16'),
        ];
      }),
    );
    const files = await converted({ ...model, tensors: halves }, { to: 'meta' });
    await using again = await openFiles(files, 'x');
    expect(again.tensors.get(norm)?.dtype).toBe('bfloat16');
    const third = memoryTensor(norm, [32], new Float32Array(32).fill(1 / 3), 'float32');
    const inexact = { ...model, tensors: new Map([...halves, [norm, third]]) };
    const output = memoryOutput();
    await expect(convert(inexact, output, { to: 'safetensors' })).rejects.toMatchObject({
      code: 'convert/inexact',
      message: expect.stringContaining(`32 numbers of ${norm}`) as string,
    });
    expect(output.files.size).toBe(0);
    await convert(inexact, output, { to: 'safetensors', type: 'bf16' });
    expect(output.files.size).toBeGreaterThan(0);
  });
});
