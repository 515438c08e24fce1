/**
 * A source over bytes that are already in memory.
 *
 * @module
 */
import { type ByteSource, expectInside } from './byte-source.js';

/** A {@link ByteSource} over a buffer; `read` gives views, nothing is copied. */
export function memorySource(bytes: Uint8Array, name = 'bytes in memory'): ByteSource {
  const size = bytes.byteLength;
  const view = (offset: number, length: number): Uint8Array => {
    expectInside({ name, size }, offset, length);
    return bytes.subarray(offset, offset + length);
  };
  return {
    name,
    size,
    read: async (offset, length, options) => {
      options?.signal?.throwIfAborted();
      return view(offset, length);
    },
    readInto: async (offset, target, options) => {
      options?.signal?.throwIfAborted();
      target.set(view(offset, target.byteLength));
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
