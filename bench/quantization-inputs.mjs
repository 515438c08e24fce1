// @ts-check
/**
 * What the errors of quantizing are measured on: weights of real models, of usual distributions, and every edge case.
 *
 * Everything random comes from a seed, so that another run gives the same figures.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { randomWords } from './synthetic-weights.mjs';

/** @typedef {import('../src/llama/model.js').LlamaModel} LlamaModel */
/** @typedef {import('../src/formats/tensor.js').Tensor} Tensor */

/**
 * A matrix to quantize.
 *
 * @typedef {object} Matrix
 * @property {string} name
 * @property {Float32Array} values
 * @property {number} width
 */

/** Fewest columns that a matrix has of which blocks are made. */
const FEWEST_COLUMNS = 32;

const SYNTHETIC_ROWS = 128;
const SYNTHETIC_COLUMNS = 1024;

/** Spread of the synthetic weights: as in a trained Llama, where a scale of half precision is still exact. */
const DEVIATION = 0.02;

const FIXTURES = new URL('../fixtures/', import.meta.url);

/** Models whose weights were trained; those of the others are random. */
export const TRAINED_MODELS = ['llama3.2-tiny', 'llama2-tiny'];

/** The text models of `fixtures/`. */
export const MODELS = [
  ...['llama1-tiny', 'llama2-tiny', 'llama2-tiny-2shards', 'llama3-tiny', 'llama3-tiny-4shards'],
  ...['llama3.2-tiny', 'llama3.2-tiny-no-output'],
];

/**
 * Folder of a model of `fixtures/`.
 *
 * @param {string} name
 */
export function modelPath(name) {
  return fileURLToPath(new URL(name === 'llama3.2-tiny' ? name : `models/${name}`, FIXTURES));
}

/**
 * Every matrix of a model whose rows are long enough.
 *
 * @param {LlamaModel} model
 * @param {(dtype: Tensor['dtype'], bytes: Uint8Array, out: Float32Array) => void} decode
 */
export async function matricesOf(model, decode) {
  /** @type {Matrix[]} */
  const matrices = [];
  for (const { name, dtype, shape, readRows } of model.tensors.values()) {
    const [rows = 0, width = 0] = shape;
    if (shape.length !== 2 || width < FEWEST_COLUMNS) continue;
    const values = new Float32Array(rows * width);
    decode(dtype, await readRows(0, rows), values);
    matrices.push({ name: `${model.name} ${name}`, values, width });
  }
  return matrices;
}

/**
 * Matrices of the distributions that weights have, and worse.
 *
 * @returns {Matrix[]}
 */
export function syntheticMatrices() {
  const uniform = uniformNumbers(1);
  const normal = normalNumbers(uniform);
  const sign = () => (uniform() < 0.5 ? -1 : 1);
  const student = () => normal() / Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3);
  const distributions = {
    normal,
    Laplace: () => sign() * Math.log(uniform()),
    'Student t, 3': student,
    'normal, a thousandth 20 times larger': () => normal() * (uniform() < 0.001 ? 20 : 1),
  };
  return Object.entries(distributions).map(([name, draw]) => {
    const values = Float32Array.from({ length: SYNTHETIC_ROWS * SYNTHETIC_COLUMNS }, () => DEVIATION * draw());
    return { name, values, width: SYNTHETIC_COLUMNS };
  });
}

/**
 * Lognormal importances of columns. A `spread` of one makes the largest of a thousand as large as twenty of the median.
 *
 * @param {number} columns
 * @param {number} [spread]
 */
export function importances(columns, spread = 1) {
  const normal = normalNumbers(uniformNumbers(columns));
  return Float32Array.from({ length: columns }, () => Math.exp(spread * normal()));
}

/**
 * The rows of `fixtures/quants`, each a matrix of its own, without those of zeros alone and those whose scale leaves
 * the range of half precision, upwards or into its coarse lower end.
 *
 * @returns {Matrix[]}
 */
export function edgeRows() {
  const { rows, cols, row_names: names } = JSON.parse(readFileSync(new URL('quants/quants.json', FIXTURES), 'utf8'));
  const bytes = readFileSync(new URL('quants/quants.bin', FIXTURES)).subarray(0, rows * cols * 4);
  const values = new Float32Array(new Uint8Array(bytes).buffer);
  return names.flatMap((/** @type {string} */ name, /** @type {number} */ row) => {
    if (/zeros$|leave the range|denormals|near 1e-/.test(name)) return [];
    return [{ name, values: values.slice(row * cols, (row + 1) * cols), width: cols }];
  });
}

/**
 * Numbers in (0, 1].
 *
 * @param {number} seed
 */
function uniformNumbers(seed) {
  const random = randomWords(seed);
  return () => (random() + 1) / 2 ** 32;
}

/** @param {() => number} uniform */
function normalNumbers(uniform) {
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}
