/**
 * Runs cases of fuzzing in a process of its own, watched from outside by `scripts/fuzz.mjs`.
 *
 * Which case is running stands in a small file, so that it is known when this process hangs or dies. Not part
 * of the package.
 *
 * @module
 */
import { openSync, readFileSync, writeSync } from 'node:fs';

import { type FuzzCase, type FuzzPlan, bytesOfCase, caseOf, expectFile, fuzzPlan, targetOfCase } from './fuzz-case.js';
import { loadCorpus } from './fuzz-corpus.js';
import { FUZZ_TARGETS, type FuzzTarget, attempt } from './fuzz-targets.js';

/** What a worker is to do; the last argument of its command line, as JSON. */
export interface FuzzJob {
  /** Seed of the run. */
  readonly seed: number;
  /** First case, and how far the next one is. */
  readonly first: number;
  /** Distance of one case from the next. */
  readonly step: number;
  /** File that says which case is running: its number and when it began, as two float64. */
  readonly status: string;
  /** Milliseconds of computing and megabytes that a case may take before it is a suspect. */
  readonly limits: { readonly milliseconds: number; readonly megabytes: number };
  /** One case only, after which the worker ends; its bytes lie in a file, since making them takes memory too. */
  readonly alone?: AloneCase | undefined;
}

/** A case that runs in a process of its own. */
export interface AloneCase extends Pick<FuzzCase, 'target'> {
  /** File with the damaged bytes. */
  readonly path: string;
}

/** What a case cost. */
export interface CaseCost {
  /** Milliseconds of computing. */
  readonly milliseconds: number;
  /** Megabytes by which the process grew beyond what it had needed to load the corpus. */
  readonly megabytes: number;
}

/** Sums since the last report. */
export interface FuzzTally {
  /** Cases run. */
  cases: number;
  /** Cases by format and outcome. */
  readonly formats: Record<string, { cases: number; read: number }>;
  /** Outcomes: `read`, or the code of an error. */
  readonly outcomes: Record<string, number>;
  /** Slowest case. */
  slowest: { index: number; milliseconds: number };
  /** Most megabytes above those of the loaded corpus. */
  megabytes: number;
}

/** What a worker says. */
export type FuzzReport =
  | { readonly kind: 'tally'; readonly tally: FuzzTally }
  | { readonly kind: 'suspect'; readonly index: number; readonly cost: CaseCost }
  | { readonly kind: 'fault'; readonly index: number; readonly error: string }
  | { readonly kind: 'done'; readonly outcome: string; readonly cost: CaseCost };

/** Milliseconds between two reports. */
const REPORT_EVERY = 500;

/** Growth from one case to the next that makes a suspect of it, in megabytes; less may be anyone's garbage. */
const LEAP = 16;

const MEGABYTE = 2 ** 20;

const job = JSON.parse(process.argv.at(-1) ?? '{}') as FuzzJob;
const plan = fuzzPlan(await loadCorpus({ fixtures: job.alone === undefined }));
let current = -1;
process.on('uncaughtException', (error) => {
  tell({ kind: 'fault', index: current, error: `uncaught: ${error.stack ?? String(error)}` });
});
process.on('unhandledRejection', (error) => {
  tell({ kind: 'fault', index: current, error: `unhandled: ${error instanceof Error ? error.stack : String(error)}` });
});
await warmUp();
const baseline = process.memoryUsage.rss() / MEGABYTE;
if (job.alone === undefined) await runCases();
else await runAlone(job.alone);

/** Every program once over every file, so that loading and compiling are not taken for a case's work. */
async function warmUp(): Promise<void> {
  const files = [...plan.files.values()];
  for (const target of FUZZ_TARGETS) {
    for (const { format, bytes } of files) {
      if (target.formats.includes(format)) await attempt(target, bytes).catch(() => {});
    }
  }
}

async function runCases(): Promise<never> {
  const status = openSync(job.status, 'r+');
  let tally = emptyTally();
  let peak = peakMegabytes();
  let reported = performance.now();
  for (let index = job.first; ; index += job.step) {
    current = index;
    writeSync(status, new Float64Array([index, Date.now()]), 0, 16, 0);
    const one = caseOf(plan, job.seed, index);
    const milliseconds = await runCase(plan, one, tally);
    const grown = peakMegabytes();
    const cost = { milliseconds, megabytes: grown - baseline };
    const isLarge = cost.megabytes > job.limits.megabytes && grown - peak > LEAP;
    if (isLarge || milliseconds > job.limits.milliseconds) tell({ kind: 'suspect', index, cost });
    peak = grown;
    tally.megabytes = cost.megabytes;
    if (milliseconds > tally.slowest.milliseconds) tally.slowest = { index, milliseconds };
    if (performance.now() - reported < REPORT_EVERY) continue;
    tell({ kind: 'tally', tally });
    tally = emptyTally();
    reported = performance.now();
    await new Promise((resolve) => setImmediate(resolve)); // lets the message out
  }
}

/** Runs a case and counts it; the milliseconds of computing that it took. */
async function runCase(of: FuzzPlan, one: FuzzCase, tally: FuzzTally): Promise<number> {
  const { milliseconds, outcome } = await measure(targetOfCase(of, one), await bytesOfCase(of, one));
  const { format } = expectFile(of, one.file);
  const counts = (tally.formats[format] ??= { cases: 0, read: 0 });
  counts.cases += 1;
  if (outcome === 'read') counts.read += 1;
  tally.cases += 1;
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1;
  return milliseconds;
}

async function runAlone({ target, path }: AloneCase): Promise<void> {
  const { milliseconds, outcome } = await measure(targetOfCase(plan, { target }), new Uint8Array(readFileSync(path)));
  tell({ kind: 'done', outcome, cost: { milliseconds, megabytes: peakMegabytes() - baseline } });
  process.disconnect();
}

/** Meets the bytes; what came of it, and the milliseconds of computing that it took. */
async function measure(target: FuzzTarget, bytes: Uint8Array): Promise<{ outcome: string; milliseconds: number }> {
  const before = process.cpuUsage();
  const outcome = await attempt(target, bytes).catch((error: unknown) => {
    tell({ kind: 'fault', index: current, error: error instanceof Error ? (error.stack ?? '') : String(error) });
    return 'fault';
  });
  const { user } = process.cpuUsage(before);
  return { outcome, milliseconds: user / 1000 };
}

function peakMegabytes(): number {
  return process.resourceUsage().maxRSS / 1024;
}

function emptyTally(): FuzzTally {
  return { cases: 0, formats: {}, outcomes: {}, slowest: { index: -1, milliseconds: 0 }, megabytes: 0 };
}

function tell(report: FuzzReport): void {
  process.send?.(report);
}
