import { afterEach, describe, expect, it } from 'vitest';

import type { DType } from '../../dtype.js';
import type { StoredTensor } from '../../formats/tensor.js';
import { openDirectory } from '../../source/directory.js';
import { memoryFolder } from '../../source/folder.js';
import { modelFolder } from '../../testing/fixtures.js';
import { type MetaCheckpoint, openMetaCheckpoint } from '../meta-checkpoint.js';
import { metaModel } from '../meta-model.js';
import type { MetaParams } from '../params.js';

const opened: MetaCheckpoint[] = [];
afterEach(async () => {
  for (const checkpoint of opened.splice(0)) await checkpoint.close();
});

/** Tensors that replace those of their names; undefined takes one away. */
type Changes = Readonly<Record<string, StoredTensor | undefined>>;

async function fixture(name: string): Promise<MetaCheckpoint> {
  const checkpoint = await openMetaCheckpoint(await openDirectory(modelFolder(name)));
  opened.push(checkpoint);
  return checkpoint;
}

/** The checkpoint with other tensors in its last shard and other params. */
function changed(checkpoint: MetaCheckpoint, tensors: Changes, params: Partial<MetaParams> = {}): MetaCheckpoint {
  const last = checkpoint.shards.at(-1)!;
  const kept = new Map(
    [...last.tensors, ...Object.entries(tensors)].filter((entry): entry is [string, StoredTensor] => {
      return entry[1] !== undefined && !(entry[0] in tensors && tensors[entry[0]] === undefined);
    }),
  );
  const shards = [...checkpoint.shards.slice(0, -1), { ...last, tensors: kept }];
  return {
    ...{ ...checkpoint, params: { ...checkpoint.params, ...params } },
    shards: shards as unknown as MetaCheckpoint['shards'],
  };
}

/** Matches a message that has this in it. */
const containing = (part: string): unknown => expect.stringContaining(part);

/** A tensor of zeros. */
function zeros(name: string, shape: readonly number[], dtype: DType = 'float32'): StoredTensor {
  const read = async (): Promise<Uint8Array> => new Uint8Array();
  return {
    ...{ name, shape, dtype, storedDtype: dtype, storage: undefined, viewKey: undefined, fileOffset: undefined },
    ...{ readRows: read, readBytes: read },
  };
}

const W2 = 'layers.0.feed_forward.w2';
const SCHEME = 'int4_weight_int8_dynamic_activation';

async function refusal(checkpoint: MetaCheckpoint): Promise<unknown> {
  return metaModel(checkpoint, { withoutTokenizer: true }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('int4 weights are refused', () => {
  it.each<[string, Changes, Partial<MetaParams>, object]>([
    [
      'in a scheme that is not known',
      {},
      { quantization_args: { scheme: 'int2_mystery', group_size: 32, spinquant: false } },
      {
        code: 'llama/unsupported',
        message: `params.json has the quantization scheme int2_mystery; ${SCHEME} is the one that is known`,
      },
    ],
    [
      'without a scheme',
      {},
      { quantization_args: { scheme: undefined, group_size: 32, spinquant: false } },
      { code: 'llama/bad-params', message: containing('params.json has no scheme in quantization_args') },
    ],
    [
      'without quantization_args',
      {},
      { quantization_args: undefined },
      { code: 'llama/bad-params', message: containing('params.json has no quantization_args') },
    ],
    [
      'without scales',
      { [`${W2}.scales`]: undefined, [`${W2}.zeros`]: undefined },
      {},
      {
        code: 'llama/missing-tensor',
        message: `the tensor ${W2}.scales is missing, without which ${W2}.weight cannot be read`,
      },
    ],
    [
      'with scales alone',
      { [`${W2}.weight`]: undefined },
      {},
      { code: 'llama/missing-tensor', message: `there is a tensor ${W2}.scales, but ${W2}.weight is missing` },
    ],
    [
      'with scales beside floats',
      { [`${W2}.weight`]: zeros(`${W2}.weight`, [64, 256], 'bfloat16') },
      {},
      { code: 'llama/wrong-dtype', message: `there is a tensor ${W2}.scales, but ${W2}.weight is bfloat16, not int8` },
    ],
    [
      'with scales that are no floats',
      { [`${W2}.scales`]: zeros(`${W2}.scales`, [64, 8], 'int32') },
      {},
      { code: 'llama/wrong-dtype', message: `${W2}.scales is int32; float32, bfloat16, float16 can be read` },
    ],
    [
      'with another group size',
      { [`${W2}.scales`]: zeros(`${W2}.scales`, [64, 4]) },
      {},
      {
        code: 'llama/wrong-shape',
        message: `${W2}.scales has shape (64, 4); a group size of 32 as in the other matrices asks for (64, 8)`,
      },
    ],
    [
      'with scales that are no groups',
      { 'layers.0.attention.wq.scales': zeros('layers.0.attention.wq.scales', [64, 3]) },
      {},
      {
        code: 'llama/wrong-shape',
        message: containing('it should have 64 rows, and a number of columns that divides 64'),
      },
    ],
    [
      'with zeros of another shape',
      { [`${W2}.zeros`]: zeros(`${W2}.zeros`, [64, 1]) },
      {},
      { code: 'llama/wrong-shape', message: `${W2}.zeros has shape (64, 1); ${W2}.scales asks for (64, 8)` },
    ],
    [
      'with scales for groups of the embedding',
      { 'tok_embeddings.scales': zeros('tok_embeddings.scales', [768, 2]) },
      {},
      {
        code: 'llama/wrong-shape',
        message:
          'tok_embeddings.scales has shape (768, 2); one for each row of tok_embeddings.weight asks for (768, 1) or (768)',
      },
    ],
    [
      'as a vector',
      { 'norm.weight': zeros('norm.weight', [64], 'int8') },
      {},
      { code: 'llama/wrong-shape', message: 'norm.weight has shape (64); quantized weights are a matrix' },
    ],
    [
      'packed two in a byte',
      { 'layers.0.attention.wq.weight': zeros('layers.0.attention.wq.weight', [64, 32], 'int8') },
      {},
      { code: 'llama/wrong-shape' },
    ],
    [
      'where the transform does not fit',
      {
        ...{
          [`${W2}.weight`]: zeros(`${W2}.weight`, [64, 192], 'int8'),
          [`${W2}.scales`]: zeros(`${W2}.scales`, [64, 6]),
        },
        [`${W2}.zeros`]: undefined,
      },
      {},
      {
        code: 'llama/unsupported',
        message: `${W2}.weight has 192 columns, but the Hadamard transform of SpinQuant needs a power of two`,
      },
    ],
    [
      'with adaptors that params.json does not know',
      { [`${W2}.adaptor.A.weight`]: zeros(`${W2}.adaptor.A.weight`, [16, 256]) },
      {},
      {
        code: 'llama/bad-params',
        message: `${W2} has an adaptor, but params.json has no lora_args, which tell its factor`,
      },
    ],
    [
      'without the adaptors that params.json promises',
      {},
      { lora_args: { rank: 16, scale: 2 } },
      {
        code: 'llama/missing-tensor',
        message: containing('the tensor layers.0.attention.wq.adaptor.A.weight is missing'),
      },
    ],
  ])('%s', async (_, tensors, params, error) => {
    const checkpoint = await fixture('llama3.2-spinquant-tiny');
    expect(await refusal(changed(checkpoint, tensors, params))).toMatchObject(error);
  });

  it('with adaptors of another rank', async () => {
    const checkpoint = await fixture('llama3.2-qlora-tiny');
    expect(await refusal(changed(checkpoint, {}, { lora_args: { rank: 8, scale: 2 } }))).toMatchObject({
      ...{ code: 'llama/wrong-shape' },
      message: 'layers.0.attention.wq.adaptor.A.weight has shape (16, 64); rank 8 in params.json asks for (8, 64)',
    });
    const b = 'layers.0.attention.wk.adaptor.B.weight';
    expect(await refusal(changed(checkpoint, { [b]: zeros(b, [32, 8], 'bfloat16') }))).toMatchObject({
      ...{ code: 'llama/wrong-shape', message: `${b} has shape (32, 8); rank 16 in params.json asks for (32, 16)` },
    });
  });

  it('in several shards', async () => {
    const checkpoint = await fixture('llama3.2-spinquant-tiny');
    const [shard] = checkpoint.shards;
    expect(await refusal({ ...checkpoint, shards: [shard, shard] })).toMatchObject({
      ...{ code: 'llama/unsupported', message: 'int4 weights in 2 shards are not known; the releases have one' },
    });
  });

  it('but not for a group size that params.json leaves out', async () => {
    const checkpoint = await fixture('llama3.2-spinquant-tiny');
    const args = { scheme: SCHEME, group_size: undefined, spinquant: false };
    const model = await metaModel(changed(checkpoint, {}, { quantization_args: args }), { withoutTokenizer: true });
    expect(model.decisions.slice(0, 2)).toEqual([
      { about: 'quantization', value: 'int4', because: `params.json says ${SCHEME}` },
      { about: 'group size', value: '32', because: 'the scales have it' },
    ]);
  });
});

describe('FP8 weights are refused', () => {
  const MIDDLE = 'layers.1.feed_forward.w1.weight';

  it.each<[string, Changes, object]>([
    [
      'outside of the feed-forward blocks',
      { 'layers.1.attention.wo.weight': zeros('layers.1.attention.wo.weight', [64, 32], 'float8_e4m3fn') },
      {
        code: 'llama/unsupported',
        message: containing('layers.1.attention.wo.weight is float8_e4m3fn; only'),
      },
    ],
    [
      'in another float8',
      { [MIDDLE]: zeros(MIDDLE, [128, 64], 'float8_e5m2') },
      { code: 'llama/unsupported', message: containing(`${MIDDLE} is float8_e5m2; only`) },
    ],
    [
      'with as many scales as another shape needs',
      { [MIDDLE]: zeros(MIDDLE, [256, 64], 'float8_e4m3fn') },
      {
        code: 'llama/wrong-shape',
        message: `1_feed_forward.w1_1 has shape (128); ${MIDDLE} asks for (256) or (256, 1)`,
      },
    ],
    [
      'where scales belong to other floats',
      { [MIDDLE]: zeros(MIDDLE, [128, 64], 'bfloat16') },
      {
        code: 'llama/contradiction',
        message: 'there are scales 1_feed_forward.w1_1, but no float8 weights that they belong to',
      },
    ],
    [
      'where several scales belong to nothing',
      { [MIDDLE]: undefined, 'layers.2.feed_forward.w2.weight': undefined },
      { code: 'llama/contradiction', message: containing('1_feed_forward.w1_1 and 1 more, but') },
    ],
    [
      'without a scale',
      { 'layers.0.feed_forward.w1.weight': zeros('layers.0.feed_forward.w1.weight', [128, 64], 'float8_e4m3fn') },
      {
        code: 'llama/missing-tensor',
        message: containing('0_feed_forward.w1_1 is missing, the scales of layers.0.'),
      },
    ],
  ])('%s', async (_, tensors, error) => {
    expect(await refusal(changed(await fixture('llama3.1-fp8-tiny'), tensors))).toMatchObject(error);
  });

  it('without a file of scales, even when none is left', async () => {
    const checkpoint = await fixture('llama3.1-fp8-tiny');
    for (const missing of [/scales_1/, /scales/]) {
      const files = checkpoint.files.filter(({ name }) => !missing.test(name));
      expect(await refusal({ ...checkpoint, files })).toMatchObject({
        ...{
          code: 'llama/missing-shard',
          message: containing('.pt is missing, which holds'),
        },
      });
    }
    const folder = await openDirectory(modelFolder('llama3.1-fp8-tiny'));
    const weights = ['consolidated.00.pth', 'consolidated.01.pth', 'params.json'];
    const contents = await Promise.all(
      weights.map(async (name): Promise<[string, Uint8Array]> => {
        await using source = await folder.open(name);
        return [name, await source.read(0, source.size)];
      }),
    );
    const without = await openMetaCheckpoint(memoryFolder(Object.fromEntries(contents)));
    expect(without.kind).toBe('fp8');
  });
});
