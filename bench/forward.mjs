// @ts-check
/**
 * What a forward pass over a 1B checkpoint costs, streamed from the file, on one thread and on all.
 *
 * Each pass runs in a process of its own, whose memory is the memory of the pass. Plain TypeScript runs once, as it
 * takes half a minute.
 *
 * @module
 */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { CHECKED_TOKENS } from './checkpoint-cases.mjs';
import { beside, cli, commandRow } from './commands.mjs';
import { measure } from './measure.mjs';

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./materials.mjs').Context} Context */

/**
 * A pass, or several.
 *
 * @typedef {object} Case
 * @property {string} id
 * @property {string} label
 * @property {string} kernels - as `forward-once.mjs` calls them
 * @property {string[]} models
 * @property {number} [rounds]
 */

/**
 * @param {Context} context
 * @returns {Row[]}
 */
export function forwardRows(context) {
  const { checkpoint, quantized } = context;
  /** @type {Case[]} */
  const cases = [
    { id: 'one-thread', label: 'one thread', kernels: 'here', models: [checkpoint] },
    { id: 'threads', label: 'a thread for each processor', kernels: 'threads', models: [checkpoint] },
    { id: 'q8_0/one-thread', label: 'Q8_0, one thread', kernels: 'here', models: [quantized] },
    { id: 'q8_0/threads', label: 'Q8_0, a thread for each processor', kernels: 'threads', models: [quantized] },
    { id: 'both', label: 'both in step, as `check` runs them', kernels: 'threads', models: [checkpoint, quantized] },
    { id: 'plain', label: 'TypeScript, one thread', kernels: 'plain', models: [checkpoint], rounds: 1 },
  ];
  return [
    { id: 'forward/oracle', label: 'kernels against TypeScript', rounds: 1, run: () => runOnce(context, 'oracle', []) },
    ...cases.map(({ id, label, kernels, models, rounds }) => ({
      ...{ id: `forward/${id}`, label, run: () => runOnce(context, kernels, models) },
      ...(rounds === undefined ? {} : { rounds }),
    })),
    commandRow(context, {
      ...{ id: 'forward/check', label: '`check`, 32 tokens, weights and all' },
      command: cli('check', checkpoint, quantized, '--tokens', CHECKED_TOKENS),
    }),
  ];
}

/**
 * @param {Context} context
 * @param {string} kernels
 * @param {string[]} models
 * @returns {Promise<Record<string, number>>}
 */
async function runOnce({ output }, kernels, models) {
  await mkdir(output, { recursive: true });
  try {
    const file = join(output, 'run.json');
    const usage = await measure(process.execPath, [beside('forward-once.mjs'), kernels, file, ...models]);
    return { ...usage, ...JSON.parse(await readFile(file, 'utf8')) };
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}
