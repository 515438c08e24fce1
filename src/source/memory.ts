/**
 * A source over bytes that are already in memory.
 *
 * Node's Buffer is a Uint8Array whose `slice` copies nothing; what is read from here is always plain.
 *
 * @module
 */
import { type ByteSource, expectInside } from './byte-source.js';

/** A {@link ByteSource} over a buffer; `read` gives views, nothing is copied. */
export function memorySource(input: Uint8Array, name = 'bytes in memory'): ByteSource {
  const bytes = new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
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
