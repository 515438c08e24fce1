import { availableParallelism } from 'node:os';

import { describe, expect, it } from 'vitest';

import { SourceError } from './byte-source.js';
import { threadCount } from './thread-count-node.js';

describe('threadCount', () => {
  it('is one for each processor and at most 16, unless it is asked for', () => {
    expect(threadCount()).toBe(Math.min(availableParallelism(), 16));
    expect(threadCount({ threads: undefined })).toBe(threadCount());
    expect([1, 2, 64].map((threads) => threadCount({ threads }))).toEqual([1, 2, 64]);
  });

  it.each([0, -1, 1.5, NaN, Infinity])('refuses %d', (threads) => {
    const refused = expect(() => threadCount({ threads }));
    refused.toThrow(SourceError);
    refused.toThrow(`threads is ${threads}, but it must be a whole number of at least 1`);
  });
});
