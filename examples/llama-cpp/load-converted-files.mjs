// @ts-check
/**
 * Converts every text model of the fixtures to GGUF and loads the files into a real llama.cpp.
 *
 * Two things are compared with what other programs computed from the original checkpoints: the token ids
 * of some awkward strings, and how two prompts go on when always the likeliest token is taken.
 *
 *     npm install                              (85 MB, here in this folder)
 *     npm run build --prefix ../..
 *     npm test
 *
 * @module
 */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { LlamaLogLevel, getLlama } from 'node-llama-cpp';

// A program of your own imports these from 'llama-inspect/node'; here that is the build of this very tree.
import { convert, openModel } from '../../dist/node.js';

/**
 * @typedef {object} Expected What `expected.json` of a model says.
 * @property {Record<string, number[]>} token_ids Ids of each string, without a token for the beginning.
 * @property {string[]} llama_cpp_tokenizes_differently Strings of which llama.cpp makes other ids.
 * @property {number[][]} prompts Token ids.
 * @property {Record<string, number[]>} greedy_16 The 16 ids that follow, by number of the prompt.
 */

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
const TYPES = /** @type {const} */ (['f32', 'f16', 'bf16']);

// One thread, because its threads wait for each other in busy loops, which takes minutes on a busy machine.
// llama.cpp keeps keys and values as F16 unless told otherwise. Only a cache of F32 computes what Meta's code does.
const EXACT = /** @type {const} */ ({
  contextSize: 256,
  flashAttention: false,
  experimentalKvCacheKeyType: 'F32',
  experimentalKvCacheValueType: 'F32',
  threads: 1,
});

let passed = 0;
let failed = 0;

const llama = await getLlama({ build: 'never', gpu: false, logLevel: LlamaLogLevel.error });
const temporary = await mkdtemp(join(tmpdir(), 'llama-inspect-'));
try {
  for (const name of await textModels()) {
    for (const type of TYPES) await check(`${name} as ${type}`, () => checkModel(name, type));
  }
} finally {
  await rm(temporary, { recursive: true });
  await llama.dispose();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;

/**
 * Runs one check and counts it. What it returns is shown, what it throws is a failure.
 *
 * @param {string} label
 * @param {() => Promise<string>} run
 */
async function check(label, run) {
  try {
    console.log(`ok      ${label}: ${await run()}`);
    passed += 1;
  } catch (error) {
    console.log(`FAILED  ${label}: ${error instanceof Error ? error.message : String(error)}`);
    failed += 1;
  }
}

/**
 * @param {string} name
 * @param {typeof TYPES[number]} type
 */
async function checkModel(name, type) {
  const expected = await expectedOf(name);
  const path = join(temporary, `${name}-${type}.gguf`);
  await convertFixture(name, type, path);
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  try {
    const strings = expectSameTokens(model, expected);
    const tokens = await expectSameContinuations(model, expected, type);
    return `${strings} strings tokenized, ${tokens} tokens generated as expected`;
  } finally {
    await model.dispose();
    await rm(path);
  }
}

/**
 * @param {string} name
 * @param {typeof TYPES[number]} type
 * @param {string} path
 */
async function convertFixture(name, type, path) {
  const model = await openModel(folderOf(name));
  try {
    await convert(model, path, { to: 'gguf', type });
  } finally {
    await model.close();
  }
}

/**
 * Number of strings compared; throws at the first that differs.
 *
 * @param {import('node-llama-cpp').LlamaModel} model
 * @param {Expected} expected
 */
function expectSameTokens(model, expected) {
  const strings = Object.keys(expected.token_ids).filter(
    (text) => !expected.llama_cpp_tokenizes_differently.includes(text),
  );
  for (const text of strings) {
    expectEqual(model.tokenize(text), expected.token_ids[text] ?? [], `ids of ${JSON.stringify(text)}`);
  }
  return strings.length;
}

/**
 * Number of tokens compared; throws at the first prompt that goes on otherwise. Rounded weights may choose otherwise
 * where two tokens are nearly as likely, so only F32 must agree; the others must generate.
 *
 * @param {import('node-llama-cpp').LlamaModel} model
 * @param {Expected} expected
 * @param {typeof TYPES[number]} type
 */
async function expectSameContinuations(model, expected, type) {
  const context = await model.createContext(EXACT);
  let agreed = 0;
  try {
    for (const [prompt, following] of Object.entries(expected.greedy_16)) {
      const sequence = context.getSequence();
      const generated = await continueGreedily(sequence, expected.prompts[Number(prompt)] ?? [], following.length);
      if (type === 'f32') expectEqual(generated, following, `continuation of prompt ${prompt}`);
      agreed += generated.filter((token, index) => token === following[index]).length;
      sequence.dispose();
    }
  } finally {
    await context.dispose();
  }
  return agreed;
}

/**
 * The likeliest `count` tokens after a prompt; tokens that end a text are tokens like others here.
 *
 * @param {import('node-llama-cpp').LlamaContextSequence} sequence
 * @param {number[]} prompt
 * @param {number} count
 */
async function continueGreedily(sequence, prompt, count) {
  /** @type {number[]} */
  const generated = [];
  const ids = /** @type {import('node-llama-cpp').Token[]} */ (prompt);
  for await (const token of sequence.evaluate(ids, { temperature: 0, yieldEogToken: true })) {
    if (generated.push(token) === count) break;
  }
  return generated;
}

/**
 * @param {readonly number[]} found
 * @param {readonly number[]} expected
 * @param {string} what
 */
function expectEqual(found, expected, what) {
  if (found.join() !== expected.join()) throw new Error(`${what}: found ${found.join()}, expected ${expected.join()}`);
}

/** Names of the models with expected results of a text model. */
async function textModels() {
  const names = [];
  for (const name of (await readdir(join(FIXTURES, 'models'))).sort()) {
    const files = await readdir(join(FIXTURES, 'models', name, 'expected')).catch(() => /** @type {string[]} */ ([]));
    if (files.includes('gguf.json')) names.push(name);
  }
  return names;
}

/** @param {string} name */
function folderOf(name) {
  return name === 'llama3.2-tiny' ? join(FIXTURES, name) : join(FIXTURES, 'models', name);
}

/**
 * @param {string} name
 * @returns {Promise<Expected>}
 */
async function expectedOf(name) {
  return JSON.parse(await readFile(join(FIXTURES, 'models', name, 'expected', 'expected.json'), 'utf8'));
}
