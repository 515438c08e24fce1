/**
 * MD5 of several files at once in WebAssembly: the entry point, in AssemblyScript.
 *
 * Compiled by `scripts/kernels.mjs` into `kernels.generated.js`. MD5 of one file cannot be split, as each step needs the
 * one before; files beside each other do not wait for each other.
 *
 * @see https://www.rfc-editor.org/rfc/rfc1321
 * @module
 */
import { oneChain, threeChains, twoChains } from './chains.generated';
import { eightLanes } from './eight-lanes';

/** First byte that is free for the caller. */
export function heapBase(): usize {
  return __heap_base;
}

/**
 * Goes on with `count` hashes, 1, 2, 3 or 8, by so many blocks of 64 bytes each.
 *
 * `table` has two addresses for each, of 32 bits: that of its state, four words, which is changed, and of its first block.
 */
export function hash(count: i32, table: usize, blocks: i32): void {
  if (count == 1) oneChain(table, blocks);
  else if (count == 2) twoChains(table, blocks);
  else if (count == 3) threeChains(table, blocks);
  else eightLanes(table, blocks);
}
