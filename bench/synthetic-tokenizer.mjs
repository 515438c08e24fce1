// @ts-check
/**
 * A `tokenizer.model` in the form of Llama 3, tokens in base64 with their ranks; 128,000 of them are 2.2 MB.
 *
 * The single bytes come first, those that print before the others, as in the original. Every further token is
 * an earlier one and a common ending, so each can be merged from two others, as in a vocabulary that
 * was trained.
 *
 * @module
 */
import { randomWords } from './synthetic-weights.mjs';

const LONGEST = 24;

/** Endings are drawn from the first so many tokens: single bytes and short pieces. */
const ENDINGS = 400;

/** The earliest of so many draws is grown further; with five the file gets the size of the original. */
const EARLINESS = 5;

/** Common letters are there more often. */
const LETTERS = 'abcdefghijklmnopqrstuvwxyzeeeettttaaaooiinnsshhrrd';

/**
 * The file's text.
 *
 * @param {number} seed
 * @param {number} size - tokens, at least the 256 single bytes
 */
export function syntheticTokenizer(seed, size) {
  const tokens = byteTokens();
  const known = new Set(tokens);
  const random = randomWords(seed);
  while (tokens.length < size) {
    const token = grow(tokens, random);
    if (token.length > LONGEST || known.has(token)) continue;
    known.add(token);
    tokens.push(token);
  }
  return tokens.map((token, rank) => `${Buffer.from(token, 'latin1').toString('base64')} ${rank}\n`).join('');
}

/** @returns {string[]} */
function byteTokens() {
  const bytes = Array.from({ length: 256 }, (_, byte) => byte);
  const prints = (/** @type {number} */ byte) =>
    (byte > 32 && byte < 127) || (byte > 160 && byte < 173) || (byte > 173 && byte < 256);
  return [...bytes.filter(prints), ...bytes.filter((byte) => !prints(byte))].map((byte) => String.fromCharCode(byte));
}

/**
 * An earlier token made longer. The first are two letters; later ones are anything, rather an early one, and an ending.
 *
 * @param {readonly string[]} tokens
 * @param {() => number} random
 */
function grow(tokens, random) {
  const letter = () => LETTERS[random() % LETTERS.length] ?? '';
  const among = (/** @type {number} */ end) => 256 + (random() % (end - 256));
  if (tokens.length < ENDINGS) return `${random() % 3 === 0 ? ' ' : letter()}${letter()}`;
  const beginning = tokens[Math.min(...Array.from({ length: EARLINESS }, () => among(tokens.length)))] ?? '';
  return `${beginning}${random() % 3 === 0 ? (tokens[among(ENDINGS)] ?? '') : letter()}`;
}
