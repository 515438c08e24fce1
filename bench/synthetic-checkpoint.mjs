// @ts-check
/**
 * A folder as Meta ships it, of any shape, with weights from a seed.
 *
 * The list of checksums is written last, so a folder that has one is complete.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { syntheticTokenizer } from './synthetic-tokenizer.mjs';

/** @typedef {import('./write-shard.mjs').ShardOrder} ShardOrder */

/**
 * What is to be made.
 *
 * @typedef {object} CheckpointOptions
 * @property {string} paramsText - `params.json`
 * @property {boolean} tied - whether embedding and output are one storage
 * @property {number} shardCount
 * @property {number} [seed] - 1 if not given
 * @property {boolean} [sparse] - matrices are holes
 * @property {boolean} [checklist] - false leaves out `checklist.chk`, and the MD5 of the weights
 * @property {(name: string) => void} [onFile] - told of each file of weights that is written
 */

/** Ids of Llama 3 that are no text. */
const SPECIAL_TOKENS = 256;

const LIST = 'checklist.chk';
const WRITE_SHARD = new URL('write-shard.mjs', import.meta.url);

/**
 * Writes the folder; a worker for each processor writes a shard at a time, in a few megabytes of memory.
 *
 * @param {string} folder
 * @param {CheckpointOptions} options
 */
export async function makeCheckpoint(folder, options) {
  const { paramsText, shardCount, seed = 1, checklist = true } = options;
  const params = JSON.parse(paramsText);
  await mkdir(folder, { recursive: true });
  await rm(join(folder, LIST), { force: true });
  const names = Array.from({ length: shardCount }, (_, shard) => `consolidated.${String(shard).padStart(2, '0')}.pth`);
  const sums = await inTurns(names, async (name, shard) => {
    const md5 = await writeInWorker({
      ...{ path: join(folder, name), params, tied: options.tied, seed, shard, shardCount },
      ...{ sparse: options.sparse ?? false, hashed: checklist },
    });
    options.onFile?.(name);
    return md5;
  });
  const lines = names.map((name, shard) => `${sums[shard] ?? ''}  ./${name}\n`);
  const texts = {
    'params.json': paramsText,
    'tokenizer.model': syntheticTokenizer(seed, params.vocab_size - SPECIAL_TOKENS),
  };
  for (const [name, text] of Object.entries(texts)) {
    await writeFile(join(folder, name), text);
    lines.push(`${createHash('md5').update(text).digest('hex')}  ./${name}\n`);
  }
  if (checklist) await writeFile(join(folder, LIST), lines.join(''));
}

/**
 * The results of all items in order, as many at work as there are processors.
 *
 * @param {readonly string[]} items
 * @param {(item: string, index: number) => Promise<string>} run
 */
async function inTurns(items, run) {
  /** @type {string[]} */
  const results = [];
  const waiting = [...items.entries()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, item] = next;
      results[index] = await run(item, index);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}

/**
 * @param {ShardOrder} order
 * @returns {Promise<string>} the MD5
 */
function writeInWorker(order) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(WRITE_SHARD, { workerData: { isShardOrder: true, order } });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error(`the worker that writes ${order.path} has ended without a word`)));
  });
}
