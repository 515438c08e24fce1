import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { openMetaFixture } from '../testing/fixture-models.js';
import { TEXT_MODELS, expectedJson } from '../testing/fixtures.js';
import { syntheticModel, withChange } from '../testing/synthetic-model.js';
import { convert, planConversion, runPlan } from './convert.js';
import { directoryOutput } from './directory-output.js';
import { plainFileType } from './options.js';
import { type Output, memoryOutput } from './output.js';
import { plannedTensors } from './plan.js';

const sha256 = (bytes: Uint8Array | undefined): string =>
  createHash('sha256')
    .update(bytes ?? '')
    .digest('hex');

interface GgufFacts {
  file_size: number;
  file_sha256: string;
  data_start: number;
  tensors: { name: string; type: string; dims: number[]; offset: number; sha256: string }[];
}
interface HfFacts {
  'config.json': Record<string, unknown>;
  'model.safetensors': {
    header_bytes: number;
    tensors: { name: string; dtype: string; shape: number[]; sha256: string }[];
  };
}

describe.each(TEXT_MODELS)('%s to GGUF', (name) => {
  it.each(['f32', 'f16', 'bf16'] as const)('%s is byte for byte what llama.cpp writes', async (type) => {
    await using model = await openMetaFixture(name);
    const output = memoryOutput();
    const { plan } = await convert(model, output, { to: 'gguf', type });
    const facts = expectedJson<Record<string, GgufFacts>>(name, 'gguf.json')[`convert-${type}`];
    const file = output.files.get(`${name}.gguf`);
    expect(
      plannedTensors(plan).map((tensor) => ({
        name: tensor.name,
        dims: [...tensor.shape].reverse(),
        offset: tensor.fileOffset - (facts?.data_start ?? 0),
        sha256: sha256(file?.subarray(tensor.fileOffset, tensor.fileOffset + tensor.byteLength)),
      })),
    ).toEqual(
      facts?.tensors.map(({ name: tensor, dims, offset, sha256: hash }) => ({
        name: tensor,
        dims,
        offset,
        sha256: hash,
      })),
    );
    expect(file?.byteLength).toBe(facts?.file_size);
    expect(sha256(file)).toBe(facts?.file_sha256);
  });
});

describe.each(TEXT_MODELS)('%s to safetensors', (name) => {
  it('has the tensors and the configuration of transformers', async () => {
    await using model = await openMetaFixture(name);
    const output = memoryOutput();
    const { plan, lossyTensors } = await convert(model, output, { to: 'safetensors' });
    const facts = expectedJson<HfFacts>(name, 'hf.json');
    const file = output.files.get('model.safetensors');
    const stored = facts['model.safetensors'];
    const headerLength = Number(new DataView(file?.slice(0, 8).buffer ?? new ArrayBuffer(8)).getBigUint64(0, true));
    expect(headerLength).toBe(stored.header_bytes);
    expect(
      plannedTensors(plan).map((tensor) => ({
        name: tensor.name,
        shape: [...tensor.shape],
        sha256: sha256(file?.subarray(tensor.fileOffset, tensor.fileOffset + tensor.byteLength)),
      })),
    ).toEqual(stored.tensors.map(({ name: tensor, shape, sha256: hash }) => ({ name: tensor, shape, sha256: hash })));
    const config = JSON.parse(new TextDecoder().decode(output.files.get('config.json'))) as Record<string, unknown>;
    expect(config).toMatchObject(facts['config.json']);
    expect(lossyTensors).toEqual([]);
  });
});

describe('conversion', () => {
  it('gives the same bytes every time', async () => {
    const once = async (): Promise<string[]> => {
      await using model = await openMetaFixture('llama3-tiny-4shards');
      const output = memoryOutput();
      await convert(model, output, { to: 'safetensors', maxShardSize: 300_000 });
      return [...output.files].map(([file, bytes]) => `${file} ${sha256(bytes)}`);
    };
    const first = await once();
    expect(first.filter((line) => line.startsWith('model-')).length).toBeGreaterThan(2);
    expect(await once()).toEqual(first);
  });

  it('counts what a narrower type loses', async () => {
    const model = await withChange(syntheticModel({}, 'float32'), 'layers.0.feed_forward.w1.weight', (values) => {
      values[0] = 1e6;
      values[1] = 1e-9;
      values[2] = 0.1;
      values.fill(0.5, 3);
    });
    const { loss, lossyTensors } = await convert(model, memoryOutput(), { to: 'safetensors', type: 'f16' });
    expect(loss.overflowed).toBe(1);
    expect(loss.flushedToZero).toBe(1);
    expect(lossyTensors[0]).toEqual({
      name: 'model.layers.0.mlp.gate_proj.weight',
      dtype: 'float16',
      loss: { overflowed: 1, flushedToZero: 1, rounded: 1 },
    });
  });

  it('needs a tokenizer for GGUF', () => {
    expect(() => planConversion(syntheticModel(), { to: 'gguf' })).toThrow(
      expect.objectContaining({ code: 'convert/no-tokenizer' }),
    );
  });

  it('keeps the source’s type, or asks for one', () => {
    expect(plainFileType(syntheticModel({}, 'float16'), undefined)).toEqual({ name: 'f16', dtype: 'float16' });
    const strange = syntheticModel();
    const embedding = strange.tensors.get('tok_embeddings.weight');
    const int8 = {
      ...strange,
      tensors: new Map([['tok_embeddings.weight', { ...embedding!, dtype: 'int8' as const }]]),
    };
    expect(() => plainFileType(int8, undefined)).toThrow(expect.objectContaining({ code: 'convert/unsupported-type' }));
    const complex = {
      ...strange,
      tensors: new Map([...strange.tensors].map(([key, t]) => [key, { ...t, dtype: 'complex64' as const }])),
    };
    expect(() => planConversion(complex, { to: 'safetensors', type: 'f32' })).toThrow(
      expect.objectContaining({ code: 'convert/unsupported-type' }),
    );
  });

  it('reports progress in bytes up to the plan’s size', async () => {
    const seen: number[] = [];
    const { plan } = await convert(syntheticModel(), memoryOutput(), {
      ...{ to: 'safetensors', onProgress: ({ done, total }) => seen.push(done / total) },
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(plan.byteLength).toBeGreaterThan(0);
  });
});

describe('a conversion that fails', () => {
  let root = '';
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'convert-'));
  });
  afterEach(async () => {
    await rm(root, { recursive: true });
  });

  it('leaves nothing behind when it is aborted at any block', async () => {
    await using model = await openMetaFixture('llama3.2-tiny');
    for (const blocks of [1, 2, 5, 20]) {
      const controller = new AbortController();
      let seen = 0;
      const options = { to: 'gguf' as const, type: 'f32' as const, signal: controller.signal };
      const onProgress = (): void => {
        seen += 1;
        if (seen === blocks) controller.abort(new Error('stop'));
      };
      await expect(convert(model, directoryOutput(join(root, 'out')), { ...options, onProgress })).rejects.toThrow(
        'stop',
      );
      expect(await readdir(root)).toEqual([]);
    }
  });

  it('leaves nothing behind when the n-th write fails, for every n', async () => {
    await using model = await openMetaFixture('llama3.2-tiny-no-output');
    const plan = planConversion(model, { to: 'gguf' });
    const writes = plan.files.flatMap(({ pieces }) => pieces).length;
    for (let n = 1; n <= writes; n++) {
      const output = failingOutput(directoryOutput(join(root, 'out')), n);
      await expect(runPlan(plan, output)).rejects.toThrow('disk full');
      expect(await readdir(root)).toEqual([]);
    }
  });

  it('leaves nothing behind when the source fails while it is read', async () => {
    const model = syntheticModel();
    const broken = model.tensors.get('norm.weight')!;
    const tensors = new Map([
      ...model.tensors,
      ['norm.weight', { ...broken, readRows: () => Promise.reject(new Error('gone')) }],
    ]);
    await expect(
      convert({ ...model, tensors }, directoryOutput(join(root, 'out')), { to: 'safetensors' }),
    ).rejects.toThrow('gone');
    expect(await readdir(root)).toEqual([]);
  });

  it('never shows a file that is not what the plan says', async () => {
    const model = syntheticModel();
    const short = model.tensors.get('norm.weight')!;
    const tensors = new Map([...model.tensors, ['norm.weight', { ...short, readRows: async () => new Uint8Array(4) }]]);
    const output = memoryOutput();
    await expect(convert({ ...model, tensors }, output, { to: 'safetensors' })).rejects.toMatchObject({
      code: 'convert/wrong-length',
    });
    expect(output.files.size).toBe(0);
    const long = new Map([
      ...model.tensors,
      ['output.weight', { ...short, readRows: async () => new Uint8Array(1 << 16) }],
    ]);
    await expect(convert({ ...model, tensors: long }, output, { to: 'safetensors' })).rejects.toMatchObject({
      code: 'convert/wrong-length',
    });
  });
});

function failingOutput(output: Output, failAt: number): Output {
  let writes = 0;
  return {
    ...output,
    create: async (name) => {
      const sink = await output.create(name);
      return {
        get position() {
          return sink.position;
        },
        write: async (bytes) => {
          writes += 1;
          if (writes === failAt) throw new Error('disk full');
          await sink.write(bytes);
        },
      };
    },
  };
}
