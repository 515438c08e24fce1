#!/usr/bin/env node
// @ts-check
/**
 * What a forward pass over a 1B checkpoint costs, streamed from the file, on one thread and on all.
 *
 *     npm run bench -- --only forward [--rounds 5 --folder /fast/disk]
 *
 * Each pass runs in a process of its own, whose memory is the memory of the pass. They take turns, so that
 * whatever else the machine does meets all of them; the table shows medians. Plain TypeScript runs once, as it
 * takes half a minute.
 *
 * @module
 */
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { TOKENS } from './forward-once.mjs';
import { measure } from './measure.mjs';

/** @typedef {import('./measure.mjs').Usage} Usage */
/** @typedef {import('./forward-once.mjs').Run} Run */
/** @typedef {{ label: string, kernels: string, models: string[], once?: boolean, base?: string }} Row */

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const FORWARD_ONCE = fileURLToPath(new URL('forward-once.mjs', import.meta.url));

/**
 * Measures and prints the table.
 *
 * @param {{ checkpoint: string, folder: string, rounds: number }} options
 */
export async function benchForward({ checkpoint, folder, rounds }) {
  const quantized = join(folder, 'forward', '1b-q8_0.gguf');
  await quantizeOnce(checkpoint, quantized);
  /** @type {Row[]} */
  const rows = [
    { label: 'one thread', kernels: 'here', models: [checkpoint] },
    { label: 'a thread for each processor', kernels: 'threads', models: [checkpoint], base: 'one thread' },
    { label: 'Q8_0, one thread', kernels: 'here', models: [quantized] },
    ...[{ label: 'Q8_0, a thread for each processor', kernels: 'threads', models: [quantized], base: 'Q8_0, one thread' }], // prettier-ignore
    ...[{ label: 'both together, as `check` runs them', kernels: 'threads', models: [checkpoint, quantized], base: 'a thread for each processor' }], // prettier-ignore
    { label: 'TypeScript, one thread', kernels: 'plain', models: [checkpoint], once: true, base: 'one thread' },
  ];
  /** @type {Map<string, (Usage & Run)[]>} */
  const all = new Map(rows.map(({ label }) => [label, []]));
  const file = join(folder, 'forward', 'run.json');
  for (let round = 0; round < rounds; round++) {
    for (const { label, kernels, models, once } of rows) {
      if (once === true && round > 0) continue;
      const [first = '', ...others] = models;
      const usage = await measure(process.execPath, [FORWARD_ONCE, kernels, first, file, ...others]);
      all.get(label)?.push({ ...usage, ...JSON.parse(await readFile(file, 'utf8')) });
    }
  }
  print(rows, all, rounds);
}

/**
 * @param {string} checkpoint
 * @param {string} quantized
 */
async function quantizeOnce(checkpoint, quantized) {
  const made = await access(quantized).then(
    () => true,
    () => false,
  );
  await mkdir(join(quantized, '..'), { recursive: true });
  const args = ['convert', checkpoint, '--to', 'gguf', '--type', 'q8_0', '--output', quantized];
  if (!made) await measure(process.execPath, [CLI, ...args]);
}

/**
 * @param {readonly Row[]} rows
 * @param {ReadonlyMap<string, readonly (Usage & Run)[]>} all
 * @param {number} rounds
 */
function print(rows, all, rounds) {
  console.log(`\nA forward pass of ${TOKENS} tokens, streamed from the file, medians of ${rounds} runs:\n`);
  console.log('| | pass s | GFLOP/s of the products | cpu s | GFLOP per cpu s | peak memory | pass against |');
  console.log('|-|-:|-:|-:|-:|-:|-|');
  for (const { label, base } of rows) {
    const runs = all.get(label) ?? [];
    const seconds = median(runs, ({ seconds }) => seconds);
    const speed = median(runs, ({ operations, productSeconds }) => operations / productSeconds / 1e9);
    const cpu = median(runs, ({ cpuSeconds }) => cpuSeconds);
    const work = median(runs, ({ operations, cpuSeconds }) => operations / cpuSeconds / 1e9);
    const peak = `${Math.round(median(runs, ({ peakBytes }) => peakBytes) / 1e6)} MB`;
    const other = base === undefined ? NaN : median(all.get(base) ?? [], ({ seconds }) => seconds);
    const ratio = base === undefined ? '' : `${(seconds / other).toFixed(2)} x ${base}`;
    const cells = [label, seconds.toFixed(2), speed.toFixed(1), cpu.toFixed(2), work.toFixed(1), peak, ratio];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

/**
 * @param {readonly (Usage & Run)[]} runs
 * @param {(run: Usage & Run) => number} of
 */
function median(runs, of) {
  return runs.map(of).sort((a, b) => a - b)[runs.length >> 1] ?? NaN;
}
