// @ts-check
/**
 * Fuzzes the readers: npm run fuzz -- --minutes N [--seed S] [--jobs J] [--out FOLDER] [--verbose]
 *
 * Damaged files must give an error with a code or a right value, in less than 2 s and 256 MB. The cases run in
 * processes of their own, which this one watches: what they throw, how long they take, how much memory they
 * need, and whether they are still there. A case that seems slow, large or fatal is run again alone before it
 * counts as a finding. Before them all come the bombs: small archives that unpack to the dearest pickles there
 * are. Exit code 1 if there is any finding.
 *
 * @module
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

import { COMPILED, HANG, LIMITS, compile, describeCost, forkWorker, readStatus, runAlone } from './fuzz-processes.mjs';

/** @import { FuzzJob, FuzzReport } from '../src/testing/fuzz-worker.js' */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Targets that bombs are thrown at. */
const BOMBED = ['open', 'scan', 'object-json'];
/** Findings of one kind that are kept. */
const MOST_OF_A_KIND = 3;

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    jobs: { type: 'string', default: String(availableParallelism()) },
    out: { type: 'string', default: join(ROOT, 'fixtures/fuzz') },
    verbose: { type: 'boolean', default: false },
  },
});
const [minutes, seed, jobs] = [Number(options.minutes), Number(options.seed), Number(options.jobs)];
const total = {
  cases: 0,
  formats: /** @type {Record<string, { cases: number, read: number }>} */ ({}),
  outcomes: /** @type {Record<string, number>} */ ({}),
  slowest: { index: -1, milliseconds: 0 },
  megabytes: 0,
  findings: 0,
  kinds: /** @type {Map<string, number>} */ (new Map()),
};
/** Checks of suspects that are under way. @type {Set<Promise<void>>} */
const checks = new Set();
const workers = /** @type {Set<import('node:child_process').ChildProcess>} */ (new Set());
let isOver = false;

try {
  await compile();
  process.exitCode = await main();
} finally {
  await rm(COMPILED, { recursive: true, force: true });
}

async function main() {
  /** @type {typeof import('../src/testing/fuzz-case.js')} */
  const cases = await import(pathToFileURL(join(COMPILED, 'testing/fuzz-case.js')).href);
  /** @type {typeof import('../src/testing/fuzz-corpus.js')} */
  const { loadCorpus } = await import(pathToFileURL(join(COMPILED, 'testing/fuzz-corpus.js')).href);
  const corpus = await loadCorpus();
  const plan = cases.fuzzPlan(corpus);
  console.log(`seed ${seed}, ${jobs} processes, ${minutes} minutes, ${corpus.length} files to begin with`);
  await runBombs();
  const started = performance.now();
  const stop = () => {
    isOver = true;
    for (const worker of workers) worker.kill('SIGKILL');
  };
  process.once('SIGINT', stop);
  const timer = setTimeout(stop, minutes * 60_000);
  const ticker = setInterval(() => process.stderr.isTTY && process.stderr.write(`\r${total.cases} cases`), 1000);
  await Promise.all(Array.from({ length: jobs }, (_, job) => keepRunning(job, { cases, plan })));
  const seconds = (performance.now() - started) / 1000;
  await Promise.all(checks);
  clearTimeout(timer);
  clearInterval(ticker);
  summarise(seconds, (index) => describeCase(cases.caseOf(plan, seed, index)));
  return total.findings === 0 ? 0 : 1;
}

/** Each bomb alone. */
async function runBombs() {
  /** @type {typeof import('../src/testing/pickle-bombs.js')} */
  const { BOMB_NAMES, bombBytes } = await import(pathToFileURL(join(COMPILED, 'testing/pickle-bombs.js')).href);
  let [slowest, largest] = [0, 0];
  for (const name of BOMB_NAMES) {
    const bytes = await bombBytes(name);
    for (const target of BOMBED) {
      const { cost, outcome, verdict } = await runAlone(target, bytes);
      const taken = cost === undefined ? 'no end' : describeCost(cost);
      if (options.verbose) console.log(`bomb of ${bytes.length} bytes, ${name}: ${target}, ${taken}, ${outcome}`);
      slowest = Math.max(slowest, cost?.milliseconds ?? Infinity);
      largest = Math.max(largest, cost?.megabytes ?? Infinity);
      const file = `bomb-${target}-${name.replaceAll(/\W/g, '-')}.bin`;
      if (verdict !== undefined) store(file, bytes, { target, bomb: name, error: verdict });
    }
  }
  const most = describeCost({ milliseconds: slowest, megabytes: largest });
  console.log(`${BOMB_NAMES.length} bombs, small archives that unpack to the dearest pickles: at most ${most}`);
}

/** @typedef {{ cases: typeof import('../src/testing/fuzz-case.js'), plan: import('../src/testing/fuzz-case.js').FuzzPlan }} Made */

/**
 * Runs one process after another: each goes on behind the case that ended the one before.
 *
 * @param {number} job
 * @param {Made} made
 */
async function keepRunning(job, made) {
  const status = join(COMPILED, `status-${job}`);
  let first = job;
  while (!isOver) {
    writeFileSync(status, new Float64Array([first, 0]));
    const end = await runWorker({ seed, first, step: jobs, status, limits: LIMITS }, made);
    if (isOver) return;
    const { index } = readStatus(status);
    check(index, end, made);
    first = index + jobs;
  }
}

/**
 * Runs cases until the process ends or is ended; says why.
 *
 * @param {FuzzJob} job
 * @param {Made} made
 * @returns {Promise<string>}
 */
function runWorker(job, made) {
  return new Promise((resolve) => {
    let why = '';
    const worker = forkWorker(job);
    workers.add(worker);
    const watch = setInterval(() => {
      const { since } = readStatus(job.status);
      if (since === 0 || Date.now() - since < HANG) return;
      why = `no end after ${HANG} ms`;
      worker.kill('SIGKILL');
    }, 200);
    worker.on('message', (message) => {
      hear(/** @type {FuzzReport} */ (message), made);
    });
    worker.on('exit', (code, signal) => {
      clearInterval(watch);
      workers.delete(worker);
      resolve(why || `the process ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

/**
 * @param {FuzzReport} report
 * @param {Made} made
 */
function hear(report, made) {
  if (report.kind === 'tally') add(report.tally);
  if (report.kind === 'fault') void keep(report.index, report.error, made);
  if (report.kind === 'suspect') check(report.index, describeCost(report.cost), made);
}

/** @param {import('../src/testing/fuzz-worker.js').FuzzTally} tally */
function add(tally) {
  total.cases += tally.cases;
  total.megabytes = Math.max(total.megabytes, tally.megabytes);
  if (tally.slowest.milliseconds > total.slowest.milliseconds) total.slowest = tally.slowest;
  for (const [outcome, count] of Object.entries(tally.outcomes)) {
    total.outcomes[outcome] = (total.outcomes[outcome] ?? 0) + count;
  }
  for (const [format, { cases, read }] of Object.entries(tally.formats)) {
    const counts = (total.formats[format] ??= { cases: 0, read: 0 });
    counts.cases += cases;
    counts.read += read;
  }
}

/**
 * Runs a suspect again, alone, and keeps it if it is guilty.
 *
 * @param {number} index
 * @param {string} suspicion
 * @param {Made} made
 */
function check(index, suspicion, made) {
  const checking = recheck(index, suspicion, made);
  checks.add(checking);
  void checking.finally(() => checks.delete(checking));
}

/**
 * @param {number} index
 * @param {string} suspicion
 * @param {Made} made
 */
async function recheck(index, suspicion, made) {
  const one = made.cases.caseOf(made.plan, seed, index);
  const { verdict } = await runAlone(one.target, await made.cases.bytesOfCase(made.plan, one));
  if (verdict === undefined) console.log(`case ${index}: ${suspicion}; alone it is well`);
  else await keep(index, `${suspicion}; alone: ${verdict}`, made);
}

/**
 * Counts a finding and keeps its file, unless there are enough of its kind.
 *
 * @param {number} index
 * @param {string} error
 * @param {Made} made
 */
async function keep(index, error, { cases, plan }) {
  const one = cases.caseOf(plan, seed, index);
  const kind = `${one.target} ${error.split('\n').slice(0, 2).join(' ').replaceAll(/\d+/g, '')}`;
  const count = (total.kinds.get(kind) ?? 0) + 1;
  total.kinds.set(kind, count);
  if (count > MOST_OF_A_KIND) total.findings += 1;
  else store(`${one.target}-${seed}-${index}.bin`, await cases.bytesOfCase(plan, one), { seed, index, ...one, error });
}

/**
 * @param {string} name
 * @param {Uint8Array} bytes
 * @param {{ target: string, error: string } & Record<string, unknown>} facts
 */
function store(name, bytes, { error, ...facts }) {
  total.findings += 1;
  console.log(`\nFINDING ${name}: ${error.split('\n').slice(0, 4).join('\n')}\n  ${JSON.stringify(facts)}`);
  mkdirSync(options.out, { recursive: true });
  writeFileSync(join(options.out, name), bytes);
  const line = { bytes: name, ...facts, error: error.replaceAll(COMPILED, 'src') };
  appendFileSync(join(options.out, 'findings.jsonl'), `${JSON.stringify(line)}\n`);
}

/** @param {import('../src/testing/fuzz-case.js').FuzzCase} one */
function describeCase({ target, file, inner, edits }) {
  const damage = edits.map(({ kind }) => kind).join(', ');
  return `${target}, ${file}${inner === undefined ? '' : ` : ${inner}`}, ${damage}`;
}

/**
 * @param {number} seconds
 * @param {(index: number) => string} describe
 */
function summarise(seconds, describe) {
  const { cases, formats, outcomes, slowest, megabytes, findings } = total;
  console.log(`\n${cases} cases in ${Math.round(seconds)} s, ${Math.round(cases / seconds)} a second`);
  for (const [format, counts] of Object.entries(formats).sort(([, a], [, b]) => b.cases - a.cases)) {
    console.log(`  ${format.padEnd(13)}${String(counts.cases).padStart(9)} cases, ${counts.read} read`);
  }
  const refusals = Object.entries(outcomes).filter(([outcome]) => outcome !== 'read' && outcome !== 'fault');
  console.log(`refused with ${refusals.length} different codes`);
  console.log(`slowest: ${Math.round(slowest.milliseconds)} ms, case ${slowest.index}: ${describe(slowest.index)}`);
  console.log(`peak memory: ${Math.round(megabytes)} MB above the loaded corpus, garbage of other cases included`);
  console.log(
    `${findings} findings (exceptions of other kinds, crashes, hangs, more than ${LIMITS.megabytes} MB or 2 s)`,
  );
}
