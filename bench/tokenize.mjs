#!/usr/bin/env node
// @ts-check
/**
 * How fast text is encoded, beside js-tiktoken with the same ranks and the same text.
 *
 *     npm run bench -- --only tokenize [--rounds 9]
 *
 * Needs the tokenizers that Meta published, which are not in this repository: in the folder that LLAMA_TOKENIZERS names
 * or in `../shared/oracle/real-tokenizers`. The text is this project's own pages, one after the other until a megabyte
 * is full. Both take turns, so that whatever else the machine does meets both; the table shows medians, in seconds of
 * the processor. That both give the same ids is checked first.
 *
 * @module
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Tiktoken } from 'js-tiktoken/lite';

/** @type {typeof import('../src/tokenizer/tokenizer-model.js')} */
const { parseTokenizerModel } = await import(new URL('../dist/tokenizer/tokenizer-model.js', import.meta.url).href);
/** @type {typeof import('../src/tokenizer/tokenizer.js')} */
const { Tokenizer } = await import(new URL('../dist/tokenizer/tokenizer.js', import.meta.url).href);

/** @typedef {{ label: string, run: () => number, bytes: number }} Row */

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = process.env['LLAMA_TOKENIZERS'] ?? join(ROOT, '../shared/oracle/real-tokenizers');
const TEXT_BYTES = 1e6;

/** Meta's rule in JavaScript's words: Node 20 knows no `(?i:…)`, and `\s` of JavaScript is not that of Unicode. */
const PATTERN =
  "'(?:[sSſ]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\p{White_Space}\\p{L}\\p{N}]+[\\r\\n]*|\\p{White_Space}*[\\r\\n]+|\\p{White_Space}+(?!\\P{White_Space})|\\p{White_Space}+";

/**
 * Measures and prints the table.
 *
 * @param {{ rounds: number }} options
 */
export async function benchTokenizing({ rounds }) {
  const [llama3, llama2] = ['llama3', 'llama2'].map(readTokenizer);
  if (llama3 === undefined || llama2 === undefined) {
    console.log(`\nTokenizing is not measured: ${FOLDER} has not the tokenizers of Llama 2 and 3.`);
    return;
  }
  const text = pages();
  const ours = tokenizerOf(llama3);
  const theirs = new Tiktoken({ pat_str: PATTERN, special_tokens: {}, bpe_ranks: ranksLine(llama3) });
  if (ours.encode(text).join() !== theirs.encode(text).join()) throw new Error('js-tiktoken gives other ids');
  const spm = tokenizerOf(llama2);
  const ids = ours.encode(text);
  const letters = 'a'.repeat(TEXT_BYTES);
  const bytes = Buffer.byteLength(text);
  /** @type {Row[]} */
  const rows = [
    { label: 'Llama 3 encoded', run: () => ours.encode(text).length, bytes },
    { label: 'the same by js-tiktoken', run: () => theirs.encode(text).length, bytes },
    { label: 'Llama 3 decoded', run: () => ours.decode(ids).length, bytes },
    { label: 'the same by js-tiktoken', run: () => theirs.decode(ids).length, bytes },
    { label: 'Llama 3, a megabyte of one letter', run: () => ours.encode(letters).length, bytes: TEXT_BYTES },
    { label: 'Llama 2 encoded', run: () => spm.encode(text).length, bytes },
  ];
  /** @type {number[][]} */
  const seconds = rows.map(() => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, { run }] of rows.entries()) {
      const taken = secondsOf(run);
      if (round > 0) seconds[index]?.push(taken); // the first round warms the code
    }
  }
  console.log(`\n${(bytes / 1e6).toFixed(2)} MB of English text, medians of ${rounds} runs:\n`);
  console.log('| | cpu s | MB/s |\n|-|-:|-:|');
  for (const [index, { label, bytes: length }] of rows.entries()) {
    const middle = median(seconds[index] ?? []);
    console.log(`| ${label} | ${middle.toFixed(3)} | ${(length / middle / 1e6).toFixed(1)} |`);
  }
}

/** @param {() => number} run */
function secondsOf(run) {
  const before = process.cpuUsage();
  run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** @param {number[]} values */
function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? NaN;
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
