// @ts-check
/**
 * Has a program say which modules it loads, one address a line on standard error: `node --import` of this file.
 *
 * @module
 */
import { writeSync } from 'node:fs';
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);

/**
 * Called by Node, in its thread of loaders, for every module.
 *
 * @type {import('node:module').LoadHook}
 */
export function load(url, context, nextLoad) {
  writeSync(2, `${url}\n`);
  return nextLoad(url, context);
}
