import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { type DType, blockLayout, byteLengthOf } from '../dtype.js';
import { type Tensor, rowCountOf } from '../formats/tensor.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { toHfRowOrder } from '../llama/row-order.js';
import { decodeToFloat32, encodeFromFloat32, isEncodable } from '../quant/codec.js';
import { openDirectory } from '../source/directory.js';
import { modelFolder } from '../testing/fixtures.js';
import { quantMatrix, quantRowNames } from '../testing/quants.js';
import { memoryTensor, valuesOf, withTensors } from '../testing/synthetic-model.js';
import { compareModels } from './compare-models.js';
import { QUANTIZATIONS } from './quantizations.js';
import { quantizedFit } from './quantized-fit.js';

const TYPES = (Object.keys(QUANTIZATIONS) as DType[]).filter(isEncodable);

/** Types of two bits and fewer, whose errors are nearly as large as the weights. */
const COARSE = /^(?:i?q[12]_|iq2|iq1|tq)/;

const FINE = TYPES.filter((dtype) => !COARSE.test(dtype));

/** Types that cannot be made without importances. */
const NEED_IMPORTANCE = /^iq(?:1_s|2_xx?s)$/;

const WQ = 'layers.1.attention.wq.weight';
const W3 = ['layers.0.feed_forward.w3.weight', 'layers.1.feed_forward.w3.weight'] as const;

let model: LlamaModel;
beforeAll(async () => {
  model = await openModel(await openDirectory(modelFolder('llama3.2-tiny')));
});
afterAll(() => model.close());

const tensorOf = (name: string): Tensor => model.tensors.get(name)!;

/** A tensor of the model, quantized after a change. */
async function quantized(name: string, dtype: DType, change?: (values: Float32Array) => void): Promise<Tensor> {
  const { shape } = tensorOf(name);
  const values = await valuesOf(tensorOf(name));
  change?.(values);
  return memoryTensor(name, shape, values, dtype);
}

/** Failures of the model beside itself with other tensors: code, subject and message of each. */
async function found(...changed: readonly Tensor[]): Promise<string[][]> {
  const { findings } = await compareModels(model, withTensors(model, ...changed), { logits: false });
  const failures = findings.filter(({ level }) => level === 'failure');
  return failures.map(({ code, subject, message }) => [code, subject, message]);
}

/** Doubles the scale of one block, wherever its type keeps that. */
function doubleScale(dtype: DType, block: Uint8Array): void {
  const at = { q3_k: 108, q6_k: 208 }[dtype as string] ?? 0;
  if (dtype === 'mxfp4')
    block[0]! += 1; // an exponent
  else if (dtype === 'nvfp4')
    for (let i = 0; i < 4; i++) block[i]! += 8; // four numbers with three bits of mantissa
  else block[at + 1]! += 4; // half precision: its exponent lies in the upper byte
}

async function withDoubledScale(name: string, dtype: DType, index: number): Promise<Tensor> {
  const tensor = await quantized(name, dtype);
  const { blockBytes } = blockLayout(dtype);
  const bytes = await tensor.readRows(0, rowCountOf(tensor.shape)); // the bytes themselves, in memory
  doubleScale(dtype, bytes.subarray(index * blockBytes, (index + 1) * blockBytes));
  return tensor;
}

function swapRows(values: Float32Array, width: number, first: number, second: number): void {
  const row = values.slice(first * width, (first + 1) * width);
  values.copyWithin(first * width, second * width, (second + 1) * width);
  values.set(row, second * width);
}

describe.each(FINE)('%s', (dtype) => {
  it('shows nothing where nothing was damaged', async () => {
    expect(await found(await quantized(W3[0], dtype), await quantized(WQ, dtype))).toEqual([]);
  });

  it('shows two rows in each other’s place', async () => {
    const wrong = await quantized(W3[0], dtype, (values) => swapRows(values, 256, 3, 200));
    expect(await found(wrong)).toEqual([['rows-moved', W3[0], "rows 3 and 200 stand in each other's place"]]);
  });

  it('shows q rows in the order of Hugging Face', async () => {
    const ordered = await valuesOf(toHfRowOrder(tensorOf(WQ), model.config.headDim));
    const wrong = await quantized(WQ, dtype, (values) => values.set(ordered));
    expect(await found(wrong)).toEqual([['row-order', WQ, expect.stringContaining('the order of Hugging Face')]]);
  });

  it('shows one block whose scale is doubled', async () => {
    const { blockElements } = blockLayout(dtype);
    const [finding, ...others] = await found(await withDoubledScale(W3[0], dtype, 77));
    expect([finding?.[0], finding?.[1], others]).toEqual(['weights', W3[0], []]);
    const count = Number(/^(\d+) of 131072 weights differ by more than quantizing/.exec(finding![2]!)?.[1]);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThanOrEqual(256); // the block, or the row that is too far off with it
    const row = Math.floor((77 * blockElements) / 256);
    expect(finding![2]).toContain(` at [${row}, `);
  });

  it('shows tensors of two layers exchanged', async () => {
    const [first, second] = await Promise.all(W3.map((name) => quantized(name, dtype)));
    const wrong = await found({ ...second!, name: W3[0] }, { ...first!, name: W3[1] });
    expect(wrong.map(([code, subject]) => [code, subject])).toEqual(W3.map((name) => ['weights', name]));
  });

  it('shows the largest weight of a block with its sign turned', async () => {
    let at = 0;
    const wrong = await quantized(W3[0], dtype, (values) => {
      const block = values.subarray(512, 512 + blockLayout(dtype).blockElements);
      at = block.reduce((best, value, i) => (Math.abs(value) > Math.abs(block[best]!) ? i : best), 0);
      block[at]! *= -1;
    });
    expect(await found(wrong)).toEqual([['one-weight', W3[0], expect.stringContaining(`[2, ${at}] is `)]]);
  });
});

describe('types of few bits', () => {
  const coarse = TYPES.filter((dtype) => COARSE.test(dtype));
  const unweighted = coarse.filter((dtype) => !NEED_IMPORTANCE.test(dtype));

  it.each(coarse)('%s shows nothing where nothing was damaged', async (dtype) => {
    const made = quantized(W3[0], dtype);
    if (NEED_IMPORTANCE.test(dtype)) await expect(made).rejects.toThrow();
    else expect(await found(await made)).toEqual([]);
  });

  it.each(unweighted)('%s shows two rows and two layers exchanged', async (dtype) => {
    const rows = await quantized(W3[0], dtype, (values) => swapRows(values, 256, 3, 200));
    expect(await found(rows)).toEqual([['rows-moved', W3[0], "rows 3 and 200 stand in each other's place"]]);
    const [first, second] = await Promise.all(W3.map((name) => quantized(name, dtype)));
    const layers = await found({ ...second!, name: W3[0] }, { ...first!, name: W3[1] });
    expect(layers.map(([code, subject]) => [code, subject])).toEqual(W3.map((name) => ['weights', name]));
  });

  it.each(unweighted)('%s shows q rows in the order of Hugging Face', async (dtype) => {
    const ordered = await valuesOf(toHfRowOrder(tensorOf(WQ), model.config.headDim));
    const wrong = await quantized(WQ, dtype, (values) => values.set(ordered));
    expect(await found(wrong)).toEqual([['row-order', WQ, expect.stringContaining('the order of Hugging Face')]]);
  });

  it('do not show a block whose scale is halved, as none of it would be no further off', async () => {
    const tensor = await quantized(W3[0], 'tq2_0');
    const bytes = await tensor.readRows(0, 1);
    bytes[65]! -= 4; // the exponent of the first block's scale
    expect(await found(tensor)).toEqual([]);
  });
});

/** Rows that a type cannot hold: beyond the range of its scales, or, of IQ3, which ggml itself gets wrong. */
const UNFIT: Readonly<Partial<Record<DType, readonly RegExp[]>>> = {
  ...{ q4_0: [/1e6/], q4_1: [/1e6/], q5_0: [/1e6/], q5_1: [/1e6/] },
  nvfp4: [/outlier .1e4/, /near 1e[46]/, /powers of two/],
  iq3_s: [/outlier -1e4/, /every second 32 zero/, /only the last/],
  iq3_xxs: [/outlier -1e4/],
};

describe.each(FINE)('%s beside rows of edge cases', (dtype) => {
  it('fits them but for those that it cannot hold', () => {
    const unfit = quantRowNames.filter((_, row) => {
      const values = quantMatrix.slice(row * 256, (row + 1) * 256);
      const blocks = new Uint8Array(byteLengthOf(dtype, 256));
      encodeFromFloat32(dtype, values, blocks);
      const back = new Float32Array(256);
      decodeToFloat32(dtype, blocks, back);
      const fit = quantizedFit('float32', dtype, 256)!;
      fit.add({ start: 0, a: values, b: back });
      return fit.misfits().count > 0;
    });
    const isExpected = (name: string): boolean => UNFIT[dtype]?.some((pattern) => pattern.test(name)) ?? false;
    expect(unfit).toEqual(quantRowNames.filter(isExpected));
  });
});
