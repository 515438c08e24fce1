/**
 * Sources that count, and sources that fail.
 *
 * Not part of the package.
 *
 * @module
 */
import { type ByteSource, SourceError } from '../source/byte-source.js';

/** A source that notes every read made through it. */
export interface CountingSource extends ByteSource {
  /** Offset and length of each read so far. */
  readonly reads: readonly (readonly [offset: number, length: number])[];
}

/** Notes every read made through `source`. */
export function countingSource(source: ByteSource): CountingSource {
  const reads: [number, number][] = [];
  return {
    ...source,
    reads,
    read: (offset, length, options) => {
      reads.push([offset, length]);
      return source.read(offset, length, options);
    },
    readInto: (offset, target, options) => {
      reads.push([offset, target.byteLength]);
      return source.readInto(offset, target, options);
    },
  };
}

/** A source whose `n`-th read fails, counted from 0, as a disk that goes away does. */
export function failingSource(source: ByteSource, n: number): ByteSource {
  let count = 0;
  const expectWorking = (offset: number): void => {
    count += 1;
    if (count <= n) return;
    throw new SourceError('source/read-failed', 'the disk has gone', { path: source.name, offset });
  };
  return {
    ...source,
    read: async (offset, length, options) => {
      expectWorking(offset);
      return source.read(offset, length, options);
    },
    readInto: async (offset, target, options) => {
      expectWorking(offset);
      await source.readInto(offset, target, options);
    },
  };
}
