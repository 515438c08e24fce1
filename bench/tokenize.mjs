// @ts-check
/**
 * How fast text is encoded, beside js-tiktoken with the same ranks and the same text.
 *
 * Needs the tokenizers that Meta published, which are not in this repository: in the folder that LLAMA_TOKENIZERS names
 * or in `../shared/oracle/real-tokenizers`. The text is this project's own pages, one after the other until a megabyte
 * is full. Seconds of the processor. That both give the same ids is checked first.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Tiktoken } from 'js-tiktoken/lite';

import { missingPeers } from './peers.mjs';

/** @type {typeof import('../src/tokenizer/tokenizer-model.js')} */
const { parseTokenizerModel } = await import(new URL('../dist/tokenizer/tokenizer-model.js', import.meta.url).href);
/** @type {typeof import('../src/tokenizer/tokenizer.js')} */
const { Tokenizer } = await import(new URL('../dist/tokenizer/tokenizer.js', import.meta.url).href);

/** @typedef {import('./turns.mjs').Row} Row */
/** @typedef {import('./materials.mjs').Context} Context */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = process.env['LLAMA_TOKENIZERS'] ?? join(ROOT, '../shared/oracle/real-tokenizers');
const TEXT_BYTES = 1e6;

/** Meta's rule in JavaScript's words: Node 20 knows no `(?i:…)`, and `\s` of JavaScript is not that of Unicode. */
const PATTERN =
  "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";

/**
 * @param {Context} context
 * @returns {Row[]}
 */
export function tokenizingRows({ peers: found }) {
  const [llama3, llama2] = ['llama3', 'llama2'].map(readTokenizer);
  if (llama3 === undefined || llama2 === undefined) {
    const missing = 'the tokenizers of Llama 2 and 3 are not here: LLAMA_TOKENIZERS names their folder';
    return [{ id: 'tokenizing/encode', label: 'Llama 3 encoded', missing, run: async () => ({}) }];
  }
  const text = pages();
  const ours = tokenizerOf(llama3);
  const spm = tokenizerOf(llama2);
  const ids = ours.encode(text);
  const letters = 'a'.repeat(TEXT_BYTES);
  const bytes = Buffer.byteLength(text);
  const missing = missingPeers(found, ['js-tiktoken']);
  const theirs = missing === undefined ? tiktokenOf(llama3) : undefined;
  if (theirs !== undefined && ids.join() !== theirs.encode(text).join()) throw new Error('js-tiktoken gives other ids');
  const peer = {
    label: 'the same by js-tiktoken',
    peers: ['js-tiktoken'],
    ...(missing === undefined ? {} : { missing }),
  };
  const row = (/** @type {string} */ label, /** @type {() => unknown} */ run, length = bytes) => ({
    ...{ label, warmUp: run, run: async () => ({ cpu: secondsOf(run), bytes: length }) },
  });
  return [
    { id: 'tokenizing/encode', ...row('Llama 3 encoded', () => ours.encode(text)) },
    { id: 'tokenizing/encode/js-tiktoken', ...row('', () => theirs?.encode(text)), ...peer },
    { id: 'tokenizing/decode', ...row('Llama 3 decoded', () => ours.decode(ids)) },
    { id: 'tokenizing/decode/js-tiktoken', ...row('', () => theirs?.decode(ids)), ...peer },
    { id: 'tokenizing/letters', ...row('Llama 3, a megabyte of one letter', () => ours.encode(letters), TEXT_BYTES) },
    { id: 'tokenizing/llama2', ...row('Llama 2 encoded', () => spm.encode(text)) },
  ];
}

/** @param {Uint8Array} ranks */
function tiktokenOf(ranks) {
  return new Tiktoken({ pat_str: PATTERN, special_tokens: {}, bpe_ranks: ranksLine(ranks) });
}

/** @param {() => unknown} run */
function secondsOf(run) {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** @param {string} name */
function readTokenizer(name) {
  const path = join(FOLDER, `${name}.tokenizer.model`);
  return existsSync(path) ? new Uint8Array(readFileSync(path)) : undefined;
}

/** @param {Uint8Array} bytes */
function tokenizerOf(bytes) {
  return new Tokenizer(parseTokenizerModel(bytes, { generation: 'llama3.1', endOfTurn: false }));
}

/**
 * The ranks as js-tiktoken wants them: the tokens of one line are numbered from the number that stands first in it.
 *
 * @param {Uint8Array} bytes
 */
function ranksLine(bytes) {
  const tokens = new TextDecoder().decode(bytes).trimEnd().split('\n').map((line) => line.split(' ')[0]); // prettier-ignore
  return `! 0 ${tokens.join(' ')}`;
}

/** This project's pages, over and over. */
function pages() {
  const names = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort();
  const all = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', ...names.map((name) => join('docs', name))]
    .map((name) => readFileSync(join(ROOT, name), 'utf8'))
    .join('\n');
  return all.repeat(Math.ceil(TEXT_BYTES / all.length)).slice(0, TEXT_BYTES);
}
