/**
 * FP8 checkpoints (Llama 3.1 405B): feed-forward matrices in float8, their scales in files of their own.
 *
 * `w1`, `w2` and `w3` of all blocks but the first and the last are float8_e4m3fn; the rest is as trained. Beside each
 * `consolidated.NN.pth` lies `fp8_scales_N.pt` with a scale for every row, under names of its own. A surprise: shards
 * cut w2 along its columns and were quantized one by one, so that each has its own scales for the same rows.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/llama3/quantization/loader.py
 * @see https://github.com/meta-llama/llama-stack (quantize_checkpoint.py)
 * @module
 */
import type { StoredTensor } from '../../formats/tensor.js';
import type { MetaCheckpoint, MetaShard } from '../meta-checkpoint.js';
import { LlamaError } from '../model.js';
import type { Shard, ShardTensor } from '../shards.js';
import { type QuantizedMatrix, dequantized, storedByteLength } from './dequantize.js';
import { expectFloats, expectMatrix, expectOneOfShapes } from './scales.js';
import type { PlainShards, StoredWeight } from './weights.js';

/** Names of the matrices that may be float8: the block's number and the matrix. */
const FEED_FORWARD = /^layers\.(\d+)\.(feed_forward\.w[123])\.weight$/;

/** The shards with float8 weights scaled. @throws LlamaError as `plainShards` */
export async function fp8Shards(checkpoint: MetaCheckpoint): Promise<PlainShards> {
  const shards: Shard[] = [];
  const stored = new Map<string, StoredWeight>();
  for (const [rank, shard] of checkpoint.shards.entries()) {
    const matrices = scaledMatrices(shard, rank, await openScales(checkpoint, shard, rank));
    for (const [name, matrix] of matrices) {
      const byteLength = (stored.get(name)?.byteLength ?? 0) + storedByteLength(matrix);
      stored.set(name, { dtype: matrix.weight.storedDtype, byteLength });
    }
    const tensors = [...shard.tensors].map(([name, tensor]): [string, ShardTensor] => {
      const matrix = matrices.get(name);
      return [name, matrix === undefined ? tensor : dequantized(matrix)];
    });
    shards.push({ path: shard.path, tensors: new Map(tensors) });
  }
  const because = `${stored.size} matrices are float8 with a scale for each row, in fp8_scales_N.pt`;
  return {
    shards: shards as [Shard, ...Shard[]],
    quantization: {
      ...{ name: 'FP8', whole: false, stored },
      decisions: [{ about: 'quantization', value: 'FP8', because }],
    },
  };
}

/** Scales by their names. */
interface Scales {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

async function openScales(checkpoint: MetaCheckpoint, shard: MetaShard, rank: number): Promise<Scales> {
  const { files, path } = checkpoint;
  const name = `fp8_scales_${rank}.pt`;
  if (!files.some((file) => file.name === name)) {
    throw new LlamaError('llama/missing-shard', `${name} is missing, which holds the scales of ${shard.path}`, {
      path,
    });
  }
  const file = await checkpoint.openFile(name);
  return { path: file.name, tensors: new Map(file.tensors.map((tensor) => [tensor.name, tensor])) };
}

function scaledMatrices(shard: MetaShard, rank: number, scales: Scales): Map<string, QuantizedMatrix> {
  const unused = new Set(scales.tensors.keys());
  const matrices = new Map<string, QuantizedMatrix>();
  for (const [name, weight] of shard.tensors) {
    if (!weight.dtype.startsWith('float8')) continue;
    const key = expectScaleName(name, weight, rank, shard.path);
    const own = scales.tensors.get(key);
    if (own === undefined) {
      const message = `${key} is missing, the scales of ${name} in ${shard.path}`;
      throw new LlamaError('llama/missing-tensor', message, { path: scales.path });
    }
    const [rows] = expectMatrix(weight, shard.path);
    expectFloats(own, scales.path);
    expectOneOfShapes(own, [[rows], [rows, 1]], name, scales.path);
    unused.delete(key);
    matrices.set(name, { weight, scales: own });
  }
  expectAllUsed(unused, scales.path);
  return matrices;
}

function expectScaleName(name: string, weight: StoredTensor, rank: number, path: string): string {
  const [, layer, matrix] = FEED_FORWARD.exec(name) ?? [];
  if (matrix !== undefined && weight.dtype === 'float8_e4m3fn') return `${layer}_${matrix}_${rank}`;
  const message = `${name} is ${weight.storedDtype}; only feed-forward matrices may be float8, and of type float8_e4m3fn`;
  throw new LlamaError('llama/unsupported', message, { path });
}

function expectAllUsed(unused: ReadonlySet<string>, path: string): void {
  const [first] = unused;
  if (first === undefined) return;
  const more = unused.size === 1 ? '' : ` and ${unused.size - 1} more`;
  const message = `there are scales ${first}${more}, but no float8 weights that they belong to`;
  throw new LlamaError('llama/contradiction', message, { path });
}
