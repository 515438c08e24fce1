/**
 * A source over a browser's Blob or File.
 *
 * Only the slices that are asked for are read. In Node 20 a Blob made by `fs.openAsBlob` reports its
 * size modulo 2^32 (nodejs/node#52585), so files on disk go through `source/file.ts` instead.
 *
 * @see https://developer.mozilla.org/docs/Web/API/Blob/slice
 * @module
 */
import { type ByteSource, SourceError, expectInside } from './byte-source.js';

/** A {@link ByteSource} over a Blob; one slice per read. */
export function blobSource(blob: Blob, name = 'name' in blob ? String(blob.name) : 'blob'): ByteSource {
  const size = blob.size;
  const slice = async (offset: number, length: number): Promise<Uint8Array> => {
    expectInside({ name, size }, offset, length);
    const bytes = new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    if (bytes.byteLength === length) return bytes;
    throw new SourceError('source/short-read', `${length} bytes wanted, ${bytes.byteLength} came`, {
      path: name,
      offset,
    });
  };
  return {
    name,
    size,
    read: async (offset, length, options) => {
      options?.signal?.throwIfAborted();
      return slice(offset, length);
    },
    readInto: async (offset, target, options) => {
      options?.signal?.throwIfAborted();
      target.set(await slice(offset, target.byteLength));
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
