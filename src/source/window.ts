/**
 * Many small reads near each other as few larger ones.
 *
 * A scan looks at the beginning and the end of every member of an archive, which may be a hundred thousand small ones
 * side by side: read one by one they would cost a system call each.
 *
 * @module
 */
import { type ByteSource, type ReadOptions, expectInside } from './byte-source.js';

/** Bytes read at a time: some hundred small members, and little beside a tensor. */
const WINDOW_BYTES = 1 << 16;

/**
 * A source over the same bytes that keeps the {@link WINDOW_BYTES} read last; reads as long as that go through
 * unkept. It gives views of what it keeps, so results are read-only. Closing it closes the parent.
 */
export function windowedSource(parent: ByteSource): ByteSource {
  if (parent.readsAhead === true) return parent;
  const { name, size } = parent;
  let window: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  const read = async (offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> => {
    expectInside(parent, offset, length);
    if (length >= WINDOW_BYTES) return parent.read(offset, length, options);
    options?.signal?.throwIfAborted();
    let { start, bytes } = window;
    if (offset < start || offset + length > start + bytes.byteLength) {
      start = offset;
      const unshared = { ...options, into: undefined }; // what is kept must be of nobody else
      bytes = await parent.read(start, Math.min(WINDOW_BYTES, size - start), unshared);
      window = { start, bytes };
    }
    return bytes.subarray(offset - start, offset - start + length);
  };
  return {
    name,
    size,
    read,
    readInto: async (offset, target, options) => {
      if (target.byteLength >= WINDOW_BYTES) await parent.readInto(offset, target, options);
      else target.set(await read(offset, target.byteLength, options));
    },
    close: () => parent.close(),
    [Symbol.asyncDispose]: () => parent.close(),
  };
}
