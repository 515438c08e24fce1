/**
 * How many threads an operation may use. One of the few modules that know Node.
 *
 * @module
 */
import { availableParallelism } from 'node:os';

import type { ThreadOptions } from '../options.js';
import { SourceError } from './byte-source.js';

/** Most threads unless more are asked for: the one that reads is not fast enough for more, and each takes some 8 MB. */
const MAX_THREADS = 16;

/**
 * Threads that may compute: what was asked for, else one for each processor, at most 16. 1 means that none is started.
 *
 * @throws SourceError `source/bad-threads` unless it is a whole number of at least 1
 */
export function threadCount({ threads }: ThreadOptions = {}): number {
  if (threads === undefined) return Math.min(availableParallelism(), MAX_THREADS);
  if (Number.isSafeInteger(threads) && threads >= 1) return threads;
  throw new SourceError('source/bad-threads', `threads is ${threads}, but it must be a whole number of at least 1`);
}
