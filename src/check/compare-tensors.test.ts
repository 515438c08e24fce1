import { describe, expect, it } from 'vitest';

import type { Tensor } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { toHfRowOrder, toMetaRowOrder } from '../llama/row-order.js';
import {
  SMALL_CONFIG,
  castModel,
  memoryTensor,
  modelOf,
  randomNumbers,
  syntheticModel,
  valuesOf,
  withChange,
  withTensors,
} from '../testing/synthetic-model.js';
import { compareTensors } from './compare-tensors.js';
import type { TensorComparison, UnequalTensor } from './comparison.js';
import { logitsLimit, tensorFindings } from './tensor-findings.js';

/** Compares one tensor of these two contents. */
async function compareOne(a: Tensor, b: Tensor): Promise<UnequalTensor> {
  const comparisons = await compareTensors(modelOf(SMALL_CONFIG, [a]), modelOf(SMALL_CONFIG, [b]));
  expect(comparisons).toHaveLength(1);
  return comparisons[0] as UnequalTensor;
}

function vector(values: readonly number[], dtype: Tensor['dtype'] = 'float32'): Tensor {
  return memoryTensor('norm.weight', [values.length], Float32Array.from(values), dtype);
}

function outcomes(comparisons: readonly TensorComparison[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of comparisons) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

async function unequal(a: LlamaModel, b: LlamaModel): Promise<UnequalTensor[]> {
  const comparisons = await compareTensors(a, b);
  return comparisons.filter((one): one is UnequalTensor => one.outcome === 'different' || one.outcome === 'rounded');
}

const WQ = 'layers.1.attention.wq.weight';
const WK = 'layers.0.attention.wk.weight';
const W2 = 'layers.1.feed_forward.w2.weight';

describe('equal models', () => {
  it('are found equal, whatever the type', async () => {
    for (const dtype of ['float32', 'float16', 'bfloat16'] as const) {
      const model = syntheticModel({}, dtype);
      expect(outcomes(await compareTensors(model, syntheticModel({}, dtype)))).toEqual({ equal: 21 });
    }
  });

  it('are found equal in a type that holds every value', async () => {
    for (const dtype of ['float16', 'bfloat16'] as const) {
      const narrow = syntheticModel({}, dtype);
      const wide = await castModel(narrow, 'float32');
      expect(outcomes(await compareTensors(narrow, wide))).toEqual({ equal: 21 });
      expect(outcomes(await compareTensors(wide, narrow))).toEqual({ equal: 21 });
    }
  });

  it('may have the output tied in one and stored in the other', async () => {
    const tied = syntheticModel({ tied: true });
    const embedding = await valuesOf(tied.tensors.get('tok_embeddings.weight')!);
    const output = memoryTensor('output.weight', [29, 32], embedding, 'float32');
    const stored = { ...withTensors(tied, output), config: { ...tied.config, tied: false } };
    expect(outcomes(await compareTensors(tied, stored))).toEqual({ equal: 21 });
    expect(outcomes(await compareTensors(stored, tied))).toEqual({ equal: 21 });
    const other = await withChange(stored, 'output.weight', (values) => (values[3] = 9));
    expect((await unequal(tied, other)).map(({ name }) => name)).toEqual(['output.weight']);
  });

  it('may spell a NaN in two ways', async () => {
    const bits = new Uint32Array([0x7fc00000, 0x7fc00001]);
    const [a, b] = [...new Float32Array(bits.buffer)].map((_, i) => {
      const bytes = new Uint8Array(bits.slice(i, i + 1).buffer);
      return { name: 'norm.weight', dtype: 'float32', shape: [1], readRows: async () => bytes } as const;
    });
    expect((await compareOne(a!, b!)).outcome).toBe('equal');
  });

  it('are compared byte by byte where elements do not fill words', async () => {
    const a = vector([1, 2, 3], 'bfloat16');
    expect((await compareOne(a, vector([1, 2, 3], 'bfloat16'))).outcome).toBe('equal');
    expect((await compareOne(a, vector([1, 2, 3.5], 'bfloat16'))).outcome).toBe('different');
  });

  it('may be empty', async () => {
    const empty = memoryTensor('norm.weight', [4, 0], new Float32Array(0), 'float32');
    expect((await compareOne(empty, empty)).outcome).toBe('equal');
  });
});

describe('distances', () => {
  it('are those of the definition', async () => {
    const { difference, outcome, cause } = await compareOne(vector([3, 4, 0, 1]), vector([3, 5, 0, -1]));
    expect({ outcome, cause }).toEqual({ outcome: 'different', cause: undefined });
    expect(difference).toMatchObject({ differing: 2, outliers: 2, maxAbs: 2, maxAbsAt: [3] });
    expect(difference.rmse).toBeCloseTo(Math.sqrt(5 / 4), 12);
    expect(difference.relativeRmse).toBeCloseTo(Math.sqrt(5 / 26), 12);
    expect(difference.cosine).toBeCloseTo((9 + 20 - 1) / Math.sqrt(26 * 35), 12);
  });

  it('count in values beyond the finite', async () => {
    const { difference } = await compareOne(vector([1, NaN, Infinity]), vector([2, 1, Infinity]));
    expect(difference).toMatchObject({
      differing: 2,
      maxAbs: Infinity,
      maxAbsAt: [1],
      notFiniteA: 2,
      notFiniteB: 1,
      rmse: Infinity,
      cosine: 1,
    });
  });

  it('of nothing from something', async () => {
    const { difference } = await compareOne(vector([0, 0]), vector([1, 1]));
    expect(difference).toMatchObject({ relativeRmse: Infinity, cosine: 0, notFiniteA: 0, notFiniteB: 0 });
  });

  it('see the sign of zero', async () => {
    const { outcome, difference, cause } = await compareOne(vector([1, 0]), vector([1, -0]));
    expect(outcome).toBe('different');
    expect(difference).toMatchObject({ differing: 1, maxAbs: 0, maxAbsAt: [1] });
    expect(cause).toEqual({ kind: 'one-weight', index: [1], a: 0, b: -0 });
  });
});

describe('rounding', () => {
  it.each([
    ['float32', 'float16', 1e-4],
    ['float32', 'bfloat16', 1e-2],
    ['float16', 'bfloat16', 1e-2],
    ['bfloat16', 'float16', 1e-4],
  ] as const)('from %s to %s is no difference', async (from, to, limit) => {
    const random = syntheticModel({}, from);
    // the smallest bfloat16 values are what float16 cannot hold
    const model = await withChange(random, W2, (values) => values.forEach((value, i) => (values[i] = value * 1e-6)));
    const rounded = await castModel(model, to);
    for (const [a, b] of [
      [model, rounded],
      [rounded, model],
    ] as const) {
      const comparisons = await compareTensors(a, b);
      const found = comparisons.filter(({ outcome }) => outcome !== 'equal');
      expect(found).toHaveLength({ float32: 21, float16: 20, bfloat16: 1 }[from]);
      for (const one of found) expect(one).toMatchObject({ outcome: 'rounded', roundedTo: [to], cause: undefined });
      expect(tensorFindings(comparisons).map(({ level }) => level)).toEqual(['rounding']);
      expect(logitsLimit(comparisons)).toBe(limit);
    }
  });

  it('of one source to two types is no difference either', async () => {
    // float16 is coarser below 2^-14, bfloat16 above: neither side is a rounding of the other
    const model = await withChange(syntheticModel(), W2, (values) => values.forEach((x, i) => (values[i] = x * 1e-3)));
    const [half, brain] = [await castModel(model, 'float16'), await castModel(model, 'bfloat16')];
    const comparisons = await compareTensors(half, brain);
    const both = comparisons.find(({ name }) => name === W2);
    expect(both).toMatchObject({ outcome: 'rounded', roundedTo: ['float16', 'bfloat16'], difference: { outliers: 0 } });
    expect(outcomes(comparisons)).toEqual({ rounded: 21 });
    expect(logitsLimit(comparisons)).toBe(1e-2);
    expect(tensorFindings(await compareTensors(half, brain))).toEqual([
      {
        level: 'rounding',
        code: 'rounded',
        subject: 'float16 and bfloat16',
        message: '21 tensors differ by nothing but rounding between float16 and bfloat16',
      },
    ]);
  });

  it.each(['float16', 'bfloat16'] as const)('to %s does not hide one changed weight, however little', async (dtype) => {
    const model = syntheticModel();
    const rounded = await castModel(model, dtype);
    // two units in the last place: more than any rounding to nearest, less than any tolerance
    const nudged = await withChange(
      rounded,
      W2,
      (values) => (values[100] = values[100]! * (1 + 2 ** (dtype === 'float16' ? -9 : -6))),
    );
    const [found] = (await unequal(model, nudged)).filter(({ outcome }) => outcome === 'different');
    expect(found).toMatchObject({
      name: W2,
      cause: { kind: 'one-weight', index: [2, 4] },
      difference: { outliers: 1 },
    });
  });

  it('does not excuse changes in one of two roundings of a source', async () => {
    const model = await withChange(syntheticModel(), W2, (values) => values.forEach((x, i) => (values[i] = x * 1e-3)));
    const half = await castModel(model, 'float16');
    const brain = await castModel(model, 'bfloat16');
    const one = await withChange(brain, W2, (values) => (values[100] = values[100]! * 2));
    const [found] = (await unequal(half, one)).filter(({ outcome }) => outcome === 'different');
    expect(found).toMatchObject({ name: W2, cause: { kind: 'one-weight', index: [2, 4] } });
    const three = await withChange(one, W2, (values) => (values[200] = values[300] = 1));
    const [others] = (await unequal(half, three)).filter(({ outcome }) => outcome === 'different');
    expect(others).toMatchObject({ name: W2, cause: undefined });
    expect(tensorFindings([others!])[0]?.message).toMatch(
      /^3 of 1536 weights differ by more than rounding between float16 and bfloat16: largest difference /,
    );
  });

  it('is not taken for an excuse between equal types', async () => {
    const model = syntheticModel({}, 'bfloat16');
    const bumped = await withChange(model, W2, (values) => {
      new Uint32Array(values.buffer).forEach((bits, i, words) => (words[i] = bits + 0x10000)); // next bfloat16
    });
    expect((await unequal(model, bumped))[0]).toMatchObject({ outcome: 'different', difference: { outliers: 1536 } });
  });

  it('follows float16 to infinity', async () => {
    const large = vector([70_000, 1, -1e9]);
    expect((await compareOne(large, vector([70_000, 1, -1e9], 'float16'))).outcome).toBe('rounded');
    const clamped = await compareOne(large, vector([65_504, 1, -65_504], 'float16'));
    expect(clamped).toMatchObject({ outcome: 'different', difference: { outliers: 2 } });
  });
});

describe('causes', () => {
  it('names a query or key projection in the row order of Hugging Face', async () => {
    const model = syntheticModel();
    for (const name of [WQ, WK]) {
      const tensor = model.tensors.get(name)!;
      const hf = await unequal(model, withTensors(model, toHfRowOrder(tensor, 8)));
      expect(hf).toMatchObject([{ name, cause: { kind: 'row-order', order: 'hf-order' } }]);
      const twice = await unequal(model, withTensors(model, toMetaRowOrder(tensor, 8)));
      expect(twice).toMatchObject([{ name, cause: { kind: 'row-order', order: 'meta-order-twice' } }]);
    }
  });

  it('sees the row order through rounding', async () => {
    const model = syntheticModel();
    const half = await castModel(model, 'bfloat16');
    const found = await unequal(model, withTensors(half, toHfRowOrder(half.tensors.get(WQ)!, 8)));
    expect(found.find(({ outcome }) => outcome === 'different')).toMatchObject({
      name: WQ,
      cause: { kind: 'row-order' },
    });
  });

  it.each(['float32', 'bfloat16'] as const)('names two rows in each other’s place, %s', async (dtype) => {
    const model = syntheticModel();
    const cast = await castModel(model, dtype);
    const swapped = await withChange(cast, W2, (values, [, width]) => swapRows(values, width!, 3, 17));
    const found = (await unequal(model, swapped)).find(({ outcome }) => outcome === 'different')!;
    expect(found).toMatchObject({ name: W2, cause: { kind: 'rows-moved', count: 2, row: 3, from: 17 } });
    expect(tensorFindings([found])[0]).toMatchObject({
      code: 'rows-moved',
      message: "rows 3 and 17 stand in each other's place",
    });
  });

  it('names rows that were moved otherwise', async () => {
    const model = syntheticModel();
    const rotated = await withChange(model, W2, (values) =>
      values.set([...values.slice(48 * 5), ...values.slice(0, 48 * 5)]),
    );
    const [found] = await unequal(model, rotated);
    expect(found).toMatchObject({ name: W2, cause: { kind: 'rows-moved', count: 32, row: 0, from: 5 } });
    expect(tensorFindings([found!])[0]?.message).toBe(
      '32 rows stand in another order: row 0 of the second model is row 5 of the first',
    );
  });

  it.each(['q8_0', 'bfloat16'] as const)('names them by sums of float32 too, %s', async (dtype) => {
    const [rows, width] = [16, 256];
    for (let seed = 1; seed <= 8; seed++) {
      const random = randomNumbers(seed);
      const values = Float32Array.from({ length: rows * width }, (_, i) => (i < width ? 0 : random() - 0.5));
      const rotated = Float32Array.from([...values.slice(5 * width), ...values.slice(0, 5 * width)]);
      const [a, b] = [values, rotated].map((each) => memoryTensor(W2, [rows, width], each, dtype));
      expect(await compareOne(a!, b!)).toMatchObject({ cause: { kind: 'rows-moved', count: rows, row: 0, from: 5 } });
    }
  });

  it('does not take two changed rows for swapped ones', async () => {
    const model = syntheticModel();
    const swapped = await withChange(model, W2, (values, [, width]) => {
      swapRows(values, width!, 3, 17);
      values[3 * width!] = 5;
    });
    const crossed = await withChange(model, W2, (values, [, width]) => {
      swapRows(values, width!, 3, 17);
      values[17 * width!] = 5;
    });
    for (const other of [swapped, crossed]) expect((await unequal(model, other))[0]?.cause).toBeUndefined();
  });

  it('does not take equal sums for moved rows', async () => {
    const model = syntheticModel();
    const mirrored = await withChange(model, W2, (values) => values.reverse());
    expect((await unequal(model, mirrored))[0]?.cause).toBeUndefined();
  });

  it('has no name for weights that are simply others', async () => {
    const found = await unequal(syntheticModel(), syntheticModel({}, 'float32', 2));
    expect(found).toHaveLength(21);
    expect(found.every(({ cause, outcome }) => cause === undefined && outcome === 'different')).toBe(true);
    const { message } = tensorFindings(found).find(({ subject }) => subject === W2)!;
    expect(message).toMatch(/^\d+ of 1536 weights differ: largest difference 0\.\d+ at \[\d+, \d+\], cosine -?0\.\d+$/);
  });

  it('names one changed weight', async () => {
    const model = syntheticModel();
    const changed = await withChange(model, WQ, (values) => (values[32 * 7 + 4] = 0.5));
    const [found] = await unequal(model, changed);
    expect(found).toMatchObject({ name: WQ, cause: { kind: 'one-weight', index: [7, 4], b: 0.5 } });
    expect(tensorFindings([found!])[0]?.message).toMatch(
      /^one weight differs: \[7, 4\] is .* in the first model, 0.5 in the second$/,
    );
  });
});

describe('what is not a pair', () => {
  it('is named for each side', async () => {
    const whole = syntheticModel();
    const tensors = new Map(whole.tensors);
    tensors.delete(WQ);
    const part = { ...whole, tensors };
    expect(tensorFindings(await compareTensors(whole, part))).toEqual([
      { level: 'failure', code: 'missing-tensor', subject: WQ, message: 'the second model does not have it' },
    ]);
    const [extra] = (await compareTensors(part, whole)).slice(-1);
    expect(extra).toEqual({ outcome: 'only-in-b', name: WQ, shape: [32, 32] });
    expect(tensorFindings([extra!])[0]).toMatchObject({ code: 'extra-tensor', subject: WQ });
  });

  it('may be a tensor of another shape', async () => {
    const model = syntheticModel();
    const flat = memoryTensor(WQ, [16, 64], new Float32Array(1024), 'float32');
    expect(tensorFindings(await compareTensors(model, withTensors(model, flat)))).toEqual([
      {
        level: 'failure',
        code: 'tensor-shape',
        subject: WQ,
        message: 'its shape is [32, 32] in the first model, [16, 64] in the second',
      },
    ]);
  });
});

describe('types without a limit', () => {
  const bytes = Uint8Array.of(0x38, 0x40);
  const small: Tensor = { name: 'norm.weight', dtype: 'float8_e4m3fn', shape: [2], readRows: async () => bytes }; // 1, 2

  it('may only be equal', async () => {
    expect((await compareOne(small, vector([1, 2]))).outcome).toBe('equal');
    const found = await compareOne(small, vector([1.1, 2.1]));
    expect(found.outcome).toBe('different');
    expect(tensorFindings([found])).toMatchObject([
      {
        level: 'failure',
        code: 'no-threshold',
        message: expect.stringContaining('no limit is known for float8_e4m3fn') as string,
      },
    ]);
    expect(logitsLimit([found])).toBe(1e-9);
  });

  it('are compared as bytes with themselves even if nothing can decode them', async () => {
    const block: Tensor = {
      name: 'norm.weight',
      dtype: 'complex64',
      shape: [6],
      readRows: async () => new Uint8Array(48),
    };
    expect((await compareOne(block, { ...block })).outcome).toBe('equal');
    const other: Tensor = { ...block, readRows: async () => new Uint8Array(48).fill(1) };
    await expect(compareOne(block, other)).rejects.toMatchObject({ code: 'quant/no-decoder' });
  });
});

describe('reading', () => {
  it('goes block by block on both sides, reports bytes, and stops when told', async () => {
    const shape = [3000, 512];
    const values = Float32Array.from({ length: 3000 * 512 }, (_, i) => Math.sin(i));
    let longest = 0;
    const watched = (tensor: Tensor): Tensor => ({
      ...tensor,
      readRows: async (first, count, options) => {
        const bytes = await tensor.readRows(first, count, options);
        longest = Math.max(longest, bytes.byteLength);
        return bytes;
      },
    });
    const a = modelOf(SMALL_CONFIG, [watched(memoryTensor('output.weight', shape, values, 'float32')), vector([1])]);
    values[1_400_000] = 2;
    const b = modelOf(SMALL_CONFIG, [watched(memoryTensor('output.weight', shape, values, 'bfloat16')), vector([1])]);
    const steps: number[][] = [];
    const found = await compareTensors(a, b, { onProgress: ({ done, total }) => steps.push([done, total]) });
    expect(found[0]).toMatchObject({ outcome: 'different', cause: { kind: 'one-weight', index: [2734, 192], b: 2 } });
    expect(longest).toBeLessThanOrEqual(1 << 20);
    expect(steps).toEqual([
      [values.byteLength, values.byteLength + 4],
      [values.byteLength + 4, values.byteLength + 4],
    ]);
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(compareTensors(a, b, { signal })).rejects.toThrow('enough');
  });

  it('keeps to the row groups of a view', async () => {
    const model = syntheticModel({ dim: 512, headDim: 128, nLayers: 1 });
    const name = 'layers.0.attention.wq.weight';
    const starts = new Set<number>();
    const permuted = toMetaRowOrder(toHfRowOrder(model.tensors.get(name)!, 128), 128);
    const watched: Tensor = {
      ...permuted,
      readRows: (first, count, options) => {
        starts.add(first % 128);
        return permuted.readRows(first, count, options);
      },
    };
    expect(outcomes(await compareTensors(model, withTensors(model, watched)))).toEqual({ equal: 12 });
    expect([...starts]).toEqual([0]);
  });
});

function swapRows(values: Float32Array, width: number, r: number, s: number): void {
  const kept = values.slice(r * width, (r + 1) * width);
  values.copyWithin(r * width, s * width, (s + 1) * width);
  values.set(kept, s * width);
}
