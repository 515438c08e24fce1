/**
 * Tensor-parallel shards: one state dict cut over several files, put together again.
 *
 * Meta cuts each matrix along the dimension its parallel layer needs: the output dimension of wq, wk,
 * wv, w1, w3 and output, the input dimension of wo and w2. Norms are replicated. The embedding was cut
 * along its width up to Llama 2 and along the vocabulary from Llama 3 on; which of both is decided from
 * the shapes, never from the generation. Merging is a view: nothing is read before rows are asked for.
 *
 * @see https://github.com/meta-llama/llama-models/blob/main/models/checkpoint.py
 * @module
 */
import { type DType, isQuantized } from '../dtype.js';
import { type StoredTensor, type Tensor, rowBlocks } from '../formats/tensor.js';
import type { ReadOptions } from '../source/byte-source.js';
import type { ExpectedTensor, ShardSplit } from './layout.js';
import { LlamaError } from './model.js';
import { cast, concatColumns, concatRows, sliceColumns, sliceRows } from './views.js';

/** A tensor of a shard: as it lies in the file, or made of several that do. */
export type ShardTensor = Tensor & Pick<StoredTensor, 'storedDtype' | 'viewKey'>;

/** One shard: its file's name and its tensors. */
export interface Shard {
  /** What a person calls the file. */
  readonly path: string;
  /** Its tensors by Meta's name. */
  readonly tensors: ReadonlyMap<string, ShardTensor>;
}

/** At least one shard. */
export type Shards = readonly [Shard, ...Shard[]];

/** The merged embedding, as the shapes in the shards tell it. */
export interface EmbeddingLayout {
  /** Rows of the merged embedding. */
  readonly vocabSize: number;
  /** How it is cut. */
  readonly split: 'rows' | 'columns';
  /** Its element type. */
  readonly dtype: DType;
}

/**
 * Rows and type of the merged embedding and how it is cut.
 *
 * @throws LlamaError `llama/missing-tensor`, `llama/wrong-shape`
 */
export function embeddingLayout(shards: Shards, dim: number): EmbeddingLayout {
  const name = 'tok_embeddings.weight';
  const parts = shards.map((shard) => expectIn(shard, name)) as [ShardTensor, ...ShardTensor[]];
  const { dtype, shape } = parts[0];
  const [rows = 0, columns = 0] = shape;
  const totalRows = parts.reduce((sum, part) => sum + (part.shape[0] ?? 0), 0);
  if (shards.length === 1 || columns === dim) return { vocabSize: totalRows, split: 'rows', dtype };
  if (columns * shards.length === dim) return { vocabSize: rows, split: 'columns', dtype };
  throw new LlamaError(
    'llama/wrong-shape',
    `${name} has ${columns} columns in each of ${shards.length} shards; dim ${dim} needs ${dim} (cut along the vocabulary) or ${dim / shards.length} (cut along the width)`,
    { path: shards[0].path, hint: OTHER_PARAMS },
  );
}

/** What to do about weights of other shapes than the hyperparameters ask for; the shards themselves are of one cut. */
const OTHER_PARAMS = 'params.json is of another model than these weights: take both from one download';

/**
 * The merged tensor of the canonical name.
 *
 * @throws LlamaError `llama/missing-tensor`, `llama/wrong-shape`, `llama/wrong-dtype`, `llama/mixed-shards`
 */
export function mergeTensor(shards: Shards, expected: ExpectedTensor, split: ShardSplit): Tensor {
  const parts = shards.map((shard) => expectIn(shard, expected.name)) as [ShardTensor, ...ShardTensor[]];
  const want = partShape(expected.shape, split, shards.length);
  parts.forEach((part, index) => {
    const shard = shards[index]!;
    expectShape(part, want, expected, shards, shard);
    if (part.dtype !== parts[0].dtype) {
      throw new LlamaError(
        'llama/mixed-shards',
        `${expected.name} is ${part.storedDtype} here but ${parts[0].storedDtype} in ${shards[0].path}`,
        { path: shard.path },
      );
    }
  });
  if (parts.length === 1 || split === 'replicated') return parts[0];
  // a vector is one row, so its parts stand side by side
  const isMatrix = expected.shape.length > 1;
  return split === 'rows' && isMatrix ? concatRows(expected.name, parts) : concatColumns(expected.name, parts);
}

function partShape(shape: readonly number[], split: ShardSplit, count: number): readonly number[] {
  if (split === 'replicated' || count === 1) return shape;
  return shape.map((extent, dimension) => (dimension === (split === 'rows' ? 0 : 1) ? extent / count : extent));
}

function expectShape(
  part: ShardTensor,
  want: readonly number[],
  expected: ExpectedTensor,
  shards: Shards,
  shard: Shard,
): void {
  if (part.shape.length === want.length && part.shape.every((extent, i) => extent === want[i])) return;
  const cut = shards.length === 1 ? '' : `, one of ${shards.length} parts of (${expected.shape.join(', ')})`;
  throw new LlamaError(
    'llama/wrong-shape',
    `${expected.name} has shape (${part.shape.join(', ')}); params.json asks for (${want.join(', ')})${cut}`,
    { path: shard.path, hint: OTHER_PARAMS },
  );
}

function expectIn(shard: Shard, name: string): ShardTensor {
  const tensor = shard.tensors.get(name);
  if (tensor !== undefined) return tensor;
  throw new LlamaError('llama/missing-tensor', `the tensor ${name} is missing`, { path: shard.path });
}

/**
 * Part `index` of `count` of a merged tensor: what {@link mergeTensor} takes apart again. Lazy; blocks that cannot be
 * cut between columns are read as float32.
 */
export function shardOf(tensor: Tensor, split: ShardSplit, index: number, count: number): Tensor {
  if (split === 'replicated' || count === 1) return tensor;
  const extent = (tensor.shape[split === 'rows' ? 0 : 1] ?? 0) / count;
  return split === 'rows'
    ? sliceRows(tensor, index * extent, extent)
    : sliceColumns(isQuantized(tensor.dtype) ? cast(tensor, 'float32') : tensor, index * extent, extent);
}

/**
 * Throws unless every tensor that shards replicate has the same bytes in all of them.
 * Reads the norms of every shard: `(2 * n_layers + 1) * dim` elements each.
 *
 * @throws LlamaError `llama/not-replicated`: the shards are of different models
 */
export async function expectReplicasEqual(
  shards: Shards,
  expected: readonly ExpectedTensor[],
  options: ReadOptions = {},
): Promise<void> {
  for (const { name, split } of expected) {
    if (split !== 'replicated') continue;
    for (const shard of shards.slice(1)) {
      if (await sameBytes(expectIn(shards[0], name), expectIn(shard, name), options)) continue;
      throw new LlamaError(
        'llama/not-replicated',
        `${name} differs from the one in ${shards[0].path}; the shards are of different models or damaged`,
        { path: shard.path },
      );
    }
  }
}

/** Whether two tensors of one shape and type have the same bytes; stops at the first block that differs. */
export async function sameBytes(a: Tensor, b: Tensor, options: ReadOptions = {}): Promise<boolean> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  for await (const block of rowBlocks(a, options)) {
    const other = await b.readRows(block.first, block.count, options);
    if (!bytesEqual(block.bytes, other)) return false;
  }
  return true;
}

function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
