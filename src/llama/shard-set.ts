/**
 * Whether the shards that are here are the parts of one checkpoint, each once.
 *
 * The shapes alone tell into how many parts it was cut: `wo` of the first block has `dim` rows and `dim / n` columns in
 * each of `n` shards, whatever `params.json` says.
 *
 * @module
 */
import type { ReadOptions } from '../source/byte-source.js';
import { LlamaError } from './model.js';
import { type Shard, type ShardTensor, type Shards, sameBytes } from './shards.js';

/** The matrix that every generation cuts along its columns. */
const CUT = /^(?:text_model\.)?layers\.0\.attention\.wo\.weight$/;

/**
 * Throws unless all shards have tensors of the same shapes, and as many are here as these were cut into. Reads nothing.
 *
 * @throws LlamaError `llama/mixed-shards`, `llama/missing-shard`
 */
export function expectShardSet(shards: Shards): void {
  for (const shard of shards.slice(1)) expectAlike(shard, shards[0]);
  const count = partCount(shards[0]);
  if (count === undefined || count === shards.length) return;
  const { path } = shards[0];
  if (count < shards.length) {
    const whole = count === 1 ? 'this is a whole checkpoint' : `this is a part of a checkpoint of ${count} shards`;
    throw new LlamaError('llama/mixed-shards', `${whole}, but ${shards.length} are here`, { path, hint: MIXED });
  }
  const found = shards.length === 1 ? 'one is' : `${shards.length} are`;
  const message = `the shards are parts of a checkpoint of ${count}, but ${found} here`;
  throw new LlamaError('llama/missing-shard', message, { path, hint: 'download the missing consolidated.NN.pth' });
}

/** What to do about shards that are not of one checkpoint. */
const MIXED = 'shards of different checkpoints lie in this folder: take all of them from one download';

function expectAlike(shard: Shard, first: Shard): void {
  for (const [name, { shape }] of shard.tensors) {
    const other = first.tensors.get(name)?.shape;
    if (other === undefined || other.join() === shape.join()) continue;
    const message = `${name} has shape (${shape.join(', ')}) here, but (${other.join(', ')}) in ${first.path}`;
    throw new LlamaError('llama/mixed-shards', message, { path: shard.path, hint: MIXED });
  }
}

/** Into how many parts the checkpoint was cut; undefined where the shapes do not tell. */
function partCount(shard: Shard): number | undefined {
  const [rows = 0, columns = 0] = cutTensor(shard)?.shape ?? [];
  const count = rows / columns;
  return Number.isSafeInteger(count) && count > 0 ? count : undefined;
}

function cutTensor({ tensors }: Shard): ShardTensor | undefined {
  return [...tensors.values()].find(({ name }) => CUT.test(name));
}

/**
 * Throws where one shard is a copy of another: the norms that all of them have cannot tell. Reads a row of each shard.
 *
 * @throws LlamaError `llama/mixed-shards`
 */
export async function expectNoCopies(shards: Shards, options: ReadOptions = {}): Promise<void> {
  const byRow = new Map<string, [Shard, ShardTensor]>();
  for (const shard of shards) {
    const tensor = cutTensor(shard);
    if (tensor === undefined) return;
    const row = await tensor.readRows(0, 1, options);
    // of elements that are all the same, as in a file that was never filled, many parts may be made
    if (row.every((byte, index) => byte === row[index % 4])) continue;
    const [first, other] = byRow.get(row.join()) ?? [];
    if (first === undefined || other === undefined) {
      byRow.set(row.join(), [shard, tensor]);
    } else if (await sameBytes(tensor, other, options)) {
      const message = `this is a copy of ${first.path}: both hold the same ${tensor.name}`;
      throw new LlamaError('llama/mixed-shards', message, { path: shard.path, hint: MIXED });
    }
  }
}
