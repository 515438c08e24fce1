import { describe, expect, it } from 'vitest';

import { LARGEST_POSITION } from '../forward/request.js';
import { MOST_LOGIT_ROWS, builtInTokens, farPositions, promptsFor } from './prompts.js';

describe('builtInTokens', () => {
  it.each([1, 2, 29, 512, 32_000, 128_256])('are ids of a vocabulary of %i, spread over it', (size) => {
    const tokens = builtInTokens(size);
    expect(tokens).toHaveLength(8);
    expect(tokens.every((token) => Number.isInteger(token) && token >= 0 && token < size)).toBe(true);
    expect(new Set(tokens).size).toBe(Math.min(8, size));
    expect(builtInTokens(size)).toEqual(tokens);
  });
});

describe('farPositions', () => {
  it('reach from the first to the last of the context', () => {
    expect(farPositions(5, 131_072)).toEqual([0, 32_768, 65_536, 98_303, 131_071]);
    expect(farPositions(1, 4096)).toEqual([0]);
    expect(farPositions(3, 0)).toEqual([0, 0, 0]);
    expect(farPositions(2, 1e12)).toEqual([0, LARGEST_POSITION - 1]);
  });
});

describe('promptsFor', () => {
  it('runs every sequence near and far', () => {
    const prompts = promptsFor(100, 1000, [[5, 6, 7]]);
    expect(prompts.map(({ tokensFrom, placement, tokens }) => [tokensFrom, placement, tokens.length])).toEqual([
      ['built-in', 'near', 8],
      ['built-in', 'far', 8],
      ['given', 'near', 3],
      ['given', 'far', 3],
    ]);
    expect(prompts[2]).toMatchObject({ positions: [0, 1, 2], rows: [0, 1, 2] });
    expect(prompts[3]).toMatchObject({ positions: [0, 500, 999], rows: [0, 1, 2] });
  });

  it('asks for the last rows of long sequences', () => {
    const [, , near] = promptsFor(100, 1000, [Array<number>(50).fill(1)]);
    expect(near?.rows).toHaveLength(MOST_LOGIT_ROWS);
    expect(near?.rows.at(-1)).toBe(49);
  });
});
