// @ts-check
/**
 * The files that are measured on: made once, and kept so that the next run begins at once.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { beside, cli } from './commands.mjs';
import { NAMES, makeArchives } from './make-archives.mjs';
import { measure } from './measure.mjs';

/**
 * Where everything is.
 *
 * @typedef {object} Context
 * @property {string} folder - holds all of it
 * @property {string} output - what a command writes, removed after it
 * @property {string} checkpoint - of the shape of Llama 3.2 1B
 * @property {string} weights - its only file of weights
 * @property {string} sharded - the same in four files
 * @property {string} quantized - its Q8_0
 * @property {string} archives - files that are large in one way each
 * @property {string} large - of the shape of Llama 3.1 8B
 * @property {boolean} full - whether that one is measured
 * @property {number | undefined} layers - of each model, where some are left out
 * @property {readonly import('./peers.mjs').Peer[]} peers
 */

/** @typedef {'checkpoint' | 'sharded' | 'quantized' | 'archives' | 'large'} Material */

const WEIGHTS = 'consolidated.00.pth';

/** Bytes of the largest file that a measured command writes. */
const OUTPUT_BYTES = { plain: 3e9, full: 16.5e9 };

/**
 * Paths below a folder. Models with layers left out have names of their own.
 *
 * @param {Pick<Context, 'folder' | 'layers' | 'full' | 'peers'>} options
 * @returns {Context}
 */
export function contextOf({ folder, layers, full, peers }) {
  const ending = layers === undefined ? '' : `-${layers}-layers`;
  const checkpoint = join(folder, `Llama3.2-1B${ending}`);
  return {
    ...{ folder, layers, full, peers, checkpoint },
    output: join(folder, 'output'),
    weights: join(checkpoint, WEIGHTS),
    sharded: join(folder, `Llama3.2-1B${ending}-4-files`),
    quantized: join(folder, `1b${ending}-q8_0.gguf`),
    archives: join(folder, 'archives'),
    large: join(folder, `Llama3.1-8B${ending}`),
  };
}

/**
 * @param {Context} context
 * @returns {Record<Material, { done: string, bytes: number, make: () => Promise<unknown> }>}
 */
function recipes({ checkpoint, sharded, quantized, archives, large, layers }) {
  const fewer = layers === undefined ? [] : ['--layers', String(layers)];
  /** @param {string[]} args */
  const made = (...args) => measure(process.execPath, [beside('make-checkpoint.mjs'), ...args, ...fewer]);
  return {
    checkpoint: { done: join(checkpoint, 'checklist.chk'), bytes: 2.5e9, make: () => made(checkpoint) },
    sharded: { done: join(sharded, 'checklist.chk'), bytes: 2.5e9, make: () => made(sharded, '--shards', '4') },
    quantized: { done: quantized, bytes: 1.4e9, make: () => quantize(checkpoint, quantized) },
    archives: { done: join(archives, NAMES.vocabulary), bytes: 0.1e9, make: () => makeInPlace(archives) },
    large: { done: join(large, 'checklist.chk'), bytes: 16.1e9, make: () => made(large, '--like', 'llama-3.1-8b') },
  };
}

/**
 * Makes what is missing, and reads it once, so that every command finds it in the page cache; what may not fit is not read.
 *
 * @param {Context} context
 * @param {readonly Material[]} needed
 * @param {(message: string) => void} tell
 */
export async function prepare(context, needed, tell) {
  const all = recipes(context);
  for (const name of needed) {
    const { done, make } = all[name];
    if (!existsSync(done)) {
      tell(`making ${done}`);
      await make();
    }
    const path = name === 'checkpoint' || name === 'sharded' ? dirname(done) : done;
    if (name !== 'large') await measure('sh', ['-c', 'find -L "$0" -type f -exec cat {} + > /dev/null', path]);
  }
}

/**
 * Throws where the disk has too little room for what is still to be made and for what the commands write.
 *
 * @param {Context} context
 */
export async function expectRoom(context) {
  const { folder, full } = context;
  await mkdir(folder, { recursive: true });
  const { bavail, bsize } = await statfs(folder);
  const missing = Object.entries(recipes(context)).filter(
    ([name, { done }]) => (full || name !== 'large') && !existsSync(done),
  );
  const made = missing.reduce((sum, [, { bytes }]) => sum + bytes, 0);
  const needed = made + (full ? OUTPUT_BYTES.full : OUTPUT_BYTES.plain);
  if (bavail * bsize >= needed) return;
  const [left, wanted] = [bavail * bsize, needed].map((bytes) => (bytes / 1e9).toFixed(0));
  throw new Error(`${folder} has ${left} GB left, and ${wanted} are needed: --folder names another place`);
}

/**
 * @param {string} checkpoint
 * @param {string} quantized
 */
async function quantize(checkpoint, quantized) {
  const args = ['convert', checkpoint, '--to', 'gguf', '--type', 'q8_0', '--output', quantized, '--no-lock'];
  const [program = '', ...rest] = cli(...args);
  await measure(program, rest);
}

/**
 * Written under another name first, so that files cut off are not taken for whole ones.
 *
 * @param {string} archives
 */
async function makeInPlace(archives) {
  await rm(`${archives}-unfinished`, { recursive: true, force: true });
  await makeArchives(`${archives}-unfinished`);
  await rm(archives, { recursive: true, force: true });
  await rename(`${archives}-unfinished`, archives);
}
