// @ts-check
/**
 * How fast the kernels quantize, beside ggml's own C code with the same values in one thread.
 *
 * Seconds of the processor. Ours include the copies into the kernels' memory and out of it.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { createQuantKernels } from '../src/quant/kernels/quant-kernels.js';
import { beside } from './commands.mjs';
import { GGML_LIBS, PYTHON, missingPeers } from './peers.mjs';
import { gaussianTensor } from './synthetic-weights.mjs';

/** @typedef {import('./turns.mjs').Row} TurnRow */
/** @typedef {import('./materials.mjs').Context} Context */

/** @typedef {{ name: string, format: number, outBytes: number, weighted: boolean }} Row */
/** @typedef {{ seconds: number, sha256: string }} Pass */

const ROWS = 512;
const COLUMNS = 2048;
const VALUES = ROWS * COLUMNS;

/** Seconds of the processor that a measurement takes at least. */
const MEASURED_SECONDS = 0.1;

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
 * Rows of every format: ours, and ggml's where its libraries are. Other bytes than ours are a failure of ggml's row.
 *
 * @param {Context} context
 * @param {(close: () => void) => void} atEnd - takes what ends ggml's process
 * @returns {Promise<TurnRow[]>}
 */
export async function kernelRows({ folder, peers }, atEnd) {
  const kernels = await createQuantKernels();
  if (kernels === undefined) throw new Error('this machine cannot run the kernels');
  const values = await gaussianValues(COLUMNS + VALUES);
  const importance = values.slice(VALUES).map((value) => Math.exp(75 * value));
  values.set(importance, VALUES);
  const missing = missingPeers(peers, ['ggml']);
  const ggml = missing === undefined ? await startGgml(folder, values) : undefined;
  if (ggml !== undefined) atEnd(ggml.stop);
  const bytes = new Uint8Array(values.buffer, 0, VALUES * 4);
  return rowsOf((format) => kernels.canQuantize(format)).flatMap((row) => {
    let sha256 = '';
    const ours = async () => {
      const pass = measureKernel(kernels, row, bytes, importance);
      sha256 = pass.sha256;
      return { cpu: pass.seconds, bytes: VALUES * 4 };
    };
    const theirs = async () => {
      if (ggml === undefined) throw new Error('the process that runs ggml does not start');
      const pass = await ggml.measure(row);
      if (pass.sha256 !== sha256) throw new Error('ggml gives other bytes');
      return { cpu: pass.seconds, bytes: VALUES * 4 };
    };
    return [
      { id: `kernels/${row.name}`, label: row.name, warmUp: ours, run: ours },
      {
        ...{ id: `kernels/${row.name}/ggml`, label: `${row.name} by ggml`, peers: ['ggml'], run: theirs },
        ...(missing === undefined ? {} : { missing }),
      },
    ];
  });
}

/** @param {(format: number) => boolean} canQuantize */
function rowsOf(canQuantize) {
  return Object.entries(TYPES).flatMap(([name, [format, elements, blockBytes, weighable]]) => {
    if (!canQuantize(format)) return [];
    const row = { name, format, outBytes: (VALUES / elements) * blockBytes, weighted: false };
    return weighable ? [row, { ...row, name: `${name}/weighted`, weighted: true }] : [row];
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
 * A process that quantizes with ggml; undefined where Python does not start.
 *
 * @param {string} folder
 * @param {Float32Array} values
 */
async function startGgml(folder, values) {
  await mkdir(folder, { recursive: true });
  const input = join(folder, 'quantize.f32');
  await writeFile(input, new Uint8Array(values.buffer));
  const args = [beside('ggml_quantize.py'), GGML_LIBS, String(ROWS), String(COLUMNS), input];
  const child = spawn(PYTHON, args, { stdio: ['pipe', 'pipe', 'inherit'] });
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
