import { describe, expect, it } from 'vitest';

import { ROW_BLOCK_BYTES } from '../formats/tensor.js';
import type { LlamaConfig, LlamaModel } from '../llama/model.js';
import { llama3Scaling, ropeFrequencies, scaleRopeFrequencies } from '../llama/rope.js';
import {
  SMALL_CONFIG,
  castModel,
  memoryTensor,
  syntheticModel,
  valuesOf,
  withChange,
  withTensors,
} from '../testing/synthetic-model.js';
import { forward, forwardStages } from './forward.js';
import type { Kernels } from './kernels.js';
import { plainKernels } from './plain-kernels.js';
import { LARGEST_POSITION, MOST_TOKENS } from './request.js';
import { createKernels } from './wasm-kernels.js';

/** The pass once more, token by token on plain arrays in float64, with complex rotation: nothing shared with the code. */
async function naiveLogits(model: LlamaModel, tokens: readonly number[], positions: readonly number[]) {
  const { config: c } = model;
  const weights = new Map<string, number[][]>();
  for (const [name, tensor] of model.tensors) {
    const flat = [...(await valuesOf(tensor))];
    const width = tensor.shape.at(-1)!;
    weights.set(
      name,
      Array.from({ length: flat.length / width }, (_, r) => flat.slice(r * width, (r + 1) * width)),
    );
  }
  const matrix = (name: string): number[][] => weights.get(`${name}.weight`)!;
  const dot = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const times = (name: string, x: number[]): number[] => matrix(name).map((row) => dot(row, x));
  const norm = (name: string, x: number[]): number[] =>
    x.map((value, i) => (value / Math.sqrt(dot(x, x) / x.length + c.normEps)) * matrix(name)[0]![i]!);
  const base = ropeFrequencies(c.headDim, c.ropeTheta);
  const frequencies = c.ropeScaling === null ? base : scaleRopeFrequencies(base, c.ropeScaling);
  const turned = (head: number[], position: number): number[] =>
    [...frequencies].flatMap((f, i) => {
      const length = Math.hypot(head[2 * i]!, head[2 * i + 1]!);
      const angle = Math.atan2(head[2 * i + 1]!, head[2 * i]!) + position * f;
      return [length * Math.cos(angle), length * Math.sin(angle)];
    });
  const head = (x: number[], h: number): number[] => x.slice(h * c.headDim, (h + 1) * c.headDim);
  let states = tokens.map((token) => matrix('tok_embeddings')[token]!);
  for (let layer = 0; layer < c.nLayers; layer++) {
    const at = `layers.${layer}`;
    const normed = states.map((x) => norm(`${at}.attention_norm`, x));
    const [q, k, v] = ['q', 'k', 'v'].map((part) => normed.map((x) => times(`${at}.attention.w${part}`, x)));
    states = states.map((x, i) => {
      const mixed = Array.from({ length: c.nHeads }, (_, h) => {
        const shared = Math.floor((h * c.nKvHeads) / c.nHeads);
        const query = turned(head(q![i]!, h), positions[i]!);
        const scores = k!.slice(0, i + 1).map((key, j) => dot(query, turned(head(key, shared), positions[j]!)));
        const exps = scores.map((score) => Math.exp(score / Math.sqrt(c.headDim)));
        const sum = exps.reduce((a, b) => a + b);
        return Array.from({ length: c.headDim }, (_, d) =>
          dot(
            exps.map((e) => e / sum),
            v!.slice(0, i + 1).map((value) => head(value, shared)[d]!),
          ),
        );
      });
      const added = times(`${at}.attention.wo`, mixed.flat());
      const mid = x.map((value, d) => value + added[d]!);
      const inner = norm(`${at}.ffn_norm`, mid);
      const gate = times(`${at}.feed_forward.w1`, inner);
      const up = times(`${at}.feed_forward.w3`, inner);
      const out = times(
        `${at}.feed_forward.w2`,
        gate.map((g, d) => (g / (1 + Math.exp(-g))) * up[d]!),
      );
      return mid.map((value, d) => value + out[d]!);
    });
  }
  return states.flatMap((x) => times(c.tied ? 'tok_embeddings' : 'output', norm('norm', x)));
}

function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Array.from(a, (value, i) => Math.abs(value - b[i]!)).reduce((x, y) => Math.max(x, y), 0);
}

const TOKENS = [1, 7, 28, 0, 7, 13];

describe('forward against a plain computation', () => {
  const cases: [string, Partial<LlamaConfig>][] = [
    ['grouped heads', {}],
    ['one key/value head', { nKvHeads: 1 }],
    ['a key/value head each', { nKvHeads: 4 }],
    ['tied output', { tied: true }],
    ['scaled rope', { ropeTheta: 500000, ropeScaling: llama3Scaling(8), headDim: 8 }],
    ['heads wider than dim / nHeads', { headDim: 16 }],
  ];

  it.each(cases)('%s', async (_, config) => {
    const model = syntheticModel(config);
    for (const positions of [
      [0, 1, 2, 3, 4, 5],
      [3, 900, 901, 20, 20, 5000],
    ]) {
      const expected = await naiveLogits(model, TOKENS, positions);
      for (const kernels of [await createKernels(), plainKernels]) {
        const got = await forward(model, TOKENS, { positions, kernels });
        expect(worst(got.logits, expected)).toBeLessThan(2e-5);
      }
    }
  });
});

describe('forward', () => {
  it('gives what it was asked for beside the logits', async () => {
    const model = syntheticModel();
    const result = await forward(model, TOKENS, { rows: [5, 0] });
    expect(result).toMatchObject({ tokens: TOKENS, positions: [0, 1, 2, 3, 4, 5], rows: [5, 0], vocabSize: 29 });
    const all = await forward(model, TOKENS);
    expect(all.rows).toEqual([0, 1, 2, 3, 4, 5]);
    expect(result.logits).toEqual(Float32Array.of(...all.logits.slice(5 * 29), ...all.logits.slice(0, 29)));
    expect((await forward(model, TOKENS, { rows: [] })).logits).toHaveLength(0);
  });

  it('keeps every token blind to those after it', async () => {
    const model = syntheticModel();
    const long = await forward(model, TOKENS);
    const short = await forward(model, TOKENS.slice(0, 3));
    expect(long.logits.slice(0, 3 * 29)).toEqual(short.logits);
  });

  it('depends on how far positions are apart, not on where they begin', async () => {
    const model = syntheticModel();
    const [here, there, apart] = await Promise.all(
      [
        [0, 1, 2, 3, 4, 5],
        [100, 101, 102, 103, 104, 105],
        [0, 2, 4, 6, 8, 10],
      ].map((positions) => forward(model, TOKENS, { positions })),
    );
    expect(worst(here!.logits, there!.logits)).toBeLessThan(1e-4);
    expect(worst(here!.logits, apart!.logits)).toBeGreaterThan(1e-2);
  });

  it('rounds angles at far positions as float32 does', async () => {
    const model = syntheticModel({ nLayers: 1 });
    const far = [LARGEST_POSITION - 5, LARGEST_POSITION - 3, 0, 9, 12_345_677, 3];
    const { logits } = await forward(model, TOKENS, { positions: far });
    expect(logits.every(Number.isFinite)).toBe(true);
    // unrounded angles are off by up to half a unit of 2^24, far more than any other rounding
    expect(worst(logits, await naiveLogits(model, TOKENS, far))).toBeGreaterThan(1e-3);
  });

  it('gives the same bits from float32 as from the bfloat16 it came from', async () => {
    const narrow = syntheticModel({}, 'bfloat16');
    const wide = await castModel(narrow, 'float32');
    expect((await forward(wide, TOKENS)).logits).toEqual((await forward(narrow, TOKENS)).logits);
  });

  it.each(['q4_0', 'q8_0', 'q4_1'] as const)(
    'gives the same bits from float32 as from the %s it came from',
    async (dtype) => {
      const config = { dim: 64, ffnDim: 288, headDim: 16 };
      for (const kernels of [undefined, plainKernels]) {
        const blocks = syntheticModel(config, dtype);
        const wide = await castModel(blocks, 'float32');
        const options = { kernels };
        expect((await forward(wide, TOKENS, options)).logits).toEqual((await forward(blocks, TOKENS, options)).logits);
      }
    },
  );

  it('reads a large matrix in blocks, never whole', async () => {
    const config = { ...SMALL_CONFIG, vocabSize: 20_000, dim: 64, headDim: 16, nLayers: 1 };
    const model = syntheticModel(config);
    let longest = 0;
    const watched = [...model.tensors.values()].map((tensor) => ({
      ...tensor,
      readRows: async (first: number, count: number) => {
        const bytes = await tensor.readRows(first, count);
        longest = Math.max(longest, bytes.byteLength);
        return bytes;
      },
    }));
    await forward(withTensors(model, ...watched), [1, 19_999], { rows: [1] });
    expect(longest).toBeLessThanOrEqual(ROW_BLOCK_BYTES);
    expect(longest).toBeGreaterThan(ROW_BLOCK_BYTES / 2);
  });

  it('shows each layer and reports progress', async () => {
    const layers: number[] = [];
    const steps: string[] = [];
    let last = new Float32Array(0);
    const { logits } = await forward(syntheticModel({ nLayers: 3 }), TOKENS, {
      onLayer: (layer, hidden) => {
        layers.push(layer);
        last = Float32Array.from(hidden);
      },
      onProgress: ({ phase, item, done, total }) => steps.push(`${phase} ${item} ${done}/${total}`),
    });
    expect(layers).toEqual([0, 1, 2]);
    expect(last).toHaveLength(TOKENS.length * 32);
    expect(last.some((value) => value !== 0)).toBe(true);
    expect(logits).toHaveLength(TOKENS.length * 29);
    expect(steps).toEqual([
      'forward tok_embeddings 1/5',
      'forward layers.0 2/5',
      'forward layers.1 3/5',
      'forward layers.2 4/5',
      'forward output 5/5',
    ]);
  });

  it('stops when it is told to', async () => {
    const controller = new AbortController();
    const run = forward(syntheticModel(), TOKENS, {
      signal: controller.signal,
      onLayer: () => controller.abort(new Error('enough')),
    });
    await expect(run).rejects.toThrow('enough');
  });

  it('uses the kernels it is given', async () => {
    let products = 0;
    const kernels: Kernels = {
      ...plainKernels,
      multiply: async (input, matrices) => {
        products += matrices.length;
        return matrices.map(({ shape }) => new Float32Array((input.length / shape[1]!) * shape[0]!));
      },
    };
    const { logits } = await forward(syntheticModel(), TOKENS, { kernels });
    expect(products).toBe(2 * 7 + 1);
    expect(logits.every((value) => value === 0)).toBe(true);
  });
});

describe('forwardStages', () => {
  it('runs several sequences as if each ran alone', async () => {
    const model = syntheticModel();
    const sequences = [
      { tokens: TOKENS, rows: [2, 5] },
      { tokens: [3], positions: [77] },
      { tokens: [9, 9], positions: [5, 4] },
    ];
    const names: string[] = [];
    let together = new Float32Array(0);
    for await (const { name, values } of forwardStages(model, sequences)) {
      names.push(name);
      together = Float32Array.from(values);
    }
    expect(names).toEqual(['tok_embeddings', 'layers.0', 'layers.1', 'output']);
    const alone = [];
    for (const { tokens, ...rest } of sequences) alone.push(...(await forward(model, tokens, rest)).logits);
    expect(together).toEqual(Float32Array.from(alone));
  });
});

describe('bad requests', () => {
  const bad: [string, number[], object, string, string][] = [
    ['no tokens', [], {}, 'forward/no-tokens', 'at least one'],
    ['a token past the end', [1, 29], {}, 'forward/bad-token', 'token 1 is 29, but the model has the ids 0 to 28'],
    ['a negative token', [-1], {}, 'forward/bad-token', 'token 0 is -1'],
    ['half a token', [0.5], {}, 'forward/bad-token', '0.5'],
    ['a token that is no number', [NaN], {}, 'forward/bad-token', 'NaN'],
    ['too many tokens', Array<number>(MOST_TOKENS + 1).fill(0), {}, 'forward/too-many-tokens', '4097'],
    [
      'fewer positions than tokens',
      [1, 2],
      { positions: [0] },
      'forward/positions-mismatch',
      '2 tokens but 1 positions',
    ],
    ['a negative position', [1], { positions: [-3] }, 'forward/bad-position', 'position 0 is -3'],
    ['a broken position', [1], { positions: [1.5] }, 'forward/bad-position', '1.5'],
    ['a position too far', [1], { positions: [2 ** 24 + 1] }, 'forward/bad-position', '16777217'],
    ['a row past the end', [1, 2], { rows: [2] }, 'forward/bad-row', 'rows are 0 to 1'],
    ['a negative row', [1, 2], { rows: [-1] }, 'forward/bad-row', 'row -1'],
    ['too many rows', [1], { rows: Array<number>(MOST_TOKENS + 1).fill(0) }, 'forward/bad-row', '4097 rows'],
  ];

  it.each(bad)('%s', async (_, tokens, options, code, message) => {
    const run = forward(syntheticModel(), tokens, options);
    await expect(run).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  });

  it('no sequences at all', () => {
    expect(() => forwardStages(syntheticModel(), [])).toThrow(expect.objectContaining({ code: 'forward/no-tokens' }));
  });

  it('logits that would not fit a buffer', async () => {
    const model = { ...syntheticModel(), config: { ...SMALL_CONFIG, vocabSize: 2 ** 28 } };
    const run = forward(model, [1, 2]);
    await expect(run).rejects.toMatchObject({
      code: 'forward/too-large',
      hint: expect.stringContaining('rows') as string,
    });
  });
});

describe('models that cannot run', () => {
  it('names a missing tensor', async () => {
    const model = syntheticModel();
    const tensors = new Map(model.tensors);
    tensors.delete('layers.1.ffn_norm.weight');
    await expect(forward({ ...model, tensors }, [1])).rejects.toMatchObject({ code: 'llama/missing-tensor' });
  });

  it('names a tensor of the wrong shape', async () => {
    const wrong = memoryTensor('layers.1.attention.wk.weight', [8, 32], new Float32Array(256), 'float32');
    await expect(forward(withTensors(syntheticModel(), wrong), [1])).rejects.toMatchObject({
      code: 'forward/wrong-shape',
      message: 'layers.1.attention.wk.weight has the shape [8, 32], but the hyperparameters ask for [16, 32]',
    });
  });

  it.each([
    ['tok_embeddings.weight', 'after tok_embeddings the value 3 of row 1 is NaN'],
    ['layers.1.feed_forward.w2.weight', 'after layers.1 the value 0 of row 0 is NaN'],
    ['output.weight', 'after output the value 1 of row 0 is NaN'],
  ])('names where values stop being finite: %s', async (name, message) => {
    const model = await withChange(syntheticModel(), name, (values) => (values[32 + 3] = NaN));
    await expect(forward(model, [0, 1])).rejects.toMatchObject({
      code: 'forward/not-finite',
      message: expect.stringContaining(message) as string,
    });
  });
});
