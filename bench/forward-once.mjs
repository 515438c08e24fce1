#!/usr/bin/env node
// @ts-check
/**
 * One forward pass over a checkpoint, so that a process can do nothing else.
 *
 *     node bench/forward-once.mjs threads times.json Llama3.2-1B [1b-q8_0.gguf]
 *     node bench/forward-once.mjs oracle difference.json
 *
 * The first argument is `plain` (TypeScript), `here` (WebAssembly in one thread) or `threads` (one for each processor).
 * With a second model both are run together, as `check` does. `oracle` runs the models of `fixtures/` in TypeScript and
 * by the kernels. What it gave is written to a file, as what is printed is lost; `bench/forward.mjs` runs these in turns.
 *
 * @module
 */
import { writeFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';

/**
 * What a run took.
 *
 * @typedef {object} Run
 * @property {number} seconds - of the pass, or of both
 * @property {number} cpuSeconds - of the processors, in all threads, from the start of the pass to its end
 * @property {number} productSeconds - of the matrix products therein, with reading
 * @property {number} operations - multiplications and additions of the products
 */

/** @typedef {import('../src/forward/kernels.js').Kernels} Kernels */

/** Tokens of the pass. */
const TOKENS = 32;

const DIST = new URL('../dist/', import.meta.url);

/** @type {Record<string, () => Promise<Kernels>>} */
const KERNELS = {
  plain: async () => (await load('forward/plain-kernels.js')).plainKernels,
  here: async () => (await load('forward/wasm-kernels.js')).createKernels(),
  threads: async () => (await load('forward/kernel-pool-node.js')).createNodeKernels(),
};

/** Models of the oracle: one of each generation, in one file and in several, with an output of its own and without. */
const ORACLE_MODELS = ['llama1-tiny', 'llama2-tiny-2shards', 'llama3-tiny-4shards', 'llama3.2-tiny-no-output'];

const [, , name = '', output = '', path = '', other] = process.argv;
await writeFile(output, JSON.stringify(name === 'oracle' ? await largestDifference() : await run(name, path, other)));

/**
 * The largest difference of a logit between TypeScript and the kernels.
 *
 * @returns {Promise<{ difference: number }>}
 */
async function largestDifference() {
  const { openModel } = await load('llama/open-path-node.js');
  const { forward } = await load('forward/forward.js');
  const [plain, fast] = await Promise.all([KERNELS['plain']?.(), KERNELS['threads']?.()]);
  let difference = 0;
  for (const folder of ORACLE_MODELS) {
    const model = await openModel(fileURLToPath(new URL(`../fixtures/models/${folder}`, import.meta.url)));
    const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 37 + 5) % model.config.vocabSize);
    const [wanted, found] = [await forward(model, tokens, { kernels: plain }), await forward(model, tokens, { kernels: fast })]; // prettier-ignore
    for (const [index, logit] of wanted.logits.entries()) {
      difference = Math.max(difference, Math.abs(logit - (found.logits[index] ?? NaN)));
    }
    await model.close();
  }
  await fast?.close();
  return { difference };
}

/**
 * @param {string} kind
 * @param {string} model
 * @param {string | undefined} second
 * @returns {Promise<Run>}
 */
async function run(kind, model, second) {
  const { openModel } = await load('llama/open-path-node.js');
  const opened = [await openModel(model), ...(second === undefined ? [] : [await openModel(second)])];
  const create = KERNELS[kind];
  if (create === undefined) throw new Error(`${kind} is none of ${Object.keys(KERNELS).join(', ')}`);
  const kernels = await create();
  const watched = watch(kernels);
  const start = performance.now();
  const before = process.cpuUsage();
  await passes(opened, watched.kernels);
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - start) / 1000;
  await kernels.close();
  for (const each of opened) await each.close();
  return { seconds, cpuSeconds: (user + system) / 1e6, ...watched.spent() };
}

/**
 * @param {readonly import('../src/llama/model.js').LlamaModel[]} models
 * @param {Kernels} kernels
 */
async function passes([a, b], kernels) {
  if (a === undefined) return;
  const tokens = Array.from({ length: TOKENS }, (_, i) => (i * 4099 + 7) % a.config.vocabSize);
  if (b === undefined) {
    const { forward } = await load('forward/forward.js');
    await forward(a, tokens, { kernels });
    return;
  }
  const { runBoth } = await load('check/run-both.js');
  const all = [...tokens.keys()];
  const prompt = /** @type {const} */ ({ tokensFrom: 'given', placement: 'near', tokens, rows: all, positions: all });
  await runBoth(a, b, [prompt], 1, { kernels });
}

/**
 * Kernels that count.
 *
 * @param {Kernels} kernels
 */
function watch(kernels) {
  let productSeconds = 0;
  let operations = 0;
  /** @type {Kernels['multiply']} */
  const multiply = async (input, matrices, options) => {
    const start = performance.now();
    const products = await kernels.multiply(input, matrices, options);
    productSeconds += (performance.now() - start) / 1000;
    for (const { shape } of matrices) operations += 2 * (shape[0] ?? 0) * input.length;
    return products;
  };
  return { kernels: { ...kernels, multiply }, spent: () => ({ productSeconds, operations }) };
}

/**
 * A module of the built package.
 *
 * @param {string} file
 */
function load(file) {
  return import(new URL(file, DIST).href);
}
