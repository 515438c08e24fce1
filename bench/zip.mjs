#!/usr/bin/env node
// @ts-check
/**
 * What it costs to open files that are large in one way: 65,606 members, 10,000 tensors, 280,147 merges.
 *
 *     npm run bench -- --only zip [--rounds 9 --folder /fast/disk]
 *
 * Each opening is timed twice over: in this process, where the code is warm (the first round does not count), and in a
 * process of its own, started for it, whose memory is the memory of the opening. All take turns, so that whatever
 * else the machine does meets all of them; the table shows medians.
 *
 * @module
 */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

import { NAMES, makeArchives } from './make-archives.mjs';
import { measure, medianUsage } from './measure.mjs';
import { OPENINGS } from './open-once.mjs';

/** @typedef {import('./measure.mjs').Usage} Usage */
/** @typedef {{ label: string, opening: string, file: string, base?: string }} Row */

const OPEN_ONCE = fileURLToPath(new URL('open-once.mjs', import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** @type {Row[]} */
const ROWS = [
  { label: '65,606 members listed', opening: 'list, llama-inspect', file: NAMES.members },
  { label: 'the same by yauzl', opening: 'list, yauzl', file: NAMES.members, base: 'list, llama-inspect' },
  { label: '65,600 tensors opened', opening: 'tensors, llama-inspect', file: NAMES.members },
  { label: 'pickle of 10,000 tensors parsed', opening: 'pickle, llama-inspect', file: NAMES.tensors },
  { label: 'the same by pickleparser', opening: 'pickle, pickleparser', file: NAMES.tensors, base: 'pickle, llama-inspect' }, // prettier-ignore
  { label: '10,000 tensors opened', opening: 'tensors, llama-inspect', file: NAMES.tensors },
  { label: 'GGUF opened, 280,147 merges', opening: 'header, llama-inspect', file: NAMES.vocabulary },
  {
    ...{ label: 'and all strings read', opening: 'header and all strings, llama-inspect' },
    file: NAMES.vocabulary,
  },
  {
    ...{ label: 'the same by @huggingface/gguf', opening: 'header and all strings, @huggingface/gguf' },
    ...{ file: NAMES.vocabulary, base: 'header, llama-inspect' },
  },
];

/**
 * Measures and prints the table.
 *
 * @param {{ folder: string, rounds: number }} options
 */
export async function benchOpening({ folder, rounds }) {
  const archives = join(folder, 'archives');
  const made = await access(join(archives, NAMES.vocabulary)).then(
    () => true,
    () => false,
  );
  if (!made) await makeArchives(archives);
  /** @type {number[][]} */
  const times = ROWS.map(() => []);
  /** @type {Usage[][]} */
  const usages = ROWS.map(() => []);
  /** @type {Usage[]} */
  const starts = [];
  /** @type {Usage[]} */
  const commands = [];
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { opening, file }] of ROWS.entries()) {
      const path = join(archives, file);
      const time = await timed(() => OPENINGS[opening]?.(path));
      if (round === 0) continue;
      times[index]?.push(time);
      usages[index]?.push(await measure(process.execPath, [OPEN_ONCE, opening, path]));
    }
    if (round === 0) continue;
    starts.push(await measure(process.execPath, ['-e', '0']));
    commands.push(await measure(process.execPath, [CLI, 'tensors', join(archives, NAMES.members)]));
  }
  print(times.map(median), usages.map(medianUsage), medianUsage(starts), medianUsage(commands), rounds);
}

/** @param {() => Promise<unknown> | undefined} run */
async function timed(run) {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** @param {readonly number[]} values */
function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/**
 * @param {readonly number[]} times
 * @param {readonly Usage[]} usages
 * @param {Usage} start
 * @param {Usage} command
 * @param {number} rounds
 */
function print(times, usages, start, command, rounds) {
  console.log(`\nOpening files that are large in one way, medians of ${rounds} runs:\n`);
  console.log('| | warm ms | ratio | own process: wall s | cpu s | peak memory |');
  console.log('|-|-:|-:|-:|-:|-:|');
  for (const [index, { label, base }] of ROWS.entries()) {
    const time = times[index] ?? NaN;
    const other = times[ROWS.findIndex(({ opening }) => opening === base)];
    const ratio = other === undefined ? '' : `${(time / other).toFixed(1)} x`;
    console.log(`| ${label} | ${time.toFixed(0)} | ${ratio} | ${processCells(usages[index])} |`);
  }
  console.log(`| \`llama-inspect tensors\`, 65,600 rows | | | ${processCells(command)} |`);
  console.log(`| \`node -e 0\` | | | ${processCells(start)} |`);
}

/** @param {Usage | undefined} usage */
function processCells({ wall, cpu, peakBytes } = { wall: NaN, cpu: NaN, peakBytes: NaN }) {
  return [wall.toFixed(2), cpu.toFixed(2), `${Math.round(peakBytes / 1e6)} MB`].join(' | ');
}
