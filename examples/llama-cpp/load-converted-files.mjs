// @ts-check
/**
 * Converts every text model of the fixtures to GGUF and loads the files into a real llama.cpp.
 *
 * Three things are compared with what other programs computed from the original checkpoints: the token ids
 * of some awkward strings, how two prompts go on when always the likeliest token is taken (for quantized files: with
 * llama-inspect's own forward pass), and the logits: those of plain
 * files with Meta's code, those of quantized files with the same code over the blocks as ggml dequantizes them.
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

import { JinjaTemplateChatWrapper, LlamaLogLevel, getLlama } from 'node-llama-cpp';

// A program of your own imports these from 'llama-inspect/node'; here that is the build of this very tree.
import { convert, forward, openModel } from '../../dist/node.js';

/**
 * @typedef {object} Expected What `expected.json` of a model says.
 * @property {Record<string, number[]>} token_ids Ids of each string, without a token for the beginning.
 * @property {string[]} llama_cpp_tokenizes_differently Strings of which llama.cpp makes other ids.
 * @property {number[][]} prompts Token ids.
 * @property {Record<string, number[]>} greedy_16 The 16 ids that follow, by number of the prompt.
 * @property {number[][]} logit_positions Positions of each prompt whose logits are stored.
 */

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
const TYPES = /** @type {const} */ (['f32', 'f16', 'bf16', 'q8_0', 'q4_0', 'q4_k_m']);

/** Models that were trained, so that their likeliest token stands out even where weights are quantized. */
const TRAINED = ['llama2-tiny', 'llama3.2-tiny'];

/**
 * How far llama.cpp's logits may lie from those computed in float32: largest difference, and mean Kullback-Leibler
 * divergence of a prompt. It rounds activations to the type it multiplies in, so quantized files differ most. A quarter
 * above what one processor showed (`agreement` in the fixtures' expected.json), because others round in another order.
 *
 * @type {Record<typeof TYPES[number], { largest: number, divergence: number }>}
 */
const LIMITS = {
  f32: { largest: 1.25e-4, divergence: 1e-9 },
  f16: { largest: 1e-2, divergence: 1e-5 },
  bf16: { largest: 0.12, divergence: 4e-4 },
  q8_0: { largest: 0.34, divergence: 4e-3 },
  q4_0: { largest: 0.34, divergence: 4e-3 },
  q4_k_m: { largest: 0.34, divergence: 4e-3 },
};

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
  await check('chat template', checkChatTemplate);
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
    const right =
      TRAINED.includes(name) && type.startsWith('q') ? await ownContinuations(path, expected) : expected.greedy_16;
    const tokens = await expectSameContinuations(model, name, { ...expected, greedy_16: right }, type);
    const { largest, divergence } = await expectSameLogits(model, name, expected, type);
    const logits = `logits at most ${largest.toPrecision(2)} apart, KL ${divergence.toPrecision(2)}`;
    return `${strings} strings tokenized, ${tokens} tokens generated as expected, ${logits}`;
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

/** A chat by the template in the file: its marks must become special tokens, one each. */
async function checkChatTemplate() {
  const path = join(temporary, 'chat.gguf');
  const source = await openModel(folderOf('llama3.2-tiny'));
  try {
    await convert({ ...source, name: 'Llama-3.2-tiny-Instruct' }, path, { to: 'gguf' });
  } finally {
    await source.close();
  }
  const model = await llama.loadModel({ modelPath: path, gpuLayers: 0 });
  try {
    const template = model.fileInfo.metadata.tokenizer.chat_template ?? '';
    const wrapper = new JinjaTemplateChatWrapper({ template, tokenizer: model.tokenizer });
    const { contextText } = wrapper.generateContextState({
      chatHistory: [
        { type: 'user', text: 'Two plus two?' },
        { type: 'model', response: ['Four.'] },
        { type: 'user', text: 'Sure?' },
        { type: 'model', response: [''] },
      ],
    });
    const ids = contextText.tokenize(model.tokenizer);
    const header = (/** @type {string} */ role) => ['<|start_header_id|>', role, '<|end_header_id|>', '\n\n'];
    const expected = ['<|begin_of_text|>', ...header('user'), 'Two plus two?', '<|eot_id|>'];
    expected.push(...header('assistant'), 'Four.', '<|eot_id|>', ...header('user'), 'Sure?', '<|eot_id|>');
    expected.push(...header('assistant'));
    const right = expected.flatMap((part) => model.tokenize(part, part.startsWith('<|')));
    expectEqual(ids, right, 'ids of a chat');
    return `${ids.length} ids`;
  } finally {
    await model.dispose();
    await rm(path);
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
 * where two tokens are nearly as likely, as in models of random weights: of these only F32 must agree.
 *
 * @param {import('node-llama-cpp').LlamaModel} model
 * @param {string} name
 * @param {Expected} expected
 * @param {typeof TYPES[number]} type
 */
async function expectSameContinuations(model, name, expected, type) {
  const context = await model.createContext(EXACT);
  let agreed = 0;
  try {
    for (const [prompt, following] of Object.entries(expected.greedy_16)) {
      const sequence = context.getSequence();
      const generated = await continueGreedily(sequence, expected.prompts[Number(prompt)] ?? [], following.length);
      if (type === 'f32' || TRAINED.includes(name))
        expectEqual(generated, following, `continuation of prompt ${prompt}`);
      agreed += generated.filter((token, index) => token === following[index]).length;
      sequence.dispose();
    }
  } finally {
    await context.dispose();
  }
  return agreed;
}

/**
 * Largest difference of a logit and largest mean divergence of a prompt; throws where one is above the limit.
 *
 * @param {import('node-llama-cpp').LlamaModel} model
 * @param {string} name
 * @param {Expected} expected
 * @param {typeof TYPES[number]} type
 */
async function expectSameLogits(model, name, expected, type) {
  const context = await model.createContext(EXACT);
  const worst = { largest: 0, divergence: 0 };
  try {
    for (const [prompt, tokens] of expected.prompts.entries()) {
      const stored = await storedLogits(name, type, prompt);
      const positions = expected.logit_positions[prompt] ?? [];
      const sequence = context.getSequence();
      const rows = await logitsOf(sequence, tokens, positions);
      sequence.dispose();
      const width = stored.length / positions.length;
      let divergence = 0;
      rows.forEach((row, index) => {
        const right = stored.subarray(index * width, (index + 1) * width);
        for (const [token, value] of right.entries()) {
          worst.largest = Math.max(worst.largest, Math.abs(value - (row[token] ?? NaN)));
        }
        divergence += divergenceOf(right, row) / rows.length;
      });
      worst.divergence = Math.max(worst.divergence, divergence);
    }
  } finally {
    await context.dispose();
  }
  const limit = LIMITS[type];
  if (worst.largest <= limit.largest && worst.divergence <= limit.divergence) return worst;
  throw new Error(`logits differ by ${worst.largest} (limit ${limit.largest}), KL ${worst.divergence}`);
}

/**
 * llama.cpp's logits at some positions of a prompt.
 *
 * @param {import('node-llama-cpp').LlamaContextSequence} sequence
 * @param {number[]} tokens
 * @param {number[]} positions
 */
async function logitsOf(sequence, tokens, positions) {
  const ids = /** @type {import('node-llama-cpp').Token[]} */ (tokens);
  const results = await sequence.controlledEvaluate(
    ids.map((token, position) => (positions.includes(position) ? [token, { generateNext: { logits: true } }] : token)),
  );
  return positions.map((position) => {
    const logits = results[position]?.next.logits ?? new Map();
    const row = new Float32Array(logits.size);
    for (const [token, value] of logits) row[token] = value;
    return row;
  });
}

/**
 * The logits that float32 gives: of Meta's code for plain types, over the dequantized blocks for quantized ones.
 *
 * @param {string} name
 * @param {typeof TYPES[number]} type
 * @param {number} prompt
 */
async function storedLogits(name, type, prompt) {
  const kind = type.startsWith('q') ? `${type.toUpperCase()}_` : '';
  const file = await readFile(join(FIXTURES, 'models', name, 'expected', `logits_${kind}${prompt}.npy`));
  return new Float32Array(Uint8Array.from(file.subarray(10 + file.readUInt16LE(8))).buffer);
}

/**
 * Kullback-Leibler divergence of the second's probabilities from the first's, in nats.
 *
 * @param {Float32Array} right
 * @param {Float32Array} found
 */
function divergenceOf(right, found) {
  const [p, q] = [right, found].map((logits) => {
    const largest = Math.max(...logits);
    const sum = logits.reduce((total, value) => total + Math.exp(value - largest), 0);
    return Array.from(logits, (value) => value - largest - Math.log(sum));
  });
  if (p === undefined || q === undefined) throw new Error('there are two rows');
  return p.reduce((total, value, token) => total + Math.exp(value) * (value - (q[token] ?? NaN)), 0);
}

/**
 * How the prompts go on by llama-inspect's own forward pass over the same file. Quantized weights may choose another token than
 * the original where two are nearly as likely (a Q4_K_M counts one, two, three, five), so the original is not the measure.
 *
 * @param {string} path
 * @param {Expected} expected
 */
async function ownContinuations(path, expected) {
  const model = await openModel(path);
  try {
    /** @type {Record<string, number[]>} */
    const continuations = {};
    for (const [prompt, following] of Object.entries(expected.greedy_16)) {
      const tokens = [...(expected.prompts[Number(prompt)] ?? [])];
      const given = tokens.length;
      while (tokens.length < given + following.length) {
        const { logits, vocabSize } = await forward(model, tokens);
        const last = logits.subarray(logits.length - vocabSize);
        tokens.push(last.reduce((best, value, token) => (value > (last[best] ?? NaN) ? token : best), 0));
      }
      continuations[prompt] = tokens.slice(given);
    }
    return continuations;
  } finally {
    await model.close();
  }
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
