#!/usr/bin/env node
// @ts-check
/**
 * How fast the kernels quantize, beside ggml's own C code with the same values in one thread.
 *
 *     npm run bench -- --only quantize [--rounds 9 --folder /fast/disk]
 *
 * ggml is measured where its shared libraries are found, in the folder that LLAMA_CPP_LIBS names or in
 * `examples/llama-cpp`, and Python 3 runs (PYTHON names another). Both take turns, so that whatever else the machine does
 * meets both; the table shows medians, in seconds of the processor. Ours include the copies into the kernels' memory
 * and out of it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { createQuantKernels } from '../src/quant/kernels/quant-kernels.js';
import { gaussianTensor } from './synthetic-weights.mjs';

/** @typedef {{ name: string, format: number, outBytes: number, weighted: boolean }} Row */
/** @typedef {{ seconds: number, sha256: string }} Pass */

const ROWS = 512;
const COLUMNS = 2048;
const VALUES = ROWS * COLUMNS;

/** Seconds of the processor that a measurement takes at least. */
const MEASURED_SECONDS = 0.1;

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const GGML = fileURLToPath(new URL('ggml_quantize.py', import.meta.url));
const LIBS = 'examples/llama-cpp/node_modules/@node-llama-cpp/linux-x64/bins/linux-x64';

/** Of each type: ggml's number, values and bytes of a block, and whether importances change its blocks. */
const TYPES = /** @type {Record<string, [number, number, number, boolean]>} */ ({
  ...{
    Q1_0: [41, 128, 18, false],
    Q2_0: [42, 64, 18, false],
    TQ1_0: [34, 256, 54, false],
    TQ2_0: [35, 256, 66, false],
  },
  ...{ Q4_0: [2, 32, 18, true], Q4_1: [3, 32, 20, true], Q5_0: [6, 32, 22, true], Q5_1: [7, 32, 24, true] },
  ...{ Q8_0: [8, 32, 34, false], MXFP4: [39, 32, 17, false], NVFP4: [40, 64, 36, false] },
  ...{
    IQ4_NL: [20, 32, 18, true],
    IQ4_XS: [23, 256, 136, true],
    Q2_K: [10, 256, 84, true],
    Q3_K: [11, 256, 110, true],
  },
  ...{ Q4_K: [12, 256, 144, true], Q5_K: [13, 256, 176, true], Q6_K: [14, 256, 210, true] },
  ...{ F16: [1, 1, 2, false], BF16: [30, 1, 2, false] },
});

/**
 * Measures and prints the table.
 *
 * @param {{ folder: string, rounds: number }} options
 */
export async function benchQuantizing({ folder, rounds }) {
  const kernels = await createQuantKernels();
  if (kernels === undefined) throw new Error('this machine cannot run the kernels');
  const values = await gaussianValues(COLUMNS + VALUES);
  const importance = values.slice(VALUES).map((value) => Math.exp(75 * value));
  values.set(importance, VALUES);
  const ggml = await startGgml(folder, values);
  const rows = rowsOf((format) => kernels.canQuantize(format));
  /** @type {Pass[][]} */
  const ours = rows.map(() => []);
  /** @type {Pass[][]} */
  const theirs = rows.map(() => []);
  const bytes = new Uint8Array(values.buffer, 0, VALUES * 4);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, row] of rows.entries()) {
      const pass = measureKernel(kernels, row, bytes, importance);
      // the first round is for the compiler to notice what is worth its time
      if (round === 0) continue;
      ours[index]?.push(pass);
      if (ggml !== undefined) theirs[index]?.push(await ggml.measure(row));
    }
  }
  ggml?.stop();
  print(rows, ours, theirs, rounds);
}

/** @param {(format: number) => boolean} canQuantize */
function rowsOf(canQuantize) {
  return Object.entries(TYPES).flatMap(([name, [format, elements, blockBytes, weighable]]) => {
    if (!canQuantize(format)) return [];
    const row = { name, format, outBytes: (VALUES / elements) * blockBytes, weighted: false };
    return weighable ? [row, { ...row, name: `${name}, with importances`, weighted: true }] : [row];
  });
}

/**
 * Weights as in a trained model, rounded to bfloat16 as those are.
 *
 * @param {number} count
 */
async function gaussianValues(count) {
  const tensor = gaussianTensor('weights', [1, count], 1);
  const words = new Uint16Array((await tensor.readRows(0, 1)).buffer);
  return new Float32Array(Uint32Array.from(words, (word) => word << 16).buffer);
}

/**
 * @param {import('../src/quant/kernels/quant-kernels.js').QuantKernels} kernels
 * @param {Row} row
 * @param {Uint8Array} values
 * @param {Float32Array} importance
 * @returns {Pass}
 */
function measureKernel(kernels, { format, outBytes, weighted }, values, importance) {
  const out = new Uint8Array(outBytes);
  const job = { format, source: /** @type {const} */ ('float32'), values, rowLength: COLUMNS };
  const start = process.cpuUsage();
  let passes = 0;
  let seconds = 0;
  for (; seconds < MEASURED_SECONDS; passes++) {
    kernels.quantize(weighted ? { ...job, importance } : job, out);
    const { user, system } = process.cpuUsage(start);
    seconds = (user + system) / 1e6;
  }
  return { seconds: seconds / passes, sha256: createHash('sha256').update(out).digest('hex') };
}

/**
 * A process that quantizes with ggml; undefined where its libraries or Python are missing.
 *
 * @param {string} folder
 * @param {Float32Array} values
 */
async function startGgml(folder, values) {
  const libs = process.env['LLAMA_CPP_LIBS'] ?? join(ROOT, LIBS);
  if (!existsSync(libs) || !readdirSync(libs).some((name) => name.startsWith('libggml-base'))) return undefined;
  await mkdir(folder, { recursive: true });
  const input = join(folder, 'quantize.f32');
  await writeFile(input, new Uint8Array(values.buffer));
  const args = [GGML, libs, String(ROWS), String(COLUMNS), input];
  const child = spawn(process.env['PYTHON'] ?? 'python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const started = await new Promise((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
  if (started !== true) return undefined;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    /**
     * @param {Row} row
     * @returns {Promise<Pass>}
     */
    async measure({ format, weighted }) {
      child.stdin.write(`${format} ${MEASURED_SECONDS}${weighted ? ' w' : ''}\n`);
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the process that runs ggml has ended');
      return JSON.parse(value);
    },
    stop: () => child.stdin.end(),
  };
}

/**
 * @param {readonly Row[]} rows
 * @param {readonly Pass[][]} ours
 * @param {readonly Pass[][]} theirs
 * @param {number} rounds
 */
function print(rows, ours, theirs, rounds) {
  console.log(
    `\n${((VALUES * 4) / 1e6).toFixed(1)} MB of float32 quantized in one thread, medians of ${rounds} rounds:\n`,
  );
  console.log('| | kernel MB/s | ggml MB/s | faster | bytes |');
  console.log('|-|-:|-:|-:|-|');
  for (const [index, { name }] of rows.entries()) {
    const own = medianSeconds(ours[index] ?? []);
    const other = medianSeconds(theirs[index] ?? []);
    const hashes = new Set([...(ours[index] ?? []), ...(theirs[index] ?? [])].map(({ sha256 }) => sha256));
    const cells = Number.isNaN(other)
      ? ['', '', '']
      : [speed(other), `${(other / own).toFixed(1)} x`, hashes.size === 1 ? 'equal' : 'DIFFERENT'];
    console.log(`| ${[name, speed(own), ...cells].join(' | ')} |`);
  }
}

/** @param {readonly Pass[]} passes */
function medianSeconds(passes) {
  return passes.map(({ seconds }) => seconds).sort((a, b) => a - b)[passes.length >> 1] ?? NaN;
}

/** @param {number} seconds */
function speed(seconds) {
  return ((VALUES * 4e-6) / seconds).toFixed(0);
}
