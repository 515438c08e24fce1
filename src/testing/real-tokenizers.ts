/**
 * The tokenizers that Meta published, where they are at hand.
 *
 * Their licences keep them out of this repository. They are looked for in the folder `LLAMA_TOKENIZERS`, else in
 * `../shared/oracle/real-tokenizers` beside the project, anywhere in it (`…/tokenizer.model`,
 * `llama3.tokenizer.model`, …), and known by their hashes. Not part of the package.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { PROJECT } from './built.js';

/** SHA-256 of the tokenizers. */
export const REAL_TOKENIZER = {
  llama2: '9e556afd44213b6bd1be2b850ebbbd98f5481437a8021afaf58ee7fb1818d347',
  llama3: '82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55',
} as const;

const BESIDE_PROJECT = join(PROJECT, '../shared/oracle/real-tokenizers');
const named = process.env['LLAMA_TOKENIZERS'];
const folder = named ?? (existsSync(BESIDE_PROJECT) ? BESIDE_PROJECT : undefined);
const names = folder === undefined ? [] : readdirSync(folder, { recursive: true, encoding: 'utf8' });
const found = new Map(
  names
    .filter((name) => name.endsWith('tokenizer.model'))
    .map((name) => readFileSync(join(folder ?? '', name)))
    .map((bytes) => [createHash('sha256').update(bytes).digest('hex'), bytes]),
);

const reason = folder === undefined ? 'LLAMA_TOKENIZERS is not set' : 'LLAMA_TOKENIZERS has no such file';

/** A `tokenizer.model` of Meta's, undefined where it is not at hand. */
export function realTokenizer(name: keyof typeof REAL_TOKENIZER): Uint8Array | undefined {
  const bytes = found.get(REAL_TOKENIZER[name]);
  return bytes && new Uint8Array(bytes);
}

/** Text of another file of that folder, undefined where it is not at hand. */
export function realTokenizerText(file: string): string | undefined {
  return names.includes(file) ? readFileSync(join(folder ?? '', file), 'utf8') : undefined;
}

/** Title of tests that need what may be missing, with the reason why they are left out. */
export function realTitle(title: string, ...needed: unknown[]): string {
  return needed.includes(undefined) ? `${title} (skipped: ${reason})` : title;
}
