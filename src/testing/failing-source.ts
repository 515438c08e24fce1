/**
 * A source that stops working, for tests of what happens then.
 *
 * Not part of the package.
 *
 * @module
 */
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { memorySource } from '../source/memory.js';

/** A source over bytes that counts its reads and lets the `failingRead`-th of them, counted from 1, fail. */
export function failingSource(bytes: Uint8Array, failingRead = Infinity): ByteSource & { reads(): number } {
  const inner = memorySource(bytes, 'failing');
  let reads = 0;
  const count = (): void => {
    if (++reads === failingRead) throw new SourceError('source/read-failed', 'the disk is gone');
  };
  return {
    ...inner,
    reads: () => reads,
    read: async (offset, length, options) => {
      count();
      return inner.read(offset, length, options);
    },
    readInto: async (offset, target, options) => {
      count();
      return inner.readInto(offset, target, options);
    },
  };
}
