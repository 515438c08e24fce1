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
