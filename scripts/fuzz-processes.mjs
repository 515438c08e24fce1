// @ts-check
/**
 * The processes that `fuzz.mjs` starts: compiling what they run, and running one case alone.
 *
 * @module
 */
import { fork, spawnSync } from 'node:child_process';
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @import { CaseCost, FuzzJob, FuzzReport } from '../src/testing/fuzz-worker.js' */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COMPILER = createRequire(import.meta.url).resolve('typescript/bin/tsc');

/** Where the compiled worker is; Git ignores it. */
export const COMPILED = join(ROOT, `dist.fuzz-${process.pid}`);

/** What a case may take. */
export const LIMITS = { milliseconds: 2000, megabytes: 256 };

/** Milliseconds after which a case that does not end is ended; more than the limit, since others compute too. */
export const HANG = 6000;

/** A worker must stay alive when a case takes too much memory, so that the case can be measured. */
const WORKER_FLAGS = ['--max-old-space-size=1500'];

let alones = 0;

/** Compiles the worker and what it imports, without checking types, into a folder that Git ignores. */
export async function compile() {
  await mkdir(COMPILED, { recursive: true });
  const config = {
    extends: '../tsconfig.json',
    compilerOptions: { noEmit: false, noCheck: true, rootDir: '../src', outDir: '.' },
    files: ['../src/testing/fuzz-worker.ts', '../src/testing/pickle-bombs.ts'],
    include: [],
  };
  await writeFile(join(COMPILED, 'tsconfig.json'), JSON.stringify(config));
  const { status } = spawnSync(process.execPath, [COMPILER, '-p', COMPILED], { cwd: ROOT, stdio: 'inherit' });
  if (status !== 0) throw new Error('the compiler reported errors');
  const source = join(ROOT, 'src');
  for (const file of await readdir(source, { recursive: true })) {
    if (!file.endsWith('.generated.js')) continue;
    await mkdir(dirname(join(COMPILED, file)), { recursive: true });
    await cp(join(source, file), join(COMPILED, file));
  }
}

/** @param {FuzzJob} job */
export function forkWorker(job) {
  return fork(join(COMPILED, 'testing/fuzz-worker.js'), [JSON.stringify(job)], {
    execArgv: WORKER_FLAGS,
    serialization: 'advanced',
  });
}

/**
 * Runs one case in a process of its own; the verdict is undefined if nothing is wrong with it.
 *
 * @param {string} target
 * @param {Uint8Array} bytes
 * @returns {Promise<{ cost: CaseCost | undefined, outcome: string, verdict: string | undefined }>}
 */
export function runAlone(target, bytes) {
  const path = join(COMPILED, `alone-${(alones += 1)}`);
  writeFileSync(path, bytes);
  const worker = forkWorker({ seed: 0, first: 0, step: 1, status: '', limits: LIMITS, alone: { target, path } });
  /** @type {CaseCost | undefined} */
  let cost;
  /** @type {string | undefined} */
  let fault;
  let outcome = '';
  const timer = setTimeout(() => worker.kill('SIGKILL'), 10 * HANG);
  worker.on('message', (message) => {
    const report = /** @type {FuzzReport} */ (message);
    if (report.kind === 'done') ({ cost, outcome } = report);
    if (report.kind === 'fault') fault = report.error;
  });
  return new Promise((resolve) => {
    worker.on('exit', (code, signal) => {
      clearTimeout(timer);
      let verdict = fault;
      if (cost === undefined) verdict ??= `the process ended with ${signal ?? `exit code ${code}`}`;
      else if (cost.milliseconds > LIMITS.milliseconds || cost.megabytes > LIMITS.megabytes)
        verdict ??= describeCost(cost);
      resolve({ cost, outcome, verdict });
    });
  });
}

/** @param {CaseCost} cost */
export function describeCost({ milliseconds, megabytes }) {
  return `${Math.round(milliseconds)} ms of computing, ${Math.round(megabytes)} MB`;
}

/** @param {string} path */
export function readStatus(path) {
  const numbers = new Float64Array(2);
  const file = openSync(path, 'r');
  readSync(file, numbers, 0, 16, 0);
  closeSync(file);
  return { index: numbers[0] ?? 0, since: numbers[1] ?? 0 };
}
