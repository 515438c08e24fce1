/**
 * The sequences of tokens that two models are run on.
 *
 * Text is not needed: any ids of the vocabulary exercise every weight of the layers. Positions are: rope
 * scaling hardly moves the logits of a short prompt, so each sequence runs a second time with its tokens
 * spread up to the end of the context, where a wrong factor shows at once.
 *
 * @module
 */
import type { Sequence } from '../forward/request.js';
import { LARGEST_POSITION } from '../forward/request.js';
import type { LogitsRun } from './comparison.js';

/** A sequence with what the report says of it. */
export interface Prompt extends Sequence, Pick<LogitsRun, 'tokensFrom' | 'placement'> {
  readonly positions: readonly number[];
  readonly rows: readonly number[];
}

/** Tokens of the built-in sequence: as few as show a difference, because each costs a pass over all weights. */
const BUILT_IN_TOKENS = 8;

/** Most rows of logits of a sequence, the last ones: a vocabulary of 128,256 takes half a megabyte a row. */
export const MOST_LOGIT_ROWS = 16;

/** The golden section: its multiples, less whole numbers, spread evenly without ever repeating. */
const GOLDEN_SECTION = (Math.sqrt(5) - 1) / 2;

/** The built-in ids and each given sequence, all of them near and far. */
export function promptsFor(
  vocabSize: number,
  contextLength: number,
  given: readonly (readonly number[])[] = [],
): Prompt[] {
  const builtIn = { tokensFrom: 'built-in', tokens: builtInTokens(vocabSize) } as const;
  const sequences = [builtIn, ...given.map((tokens) => ({ tokensFrom: 'given', tokens }) as const)];
  return sequences.flatMap(({ tokensFrom, tokens }) => {
    const rows = [...tokens.keys()].slice(-MOST_LOGIT_ROWS);
    const far = farPositions(tokens.length, contextLength);
    return [
      { tokensFrom, placement: 'near', tokens, rows, positions: [...tokens.keys()] },
      { tokensFrom, placement: 'far', tokens, rows, positions: far },
    ];
  });
}

/** Ids spread over the vocabulary, the same for every model of its size. */
export function builtInTokens(vocabSize: number): number[] {
  return Array.from({ length: BUILT_IN_TOKENS }, (_, i) => Math.floor((((i + 1) * GOLDEN_SECTION) % 1) * vocabSize));
}

/** Positions from 0 to the last of the context, evenly spread. */
export function farPositions(count: number, contextLength: number): number[] {
  const last = Math.max(0, Math.min(contextLength, LARGEST_POSITION) - 1);
  return Array.from({ length: count }, (_, i) => Math.round((last * i) / Math.max(1, count - 1)));
}
