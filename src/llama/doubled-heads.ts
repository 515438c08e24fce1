/**
 * Key/value heads that are stored twice, as in Llama 3.1 405B in sixteen shards.
 *
 * The model has eight of them, fewer than shards; so two neighbouring shards hold each, and `params.json` counts sixteen.
 * Taken at its word the checkpoint has 4 billion parameters more than the same model in eight shards.
 *
 * @module
 */
import type { ReadOptions } from '../source/byte-source.js';
import { LlamaError } from './model.js';
import type { MetaParams } from './params.js';
import { type Shards, sameBytes } from './shards.js';

/** Shards in which the release stores its heads twice, and of them one each. */
const DOUBLED_SHARDS = 16;

const ROLES = ['attention.wk.weight', 'attention.wv.weight'];

/**
 * Whether neighbouring shards hold the same key/value heads. Reads nothing unless there is a head for each of sixteen
 * shards; then a head of the first layer twice at most.
 */
export async function hasDoubledHeads(shards: Shards, params: MetaParams, options: ReadOptions): Promise<boolean> {
  if (shards.length !== DOUBLED_SHARDS || params.n_kv_heads !== DOUBLED_SHARDS) return false;
  const name = `layers.0.${ROLES[0]}`;
  const [first, second] = [shards[0], shards[1]].map((shard) => shard?.tensors.get(name));
  return first !== undefined && second !== undefined && sameBytes(first, second, options);
}

/** The shards that hold each of the heads once. */
export function everySecond(shards: Shards): Shards {
  const [first, ...others] = shards;
  return [first, ...others.filter((_, index) => index % 2 === 1)];
}

/** Whether this canonical tensor holds key/value heads. */
export function holdsKeyValueHeads(name: string): boolean {
  return ROLES.some((role) => name.endsWith(`.${role}`));
}

/**
 * Throws unless all heads are there twice. Reads every key and value projection.
 *
 * @throws LlamaError `llama/not-replicated`
 */
export async function expectAllDoubled(shards: Shards, nLayers: number, options: ReadOptions = {}): Promise<void> {
  for (let layer = 0; layer < nLayers; layer++) {
    for (const role of ROLES) await expectPairs(shards, `layers.${layer}.${role}`, options);
  }
}

async function expectPairs(shards: Shards, name: string, options: ReadOptions): Promise<void> {
  for (let index = 0; index + 1 < shards.length; index += 2) {
    const [a, b] = [shards[index], shards[index + 1]];
    const [first, second] = [a?.tensors.get(name), b?.tensors.get(name)];
    if (first === undefined || second === undefined || (await sameBytes(first, second, options))) continue;
    throw new LlamaError(
      'llama/not-replicated',
      `${name} differs from the one in ${a?.path}, although other heads are stored twice; the shards are of different models or damaged`,
      { path: b?.path },
    );
  }
}
