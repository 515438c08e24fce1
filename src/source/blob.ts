/**
 * A source over a browser's Blob or File.
 *
 * Only the slices that are asked for are read. A slice never comes short: where the file behind a Blob has
 * changed, reading it fails altogether. In Node 20 a Blob made by `fs.openAsBlob` reports its
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
    const part = blob.slice(offset, offset + length);
    const bytes = await part.arrayBuffer().catch((cause: unknown) => {
      throw new SourceError('source/read-failed', `it cannot be read: ${(cause as Error).message}`, {
        ...{ path: name, offset, cause },
        hint: 'it may have been changed or removed after it was chosen; choose it again',
      });
    });
    return new Uint8Array(bytes);
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
