/**
 * A part of another source, seen as a source of its own.
 *
 * Where the part begins may be unknown until the first read: a ZIP member's data start after a local
 * header whose length only the header itself tells.
 *
 * @module
 */
import { type ByteSource, type ReadOptions, expectInside } from './byte-source.js';
import { lengthOf, readScattered } from './scattered.js';

/** Where a part begins: a number, or a function that finds out and is asked again at every read. */
export type SliceStart = number | ((options?: ReadOptions) => Promise<number>);

/**
 * The `size` bytes from `start` of `parent`. Opens nothing and reads nothing; closing it leaves
 * the parent open.
 */
export function sliceSource(parent: ByteSource, start: SliceStart, size: number, name = parent.name): ByteSource {
  const begin = async (options?: ReadOptions): Promise<number> => (typeof start === 'number' ? start : start(options));
  return {
    name,
    size,
    ...(parent.readsAhead === true && { readsAhead: true }),
    read: async (offset, length, options) => {
      expectInside({ name, size }, offset, length);
      return parent.read((await begin(options)) + offset, length, options);
    },
    readInto: async (offset, target, options) => {
      expectInside({ name, size }, offset, target.byteLength);
      await parent.readInto((await begin(options)) + offset, target, options);
    },
    ...(parent.readScattered !== undefined && {
      readScattered: async (offset: number, targets: readonly Uint8Array[], options?: ReadOptions) => {
        expectInside({ name, size }, offset, lengthOf(targets));
        await readScattered(parent, (await begin(options)) + offset, targets, options);
      },
    }),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
