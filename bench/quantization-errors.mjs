#!/usr/bin/env node
// @ts-check
/**
 * How much quantizing changes weights and logits: the figures behind `src/check/quantizations.ts`.
 *
 *     npm run build && node bench/quantization-errors.mjs [--only weights|logits] [--types q4_k,q6_k]
 *
 * Prints two tables. The first has, by type of block, the largest error of a tensor, of a row and of a block relative
 * to its root mean square, and of an element relative to the largest of its block: over all matrices of the fixtures'
 * models, over synthetic ones, over these with importances, and over the edge cases. The second has, by type of file,
 * what `check` finds between a model and its quantized self.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import {
  MODELS,
  TRAINED_MODELS,
  edgeRows,
  importances,
  matricesOf,
  modelPath,
  syntheticMatrices,
} from './quantization-inputs.mjs';

/** @typedef {import('../src/dtype.js').DType} DType */
/** @typedef {import('./quantization-inputs.mjs').Matrix} Matrix */
/** @typedef {{ tensor: number, row: number, block: number, element: number }} Errors */

const DIST = new URL('../dist/', import.meta.url);
/** @param {string} module */
const built = (module) => import(new URL(module, DIST).href);

/** @type {typeof import('../src/dtype.js')} */
const { blockLayout, byteLengthOf, isQuantized } = await built('dtype.js');
/** @type {typeof import('../src/quant/codec.js')} */
const { decodeToFloat32, encodeFromFloat32, isEncodable } = await built('quant/codec.js');
/** @type {typeof import('../src/quant/blocks/block-formats.js')} */
const { BLOCK_FORMATS } = await built('quant/blocks/block-formats.js');
/** @type {typeof import('../src/node.js')} */
const { compareModels, fileTypeNames, isPlainFileType, memoryOutput, openModel } = await built('node.js');
/** @type {typeof import('../src/convert/convert.js')} */
const { convert, planConversion } = await built('convert/convert.js');
/** @type {typeof import('../src/llama/open-model.js')} */
const { openModel: openBytes } = await built('llama/open-model.js');

/** Fewest elements over which `check` judges an element and its neighbours. */
const FEWEST_NEIGHBOURS = 32;

/** Spread of importances far beyond those of a real matrix. */
const WILD_SPREAD = 3;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { only: { type: 'string' }, types: { type: 'string' } } });
  const types = values.types?.split(',');
  if (values.only !== 'logits') await printWeights(types);
  if (values.only !== 'weights') await printLogits(types);
}

/** @param {readonly string[] | undefined} only */
async function printWeights(only) {
  const models = [];
  for (const name of MODELS) {
    const model = await openModel(modelPath(name));
    models.push(...(await matricesOf(model, decodeToFloat32)));
    await model.close();
  }
  const sets = [
    { name: 'models', matrices: models, spread: undefined },
    { name: 'synthetic', matrices: syntheticMatrices(), spread: undefined },
    { name: 'models, importances', matrices: models, spread: 1 },
    { name: 'synthetic, importances', matrices: syntheticMatrices(), spread: 1 },
    { name: 'synthetic, wild importances', matrices: syntheticMatrices(), spread: WILD_SPREAD },
    { name: 'edge rows', matrices: edgeRows(), spread: undefined },
  ];
  process.stdout.write(
    '| type | of | tensor | row | block | element | worst element in |\n| --- | --- | --- | --- | --- | --- | --- |\n',
  );
  for (const dtype of [...BLOCK_FORMATS.keys()].filter(isEncodable)) {
    if (only?.includes(dtype) === false) continue;
    for (const { name, matrices, spread } of sets) {
      const found = worstOf(dtype, matrices, spread);
      if (found === undefined) continue;
      const { worst, where } = found;
      const figures = [worst.tensor, worst.row, worst.block, worst.element].map((value) => value.toPrecision(3));
      process.stdout.write(`| ${[dtype, name, ...figures, where].join(' | ')} |\n`);
    }
  }
}

/**
 * The largest errors over several matrices, and where the largest of an element is; undefined where the type cannot be
 * made of any.
 *
 * @param {DType} dtype
 * @param {readonly Matrix[]} matrices
 * @param {number | undefined} spread - of importances, where there are any
 */
function worstOf(dtype, matrices, spread) {
  const worst = { tensor: 0, row: 0, block: 0, element: 0 };
  let where = '';
  for (const { name, values, width } of matrices) {
    if (width % blockLayout(dtype).blockElements !== 0) continue;
    const blocks = new Uint8Array(byteLengthOf(dtype, values.length));
    try {
      encodeFromFloat32(dtype, values, blocks, spread === undefined ? undefined : importances(width, spread));
    } catch {
      return undefined; // needs importances
    }
    const out = new Float32Array(values.length);
    decodeToFloat32(dtype, blocks, out);
    const errors = errorsOf(values, out, width, Math.max(FEWEST_NEIGHBOURS, blockLayout(dtype).blockElements));
    if (errors.element > worst.element) where = name;
    for (const key of /** @type {(keyof Errors)[]} */ (Object.keys(worst)))
      worst[key] = Math.max(worst[key], errors[key]);
  }
  return where === '' ? undefined : { worst, where };
}

/**
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {number} width
 * @param {number} blockElements
 * @returns {Errors}
 */
function errorsOf(a, b, width, blockElements) {
  const worst = { tensor: 0, row: 0, block: 0, element: 0 };
  const tensor = { errors: 0, squares: 0 };
  for (let start = 0; start < a.length; start += width) {
    const row = { errors: 0, squares: 0 };
    for (let from = start; from < start + width; from += blockElements) {
      const end = Math.min(from + blockElements, start + width);
      const block = errorsOfBlock(a.subarray(from, end), b.subarray(from, end));
      row.errors += block.errors;
      row.squares += block.squares;
      worst.block = Math.max(worst.block, share(block));
      worst.element = Math.max(worst.element, block.element);
    }
    tensor.errors += row.errors;
    tensor.squares += row.squares;
    worst.row = Math.max(worst.row, share(row));
  }
  return { ...worst, tensor: share(tensor) };
}

/**
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
function errorsOfBlock(a, b) {
  const block = { errors: 0, squares: 0, element: 0 };
  let largest = 0;
  let error = 0;
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? NaN;
    block.squares += x * x;
    block.errors += (x - y) ** 2;
    largest = Math.max(largest, Math.abs(x), Math.abs(y));
    error = Math.max(error, Math.abs(x - y));
  }
  return { ...block, element: largest === 0 ? 0 : error / largest };
}

/** @param {{ errors: number, squares: number }} sums */
function share({ errors, squares }) {
  return errors === 0 ? 0 : Math.sqrt(errors / squares);
}

/** @param {readonly string[] | undefined} only */
async function printLogits(only) {
  process.stdout.write('\n| file type | model | types | tensor RMSE | NMSE | KL, mean | KL, largest | top-1 |\n');
  process.stdout.write('| --- | --- | --- | --- | --- | --- | --- | --- |\n');
  for (const type of fileTypeNames().filter((name) => !isPlainFileType(name))) {
    if (only?.includes(type) === false) continue;
    for (const name of MODELS) await printComparison(type, name);
  }
}

/**
 * @param {import('../src/convert/file-types.js').FileTypeName} type
 * @param {string} name
 */
async function printComparison(type, name) {
  const model = await openModel(modelPath(name));
  const [other, made] = (await quantized(model, type)) ?? [];
  if (other === undefined) return model.close();
  const { tensors, logits } = await compareModels(model, other);
  await Promise.all([model.close(), other.close()]);
  const types = new Set(
    tensors.flatMap((tensor) => ('dtypeB' in tensor && isQuantized(tensor.dtypeB) ? [tensor.dtypeB] : [])),
  );
  const rmse = Math.max(
    ...tensors.map((tensor) => ('difference' in tensor ? (tensor.difference?.relativeRmse ?? 0) : 0)),
  );
  const figures = [
    rmse,
    Math.max(...logits.map(({ nmse }) => nmse)),
    logits.reduce((sum, { klMean }) => sum + klMean, 0) / logits.length,
    Math.max(...logits.map(({ klMax }) => klMax)),
  ].map((value) => value.toPrecision(3));
  const agreeing = logits.reduce((sum, { top1Agreements }) => sum + top1Agreements, 0);
  const rows = logits.reduce((sum, run) => sum + run.rows, 0);
  const label = `${name}${TRAINED_MODELS.includes(name) ? ', trained' : ''}${made}`;
  process.stdout.write(
    `| ${[type, label, [...types].join(', '), ...figures, `${agreeing} of ${rows}`].join(' | ')} |\n`,
  );
}

/**
 * The model as a GGUF file of the type, in memory; with made-up importances where the type needs some. Undefined where
 * its blocks do not divide the rows of the model.
 *
 * @param {import('../src/llama/model.js').LlamaModel} model
 * @param {import('../src/convert/file-types.js').FileTypeName} type
 * @returns {Promise<[import('../src/llama/model.js').LlamaModel, string] | undefined>}
 */
async function quantized(model, type) {
  const output = memoryOutput(model.name);
  /** @type {import('../src/convert/options.js').ConvertOptions} */
  let options = { to: 'gguf', type };
  let made = '';
  try {
    planConversion(model, options);
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    if (cause.code === 'convert/unsupported-type') return undefined;
    if (cause.code !== 'convert/needs-importance') throw cause;
    options = { ...options, importance: { matrix: madeUpImportance(model), file: 'made-up' } };
    made = ', importances';
  }
  await convert(model, output, options);
  const [bytes] = output.files.values();
  if (bytes === undefined) throw new Error('nothing was written');
  return [await openBytes(bytes), made];
}

/** @param {import('../src/llama/model.js').LlamaModel} model */
function madeUpImportance(model) {
  const { files } = planConversion(model, { to: 'gguf', type: 'f16' });
  const entries = files.flatMap(({ pieces }) =>
    pieces.flatMap((piece) => {
      if (piece.kind !== 'tensor' || piece.shape.length !== 2 || !piece.name.startsWith('blk.')) return [];
      return [/** @type {const} */ ([piece.name, importances(piece.shape[1] ?? 0)])];
    }),
  );
  return { entries: new Map(entries), datasets: [], chunkCount: 1, form: /** @type {const} */ ('gguf') };
}
