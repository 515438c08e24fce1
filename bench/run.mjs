#!/usr/bin/env node
// @ts-check
/**
 * Measures ours and the programs of others in turns, and writes what came out: the source of docs/performance.md.
 *
 *     npm run bench                       10 minutes, 10 GB of disk: checkpoints of the shape of Llama 3.2 1B
 *     npm run bench -- --full             and of Llama 3.1 8B: half an hour, 40 GB
 *     npm run bench -- --publish          writes bench/results/performance.json and docs/performance.md too
 *     npm run bench -- --only forward     one part: headers, opening, hashing, converting, …
 *
 * `--folder PATH` says where the files go that are measured on (2.5 GB each; they are kept), `--json FILE` where the result
 * goes, `--rounds N` how often everything is measured, `--minutes N` how long at most: rounds that would take longer are
 * left out, and what is not measured by then says so. `--layers N` leaves layers out of the models, to try this program. Programs of
 * others that are not installed are named in the result. The page is printed, progress is told on stderr.
 *
 * @module
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, release, tmpdir, totalmem, type } from 'node:os';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { format, resolveConfig } from 'prettier';

import { contextOf, expectRoom, prepare } from './materials.mjs';
import { PERFORMANCE_PAGE, RESULTS, performancePage } from './page.mjs';
import { PYTHON, findPeers } from './peers.mjs';
import { SECTIONS, SIZE_SECTION } from './sections.mjs';
import { inTurns } from './turns.mjs';

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./turns.mjs').RowResult} RowResult */
/** @typedef {import('./page.mjs').Results} Results */
/** @typedef {import('./sections.mjs').Section} Section */

const { values: options } = parseArgs({
  options: {
    folder: { type: 'string', default: join(tmpdir(), 'llama-inspect-bench') },
    json: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string' },
    minutes: { type: 'string' },
    layers: { type: 'string' },
    full: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
});

/** How long other programs are watched before anything is measured. */
const WATCHED_MS = 3000;

const began = performance.now();
const rounds = count('rounds', 5);
const minutes = count('minutes', options.full ? 30 : 10);
const layers = options.layers === undefined ? undefined : count('layers', 0);
const context = contextOf({ folder: options.folder, layers, full: options.full, peers: findPeers() });
const sections = [...SECTIONS, SIZE_SECTION].filter(({ id }) => options.only === undefined || options.only === id);
if (sections.length === 0) {
  throw new Error(`--only takes one of ${[...SECTIONS, SIZE_SECTION].map(({ id }) => id).join(', ')}`);
}
if (options.publish && (options.only !== undefined || layers !== undefined)) {
  throw new Error('--publish is for whole runs: without --only and --layers');
}
expectPython();
await expectRoom(context);
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
  process.once(signal, () => {
    rmSync(context.output, { recursive: true, force: true });
    process.exit(130);
  });
}
const results = await resultsOf();
await keep(results);
const failed = results.rows.filter(({ missing }) => missing?.startsWith('failed') === true);
for (const { label, missing } of failed) console.error(`${label} ${missing}`);
if (failed.length > 0) process.exitCode = 1;

/** @returns {Promise<Results>} */
async function resultsOf() {
  const busyThreads = await busyAtStart();
  const rows = await measureAll();
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  return {
    schemaVersion: 1,
    date: new Date().toISOString().slice(0, 10),
    machine: {
      ...{ processor: cpus()[0]?.model ?? 'unknown', threads: availableParallelism(), memoryBytes: totalmem() },
      ...{ system: `${type()} ${release()}`, busyThreads },
    },
    versions: { 'llama-inspect': version, node: process.versions.node },
    options: { rounds, minutes, full: options.full, layers: layers ?? null },
    minutesTaken: Math.round((performance.now() - began) / 6000) / 10,
    peers: [...context.peers],
    rows,
  };
}

/** How many threads other programs keep busy, over some seconds in which this one waits. */
async function busyAtStart() {
  const spent = () => {
    const times = cpus().map((cpu) => cpu.times);
    const all = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0);
    return { all, idle: times.reduce((sum, { idle }) => sum + idle, 0) };
  };
  const before = spent();
  await setTimeout(WATCHED_MS);
  const after = spent();
  const busy = 1 - (after.idle - before.idle) / (after.all - before.all);
  return Math.round(busy * cpus().length * 10) / 10;
}

/** Every part in turn, with its share of the time that is left. */
async function measureAll() {
  /** @type {RowResult[]} */
  const rows = [];
  const shareOf = (/** @type {Section} */ { id, share }) => (id === SIZE_SECTION.id && !context.full ? 0 : share);
  for (const [index, section] of sections.entries()) {
    const shares = sections.slice(index).reduce((sum, each) => sum + shareOf(each), 0);
    try {
      rows.push(...(await measureSection(section, shareOf(section) / shares)));
    } catch (error) {
      const missing = `failed: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300);
      rows.push({ id: section.id, label: section.id, peers: [], missing, samples: {} });
    }
  }
  return rows;
}

/**
 * @param {Section} section
 * @param {number} share - of the time that is left
 */
async function measureSection(section, share) {
  const { id, needs, rounds: own = rounds, isBrief = false } = section;
  if (id !== SIZE_SECTION.id || context.full) await prepare(context, needs, progress);
  const now = performance.now();
  const end = began + minutes * 60_000;
  const deadline = now + (end - now) * share;
  /** @type {(() => void)[]} */
  const closers = [];
  try {
    const found = await section.rows(context, (close) => closers.push(close));
    const wanted = options.rounds === undefined ? own : Math.min(rounds, own);
    let told = -1;
    const tell = (/** @type {Row} */ row, /** @type {number} */ round, /** @type {string | undefined} */ problem) => {
      if (problem === undefined && isBrief && told === round) return;
      told = round;
      progress(`${id}, round ${round + 1} of ${wanted}${isBrief ? '' : `: ${row.label}`} ${problem ?? ''}`.trimEnd());
    };
    return await inTurns(found, { rounds: wanted, deadline, end, tell });
  } finally {
    for (const close of closers) close();
    rmSync(context.output, { recursive: true, force: true });
  }
}

/** @param {Results} found */
async function keep(found) {
  const short = (/** @type {string} */ _, /** @type {unknown} */ value) =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  const text = await format(JSON.stringify(found, short, 1), { ...(await resolveConfig(RESULTS)), parser: 'json' });
  const file = options.json ?? join(context.folder, 'performance.json');
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
  const page = await performancePage(JSON.parse(text));
  console.log(page);
  progress(`the figures are in ${file}`);
  if (!options.publish) return;
  await mkdir(dirname(RESULTS), { recursive: true });
  await writeFile(RESULTS, text);
  await writeFile(PERFORMANCE_PAGE, page);
  progress(`${RESULTS} and ${PERFORMANCE_PAGE} are written`);
}

/** Python is no peer here: it asks the kernel what a process took. */
function expectPython() {
  try {
    execFileSync(PYTHON, ['-c', 'import os; os.wait4, os.posix_spawnp']);
  } catch {
    throw new Error(`${PYTHON} does not run, which measures processes: LLAMA_PYTHON names a Python 3`);
  }
}

/** @param {string} message */
function progress(message) {
  const seconds = Math.round((performance.now() - began) / 1000);
  console.error(`${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')} ${message}`);
}

/**
 * @param {'rounds' | 'minutes' | 'layers'} option
 * @param {number} byDefault
 */
function count(option, byDefault) {
  const text = options[option] ?? String(byDefault);
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new Error(`--${option} takes a whole number from 1 on, not ${text}`);
}
