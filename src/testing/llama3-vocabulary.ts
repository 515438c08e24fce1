/**
 * A vocabulary of as many tokens as that of Llama 3, without any of Meta's.
 *
 * Not part of the package.
 *
 * @module
 */
import { parseTokenizerModel } from '../tokenizer/tokenizer-model.js';
import type { Vocabulary } from '../tokenizer/vocabulary.js';

/** Ranks in the file of Llama 3; the special tokens follow. */
const RANKS = 128_000;

/** All tokens of one byte, all of two, and as many of three as are missing, then the 256 special tokens of Llama 3.1. */
export function llama3Vocabulary(endOfTurn: boolean): Vocabulary {
  const lines = Array.from({ length: RANKS }, (_, rank) => {
    const bytes = rank < 256 ? [rank] : rank < 65_792 ? pair(rank - 256) : [0x20, ...pair(rank - 65_792)];
    return `${Buffer.from(bytes).toString('base64')} ${rank}\n`;
  });
  const bytes = new TextEncoder().encode(lines.join(''));
  return parseTokenizerModel(bytes, { generation: 'llama3.1', endOfTurn, vocabSize: RANKS + 256 });
}

function pair(index: number): [number, number] {
  return [index >> 8, index & 255];
}
