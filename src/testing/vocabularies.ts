/**
 * The vocabularies of the fixtures, as the tests of the tokenizer room want them.
 *
 * Not part of the package.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { parseTokenizerModel, type TokenizerModelOptions } from '../tokenizer/tokenizer-model.js';
import { tokenizerJson } from '../tokenizer/tokenizer-json.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';
import { modelFolder } from './fixtures.js';

/** Bytes of a fixture's `tokenizer.model`. */
export function tokenizerBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(modelFolder(name), 'tokenizer.model')));
}

/** A fixture's vocabulary: `llama3-tiny` has the names of Llama 3, later ones those of 3.1, none ends turns. */
export function fixtureVocabulary(name: string, options: Partial<TokenizerModelOptions> = {}): Vocabulary {
  const generation = name === 'llama3-tiny' ? 'llama3' : 'llama3.1';
  return parseTokenizerModel(tokenizerBytes(name), { generation, endOfTurn: false, ...options });
}

/** The text of a vocabulary's `tokenizer.json`. */
export function tokenizerJsonText(...parameters: Parameters<typeof tokenizerJson>): string {
  const file = tokenizerJson(...parameters);
  const bytes = new Uint8Array(file.byteLength);
  let end = 0;
  for (const chunk of file.chunks()) {
    bytes.set(chunk, end);
    end += chunk.byteLength;
  }
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}
