import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { planSafetensors } from '../formats/safetensors/plan.js';
import { openSafetensorsFile } from '../formats/safetensors/read.js';
import type { Tensor } from '../formats/tensor.js';
import { encodeFromFloat32 } from '../quant/codec.js';
import { openFileSource } from '../source/file.js';
import { memoryFolder } from '../source/folder.js';
import { llamaInspect } from '../testing/cli.js';
import { FIXTURES, fineTune, modelFolder } from '../testing/fixtures.js';
import { memoryTensor, syntheticModel, valuesOf, withTensors } from '../testing/synthetic-model.js';
import { canonicalName, expectNameInLayout, rotaryHeads } from './layout.js';
import { openLora, withLora } from './lora.js';
import { openLoras } from './lora-path-node.js';
import type { LlamaModel } from './model.js';
import { openModel } from './open-path-node.js';
import { toHfRowOrder, toMetaRowOrder } from './row-order.js';

const CONFIG = { peft_type: 'LORA', r: 2, lora_alpha: 4, target_modules: ['q_proj', 'down_proj'], bias: 'none' };
const Q = 'layers.1.attention.wq.weight';
const DOWN = 'layers.0.feed_forward.w2.weight';

/** Eighths between -1 and 1: their sums and products are exact in float32. */
const eighths = (length: number, seed: number): Float32Array =>
  Float32Array.from({ length }, (_, index) => (((index * 7 + seed * 13) % 17) - 8) / 8);

async function safetensors(tensors: readonly Tensor[]): Promise<Uint8Array> {
  const plan = planSafetensors(tensors);
  const bytes = new Uint8Array(plan.byteLength);
  bytes.set(plan.header);
  for (const { name, fileOffset } of plan.tensors) {
    const tensor = tensors.find((candidate) => candidate.name === name)!;
    bytes.set(await tensor.readRows(0, tensor.shape[0]!), fileOffset);
  }
  return bytes;
}

/** An adapter of rank 2 for these matrices of a model, given the shape of each. */
async function adapter(shapes: Record<string, [number, number]>, change: object = {}, seed = 1) {
  const tensors = Object.entries(shapes).flatMap(([name, [out, columns]]) => {
    const prefix = `base_model.model.${expectNameInLayout(name, 'hf').replace(/\.weight$/, '')}`;
    return [
      memoryTensor(`${prefix}.lora_A.weight`, [2, columns], eighths(2 * columns, seed), 'float32'),
      memoryTensor(`${prefix}.lora_B.weight`, [out, 2], eighths(2 * out, seed + 1), 'float32'),
    ];
  });
  const config = new TextEncoder().encode(JSON.stringify({ ...CONFIG, ...change }));
  return { 'adapter_config.json': config, 'adapter_model.safetensors': await safetensors(tensors) };
}

const SHAPES: Record<string, [number, number]> = { [Q]: [32, 32], [DOWN]: [32, 48] };
const open = async (files: Record<string, Uint8Array>) => openLora(memoryFolder(files, 'adapter'));

/** W + scale * B A by the definition, over rows in Hugging Face's order, then back in Meta's. */
async function expected(tensor: Tensor, headDim: number | undefined, scale: number, seed: number): Promise<Tensor> {
  const [out = 0, columns = 0] = tensor.shape;
  const a = eighths(2 * columns, seed);
  const b = eighths(2 * out, seed + 1);
  const values = await valuesOf(headDim === undefined ? tensor : toHfRowOrder(tensor, headDim));
  const sums = values.map((value, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    return value + scale * (b[2 * row]! * a[column]! + b[2 * row + 1]! * a[columns + column]!);
  });
  const merged = memoryTensor(tensor.name, tensor.shape, sums, 'float32');
  return headDim === undefined ? merged : toMetaRowOrder(merged, headDim);
}

function exactModel(): LlamaModel {
  const model = syntheticModel({}, 'float32');
  const tensors = [...model.tensors].map(([name, { shape }]): [string, Tensor] => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return [name, memoryTensor(name, shape, eighths(size, name.length), 'float32')];
  });
  return { ...model, tensors: new Map(tensors) };
}

describe('an adapter', () => {
  it.each([
    ['lora_alpha / r', {}, 2],
    ['lora_alpha / sqrt(r)', { use_rslora: true, r: 2, lora_alpha: 2 * Math.SQRT2 }, 2],
    ['whatever modules a pattern names', { target_modules: 'all-linear' }, 2],
    ['modules by the ends of their names', { target_modules: ['self_attn.q_proj', 'down_proj'] }, 2],
    ['modules by their whole names', { target_modules: ['model.layers.1.self_attn.q_proj', 'mlp.down_proj'] }, 2],
    ['modules of some layers', { layers_to_transform: [0, 1], init_lora_weights: 'gaussian' }, 2],
  ])('is added with the scale %s', async (_, change, scale) => {
    const model = exactModel();
    await using lora = await open(await adapter(SHAPES, change));
    const merged = withLora(model, [lora]);
    for (const [name, headDim] of [
      [Q, model.config.headDim],
      [DOWN, undefined],
    ] as const) {
      const want = await valuesOf(await expected(model.tensors.get(name)!, headDim, scale, 1));
      const found = await valuesOf(merged.tensors.get(name)!);
      expect(
        found.every((value, index) => Math.abs(value - want[index]!) <= 1e-6),
        name,
      ).toBe(true);
      const rows = await merged.tensors.get(name)!.readRows(5, 3);
      expect(rows).toEqual(new Uint8Array(found.buffer).subarray((5 * rows.length) / 3, (8 * rows.length) / 3));
    }
    expect(merged.tensors.get('norm.weight')).toBe(model.tensors.get('norm.weight'));
    expect(merged.decisions.at(-1)).toEqual({
      about: 'adapter',
      value: 'adapter',
      because: '2 matrices change, rank 2, scale 2',
    });
  });

  it('may be one of several, and what they give together is rounded once', async () => {
    const model = exactModel();
    const halves = new Map([...model.tensors].map(([name, tensor]) => [name, tensor]));
    const down = await valuesOf(model.tensors.get(DOWN)!);
    halves.set(DOWN, memoryTensor(DOWN, [32, 48], down, 'bfloat16'));
    await using first = await open(await adapter({ [DOWN]: [32, 48] }, { target_modules: ['down_proj'] }));
    await using second = await open(
      await adapter({ [DOWN]: [32, 48] }, { target_modules: ['down_proj'], lora_alpha: 1 }, 5),
    );
    const merged = withLora({ ...model, tensors: halves }, [first, second]).tensors.get(DOWN)!;
    const once = await expected(model.tensors.get(DOWN)!, undefined, 2, 1);
    const twice = await valuesOf(await expected(once, undefined, 0.5, 5));
    const rounded = new Uint8Array(2 * twice.length);
    encodeFromFloat32('bfloat16', twice, rounded);
    expect(await merged.readRows(0, 32)).toEqual(rounded);
    const into = new Uint8Array(rounded.length);
    expect(await merged.readRows(0, 32, { into })).toBe(into);
    expect(withLora(model, [])).toBe(model);
  });
});

describe('an adapter of old PEFT', () => {
  it('is merged as PEFT merges it: pickled weights, a scale by the root of the rank, ranks and alphas of its own', async () => {
    await using base = await openModel(fineTune('llama3-korean-tiny'));
    await using loras = await openLoras([fineTune('adapter')]);
    const wide = [...base.tensors.values()].map(async (tensor) => {
      return memoryTensor(tensor.name, tensor.shape, await valuesOf(tensor), 'float32');
    });
    const merged = withLora(withTensors(base, ...(await Promise.all(wide))), loras.all);
    const expectedFile = await openSafetensorsFile(await openFileSource(fineTune('merged.safetensors')));
    let changed = 0;
    for (const stored of expectedFile.tensors) {
      const name = canonicalName(stored.name, 'hf')!;
      const rotates = rotaryHeads(name, base.config) !== undefined;
      const want = await valuesOf(rotates ? toMetaRowOrder(stored, base.config.headDim) : stored);
      const found = await valuesOf(merged.tensors.get(name)!);
      expect(Math.max(...found.map((value, index) => Math.abs(value - want[index]!))), name).toBeLessThan(2e-6);
      const before = await valuesOf(base.tensors.get(name)!);
      expect(
        found.some((value, index) => Math.abs(value - before[index]!) > 0.1),
        name,
      ).toBe(true);
      changed += 1;
    }
    await expectedFile.close();
    expect(changed).toBe(8);
    expect(merged.decisions.at(-1)?.because).toBe('8 matrices change, rank 2, scale 5.65685, and 4 other strengths');
  });

  it('gives each merge its factor again after a read that failed', async () => {
    const model = exactModel();
    await using lora = await open(await adapter(SHAPES));
    const pair = lora.pairs.get(DOWN)!;
    let fails = true;
    const flaky: Tensor = {
      ...pair.a,
      readRows: async (...args) => {
        if (fails) throw new Error('the cable');
        return pair.a.readRows(...args);
      },
    };
    const pairs = new Map([[DOWN, { ...pair, a: flaky }]]);
    const merged = withLora(model, [{ ...lora, pairs }]).tensors.get(DOWN)!;
    await expect(merged.readRows(0, 4)).rejects.toThrow('the cable');
    fails = false;
    const whole = withLora(model, [lora]).tensors.get(DOWN)!;
    expect(await merged.readRows(0, 4)).toEqual(await whole.readRows(0, 4));
  });
});

describe('an adapter that cannot be merged', () => {
  it.each([
    [{ peft_type: 'IA3' }, 'llama/unsupported', 'peft_type is "IA3"'],
    [{ bias: 'all' }, 'llama/unsupported', 'bias is "all"'],
    [{ fan_in_fan_out: true }, 'llama/unsupported', 'fan_in_fan_out is true'],
    [{ use_dora: true }, 'llama/unsupported', 'use_dora is true'],
    [{ modules_to_save: ['lm_head'] }, 'llama/unsupported', 'modules_to_save is ["lm_head"]'],
    [{ rank_pattern: { q_proj: 4 } }, 'llama/bad-adapter', 'but the rank is 4'],
    [{ rank_pattern: { 'layers.(0|1).q': 2 } }, 'llama/unsupported', 'rank_pattern has the pattern "layers.(0|1).q"'],
    [{ rank_pattern: { q_proj: 0 } }, 'llama/bad-adapter', 'rank_pattern["q_proj"] must be a whole number'],
    [{ alpha_pattern: { q_proj: '4' } }, 'llama/bad-adapter', 'alpha_pattern["q_proj"] must be a number'],
    [{ alpha_pattern: [] }, 'llama/bad-adapter', 'alpha_pattern must be an object'],
    [{ alora_invocation_tokens: [1] }, 'llama/unsupported', 'alora_invocation_tokens is [1]'],
    [{ init_lora_weights: 'pissa_niter_4' }, 'llama/unsupported', 'init_lora_weights is "pissa_niter_4"'],
    [{ init_lora_weights: 'olora' }, 'llama/unsupported', 'changes the base model'],
    [{ use_newest: { a: 1 } }, 'llama/unsupported', 'use_newest is {"a":1}, which cannot be merged'],
    [{ use_rslora: 'true' }, 'llama/bad-adapter', 'use_rslora must be true or false, found "true"'],
    [{ lora_alpha: 0 }, 'llama/bad-adapter', 'lora_alpha must be a number other than 0'],
    [{ layers_to_transform: [1] }, 'llama/bad-adapter', 'model.layers.0.mlp.down_proj, whose layer'],
    [{ layers_to_transform: [0, 1, 7] }, 'llama/bad-adapter', 'layers_to_transform names 7'],
    [{ layers_to_transform: 'all' }, 'llama/bad-adapter', 'must be numbers of layers'],
    [{ target_modules: [1] }, 'llama/bad-adapter', 'must be names of modules'],
    [{ target_modules: ['proj'] }, 'llama/bad-adapter', 'weights for down_proj'],
    [{ r: 0 }, 'llama/bad-adapter', 'r must be'],
    [{ r: 1e9 }, 'llama/bad-adapter', 'r must be'],
    [{ r: 3 }, 'llama/bad-adapter', 'but the rank is 3'],
    [{ lora_alpha: 'x' }, 'llama/bad-adapter', 'lora_alpha must be'],
    [{ target_modules: ['q_proj'] }, 'llama/bad-adapter', 'weights for down_proj'],
    [{ target_modules: ['q_proj', 'down_proj', 'k_proj'] }, 'llama/bad-adapter', 'names k_proj'],
  ])('says so: %o', async (change, code, message) => {
    await expect(open(await adapter(SHAPES, change))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  it('has other files or tensors than an adapter', async () => {
    const files = await adapter(SHAPES);
    const factor = (name: string) => memoryTensor(name, [2, 32], eighths(64, 1), 'float32');
    const cases: [Record<string, Uint8Array>, string][] = [
      [{ 'adapter_config.json': files['adapter_config.json'] }, 'there is no adapter_model.safetensors'],
      [{ ...files, 'adapter_config.json': new TextEncoder().encode('{') }, 'not valid JSON'],
      [{ ...files, 'adapter_config.json': new TextEncoder().encode('[]') }, 'a JSON object was expected'],
    ];
    const strange: [string, string][] = [
      ['base_model.model.model.layers.0.mlp.router.lora_A.weight', 'is no factor'],
      ['base_model.model.model.norm.lora_A.weight', 'is no factor'],
      ['model.layers.0.self_attn.q_proj.weight', 'is no factor'],
      ['base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight', 'one factor of two'],
    ];
    for (const [name, message] of strange) {
      const config = new TextEncoder().encode(JSON.stringify({ ...CONFIG, target_modules: 'all-linear' }));
      cases.push([
        { 'adapter_config.json': config, 'adapter_model.safetensors': await safetensors([factor(name)]) },
        message,
      ]);
      if (name.includes('q_proj.lora')) {
        cases.push([
          { 'adapter_config.json': config, 'adapter_model.safetensors': await safetensors([]) },
          'no weights',
        ]);
      }
    }
    for (const [broken, message] of cases) {
      await expect(open(broken)).rejects.toMatchObject({
        code: 'llama/bad-adapter',
        message: expect.stringContaining(message) as string,
      });
    }
  });

  it('has a factor twice', async () => {
    const files = await adapter({ [Q]: [32, 32] }, { target_modules: ['q_proj'] });
    const prefix = 'base_model.model.model.layers.1.self_attn.q_proj';
    const names = ['lora_A.weight', 'lora_A.default.weight', 'lora_B.weight'];
    const factors = names.map((name) => {
      const shape = name.startsWith('lora_A') ? [2, 32] : [32, 2];
      return memoryTensor(`${prefix}.${name}`, shape, eighths(64, 1), 'float32');
    });
    const twice = { ...files, 'adapter_model.safetensors': await safetensors(factors) };
    await expect(open(twice)).rejects.toMatchObject({
      code: 'llama/bad-adapter',
      message: expect.stringContaining('factor A of model.layers.1.self_attn.q_proj is there twice') as string,
    });
  });

  it.each([
    ['lora_A.weight', NaN, 'lora_A.weight has values that are no numbers, as NaN'],
    ['lora_B.weight', -Infinity, 'lora_B.weight has values that are no numbers, as -Infinity'],
    ['lora_B.weight', 3e38, 'layers.0.feed_forward.w2.weight would get values that are infinite or NaN in float32'],
  ])('has no finite numbers, or gives none: %s with %d', async (factor, value, message) => {
    await using lora = await open(await adapter({ [DOWN]: [32, 48] }, { target_modules: ['down_proj'] }));
    const pair = lora.pairs.get(DOWN)!;
    const key = factor.startsWith('lora_A') ? 'a' : 'b';
    const values = (await valuesOf(pair[key])).fill(value, 7, 8);
    const pairs = new Map([
      [DOWN, { ...pair, scale: 9, [key]: memoryTensor(factor, pair[key].shape, values, 'float32') }],
    ]);
    const merged = withLora(exactModel(), [{ ...lora, pairs }]).tensors.get(DOWN)!;
    await expect(merged.readRows(0, 32)).rejects.toMatchObject({
      code: 'llama/bad-adapter',
      path: 'adapter',
      message: expect.stringContaining(message) as string,
    });
  });

  it('was made for another model', async () => {
    const pattern = { target_modules: 'all-linear' };
    const cases: [Record<string, [number, number]>, LlamaModel, string, string][] = [
      [{ [Q]: [32, 64] }, exactModel(), 'llama/wrong-base', 'as a matrix of (32, 64), but it has (32, 32)'],
      [{ 'layers.9.attention.wq.weight': [32, 32] }, exactModel(), 'llama/wrong-base', 'does not have'],
      [
        { 'output.weight': [29, 32] },
        syntheticModel({ tied: true }),
        'llama/wrong-base',
        'because its output is the embedding',
      ],
      [{ [Q]: [32, 32] }, syntheticModel({}, 'q4_0'), 'llama/unsupported', 'plain weights only'],
    ];
    for (const [shapes, model, code, message] of cases) {
      await using lora = await open(await adapter(shapes, pattern));
      expect(() => withLora(model, [lora])).toThrow(
        expect.objectContaining({ code, message: expect.stringContaining(message) as string }),
      );
    }
  });
});

it.each([
  ['Llama 3.2 Vision', modelFolder('llama3.2-vision-tiny')],
  ['Llama 4', join(FIXTURES, 'families', 'llama4-1shard')],
])('an adapter is refused for %s, whose layers it names otherwise', async (kind, path) => {
  await using model = await openModel(path);
  const [out = 0, columns = 0] = model.tensors.get(Q)!.shape;
  await using adapted = await open(await adapter({ [Q]: [out, columns] }, { target_modules: ['q_proj'] }));
  expect(() => withLora(model, [adapted])).toThrow(
    expect.objectContaining({
      ...{ code: 'llama/bad-adapter', path: 'adapter' },
      message: `adapters are merged into text models only, and this is a ${kind}`,
    }),
  );
});

describe('convert --lora', () => {
  it('writes the merged model', async () => {
    const root = await mkdtemp(join(tmpdir(), 'lora-'));
    try {
      const folder = join(root, 'adapter');
      await mkdir(folder);
      const files = await adapter({ [Q]: [256, 256] }, { target_modules: ['q_proj'] });
      for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes);
      const source = modelFolder('llama3.2-tiny');
      const output = join(root, 'merged.gguf');
      const { code, stdout } = await llamaInspect('convert', source, '--to', 'gguf', '-o', output, '--lora', folder);
      expect(code).toBe(0);
      expect(stdout).toMatch(/1 matrix\s+changes/);
      expect(stdout).not.toContain('to prove it');
      await using base = await openModel(source);
      await using merged = await openModel(output);
      await using loras = await openLoras([folder]);
      const want = withLora(base, loras.all).tensors.get(Q)!;
      expect(await merged.tensors.get(Q)!.readRows(0, 256)).toEqual(await want.readRows(0, 256));
      expect(await merged.tensors.get(Q)!.readRows(0, 256)).not.toEqual(await base.tensors.get(Q)!.readRows(0, 256));
      await expect(openLoras([folder, root])).rejects.toMatchObject({ code: 'llama/bad-adapter' });
    } finally {
      await rm(root, { recursive: true });
    }
  });
});
