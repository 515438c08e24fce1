#!/usr/bin/env node
// @ts-check
/**
 * What converting and inspecting a 1B checkpoint costs, beside copying it and beside starting Node.
 *
 *     npm run bench [-- --rounds 5 --folder /fast/disk]
 *     npm run bench -- --only zip
 *
 * `--only` leaves parts out: `convert` is whole checkpoints and headers, `zip` is `zip.mjs`, `quantize` is
 * `quantize.mjs`, `tokenize` is `tokenize.mjs`, `forward` is `forward.mjs`. Makes the checkpoint once (2.5 GB; twice as much is written and removed again each round). The commands take
 * turns, so that whatever else the machine does meets all of them, and the table shows medians. Numbers belong to
 * one machine and one day: docs/performance.md says which.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { access, mkdir, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { benchForward } from './forward.mjs';
import { measure, medianUsage } from './measure.mjs';
import { benchQuantizing } from './quantize.mjs';
import { benchTokenizing } from './tokenize.mjs';
import { benchOpening } from './zip.mjs';

/** @typedef {import('./measure.mjs').Usage} Usage */
/** @typedef {{ command: string, args: string[] }} Command */

const START_ROUNDS = 10;
const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const MAKE_CHECKPOINT = fileURLToPath(new URL('make-checkpoint.mjs', import.meta.url));

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'llama-inspect-bench') },
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
  },
});

const checkpoint = join(options.folder, 'Llama3.2-1B');
const weights = join(checkpoint, 'consolidated.00.pth');
const output = join(options.folder, 'output');

/** @type {Record<string, Command>} */
const WHOLE_FILE = {
  cp: { command: 'cp', args: [weights, join(output, 'copy.pth')] },
  'cp, then sync': { command: 'sh', args: ['-c', 'cp "$0" "$1" && sync "$1"', weights, join(output, 'copy.pth')] },
  'convert --to safetensors': cli('convert', checkpoint, '--to', 'safetensors', '--output', join(output, 'hf')),
  'convert --to gguf': cli('convert', checkpoint, '--to', 'gguf', '--output', join(output, 'model.gguf')),
  'convert --to gguf --type f16': cli(
    ...['convert', checkpoint, '--to', 'gguf', '--type', 'f16', '--output', join(output, 'model.gguf')],
  ),
  verify: cli('verify', checkpoint),
};

/** @type {Record<string, Command>} */
const HEADERS_ONLY = {
  'node -e 0': { command: process.execPath, args: ['-e', '0'] },
  inspect: cli('inspect', checkpoint),
  'inspect --json': cli('inspect', '--json', checkpoint),
  tensors: cli('tensors', checkpoint),
};

const PARTS = {
  convert: benchConverting,
  zip: () => benchOpening({ ...options, rounds: Number(options.rounds) }),
  quantize: () => benchQuantizing({ ...options, rounds: Number(options.rounds) }),
  tokenize: () => benchTokenizing({ rounds: Number(options.rounds) }),
  forward: async () => {
    await makeCheckpointOnce();
    await benchForward({ checkpoint, folder: options.folder, rounds: Number(options.rounds) });
  },
};

const parts = Object.entries(PARTS).filter(([name]) => options.only === undefined || options.only === name);
if (parts.length === 0) throw new Error(`--only takes one of ${Object.keys(PARTS).join(', ')}`);
console.log(machine());
for (const [, bench] of parts) await bench();

async function benchConverting() {
  await makeCheckpointOnce();
  const whole = await medians(WHOLE_FILE, Number(options.rounds));
  console.log(`\nA 1B checkpoint of 2.5 GB, medians of ${options.rounds} runs:\n`);
  printTable(whole, 'cp, then sync', 'wall', (usage, base) => `${(usage / base).toFixed(2)} x`);
  const headers = await medians(HEADERS_ONLY, START_ROUNDS);
  console.log(`\nHeaders only, medians of ${START_ROUNDS} runs:\n`);
  printTable(headers, 'node -e 0', 'cpu', (usage, base) => `+${Math.round((usage - base) * 1000)} ms`);
}

async function makeCheckpointOnce() {
  const complete = await access(join(checkpoint, 'checklist.chk')).then(
    () => true,
    () => false,
  );
  if (!complete) await measure(process.execPath, [MAKE_CHECKPOINT, checkpoint]);
  // all commands find the file in the page cache, as far as it fits
  await measure('sh', ['-c', `cat "$0" > /dev/null`, weights]);
}

/**
 * @param {Record<string, Command>} commands
 * @param {number} rounds
 * @returns {Promise<Map<string, Usage>>}
 */
async function medians(commands, rounds) {
  /** @type {Map<string, Usage[]>} */
  const usages = new Map(Object.keys(commands).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, { command, args }] of Object.entries(commands)) {
      await mkdir(output, { recursive: true });
      usages.get(name)?.push(await measure(command, args));
      await rm(output, { recursive: true });
    }
  }
  return new Map([...usages].map(([name, all]) => [name, medianUsage(all)]));
}

/**
 * @param {Map<string, Usage>} rows
 * @param {string} baseName Row that the others are compared with.
 * @param {'wall' | 'cpu'} key What is compared.
 * @param {(value: number, base: number) => string} compare
 */
function printTable(rows, baseName, key, compare) {
  const base = rows.get(baseName)?.[key] ?? NaN;
  console.log(`| | wall s | cpu s | peak memory | ${key} against \`${baseName}\` |`);
  console.log('|-|-:|-:|-:|-:|');
  for (const [name, usage] of rows) {
    const { wall, cpu, peakBytes } = usage;
    const figures = [wall.toFixed(2), cpu.toFixed(2), `${Math.round(peakBytes / 1e6)} MB`, compare(usage[key], base)];
    console.log(`| \`${name}\` | ${figures.join(' | ')} |`);
  }
}

function machine() {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const date = new Date().toISOString().slice(0, 10);
  const memory = Math.round(totalmem() / 2 ** 30);
  return `llama-inspect ${version}, Node ${process.versions.node}, ${date}: ${cpus().length} x ${cpus()[0]?.model}, ${memory} GiB`;
}

/**
 * Our own command.
 *
 * @param {string[]} args
 * @returns {Command}
 */
function cli(...args) {
  return { command: process.execPath, args: [CLI, ...args] };
}
