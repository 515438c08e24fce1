/**
 * A tensor of Llama 4 out of its shards, lazily.
 *
 * What each shard holds is checked for its shape, then the piece of a fused tensor is cut out and the pieces are joined.
 *
 * @module
 */
import type { Tensor } from '../../formats/tensor.js';
import { LlamaError } from '../model.js';
import type { Shards } from '../shards.js';
import { concatColumns, concatRows, concatRowsInGroups, reshaped, sliceRows } from '../views.js';
import type { Llama4Tensor } from './layout.js';

/**
 * The whole tensor under its canonical name; reads nothing.
 *
 * @throws LlamaError `llama/missing-tensor`, `llama/wrong-shape`, `llama/mixed-shards`
 */
export function mergeLlama4Tensor(shards: Shards, expected: Llama4Tensor): Tensor {
  const [first, ...others] = shards;
  const head = pieceOf(expected, first, shards.length);
  const rest = others.map((shard) => {
    const piece = pieceOf(expected, shard, shards.length);
    if (piece.dtype === head.dtype) return piece;
    const message = `${expected.stored} is ${piece.dtype} here but ${head.dtype} in ${first.path}`;
    throw new LlamaError('llama/mixed-shards', message, { path: shard.path });
  });
  return reshaped(joined(expected, [head, ...rest]), expected.name, expected.shape);
}

function joined({ name, split, shape }: Llama4Tensor, pieces: readonly [Tensor, ...Tensor[]]): Tensor {
  if (pieces.length === 1 || split === 'replicated') return pieces[0];
  if (split === 'expert-rows') return concatRowsInGroups(name, pieces, shape[0] ?? 1);
  // a vector is one row, so its parts stand side by side
  return split === 'rows' && shape.length > 1 ? concatRows(name, pieces) : concatColumns(name, pieces);
}

/** The part of a tensor that a shard holds. */
function pieceOf(expected: Llama4Tensor, shard: Shards[0], count: number): Tensor {
  const { stored, fused, shape } = expected;
  const tensor = shard.tensors.get(stored);
  if (tensor === undefined) {
    throw new LlamaError('llama/missing-tensor', `the tensor ${stored} is missing`, { path: shard.path });
  }
  expectShape(tensor, storedShape(expected, count), shard.path, count);
  if (fused === undefined) return tensor;
  return sliceRows(tensor, fused.before / count, (shape[0] ?? 0) / count);
}

/** Shape of what a shard holds: experts lie one below the other in a matrix. */
function storedShape({ shape, split, fused }: Llama4Tensor, count: number): number[] {
  const [rows = 0, ...others] = fused === undefined ? shape : [fused.total, ...shape.slice(1)];
  const matrix = others.length < 2 ? [rows, ...others] : [rows * (others[0] ?? 0), ...others.slice(1)];
  const cut = split === 'replicated' ? undefined : split === 'columns' ? 1 : 0;
  return matrix.map((extent, dimension) => (dimension === cut ? extent / count : extent));
}

function expectShape({ name, shape }: Tensor, want: readonly number[], path: string, count: number): void {
  if (shape.join() === want.join()) return;
  const part = count === 1 ? '' : `, one of ${count} parts`;
  throw new LlamaError(
    'llama/wrong-shape',
    `${name} has shape (${shape.join(', ')}); params.json asks for (${want.join(', ')})${part}`,
    { path },
  );
}
