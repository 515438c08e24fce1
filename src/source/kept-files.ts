/**
 * A folder whose small files are read once, however often they are asked for whole.
 *
 * Inspecting reads a tokenizer for what it holds and again for its hash: two megabytes each time, which takes longer than
 * everything else it does.
 *
 * @module
 */
import type { ByteSource } from './byte-source.js';
import type { Folder } from './folder.js';

/**
 * The same folder, which keeps the bytes of files of up to `limit` bytes that are read whole.
 * Memory: those files, as long as the folder is held.
 */
export function keepingFiles(folder: Folder, limit: number): Folder {
  const kept = new Map<string, Promise<Uint8Array>>();
  const whole = (name: string, read: () => Promise<Uint8Array>): Promise<Uint8Array> => {
    const bytes = kept.get(name) ?? read();
    kept.set(name, bytes);
    bytes.catch(() => kept.delete(name));
    return bytes;
  };
  const { name: path } = folder;
  return {
    name: path,
    list: () => folder.list(),
    ...(folder.listBelow === undefined ? {} : { listBelow: folder.listBelow.bind(folder) }),
    has: (name) => folder.has(name),
    open: async (name) => {
      const source = await folder.open(name);
      return source.size > limit ? source : keepingSource(source, (read) => whole(name, read));
    },
  };
}

function keepingSource(
  source: ByteSource,
  whole: (read: () => Promise<Uint8Array>) => Promise<Uint8Array>,
): ByteSource {
  const { name, size, readsAhead } = source;
  return {
    name,
    size,
    ...(readsAhead === undefined ? {} : { readsAhead }),
    read: (offset, length, options) => {
      const read = (): Promise<Uint8Array> => source.read(offset, length, options);
      return offset === 0 && length === size && options?.into === undefined ? whole(read) : read();
    },
    readInto: (offset, target, options) => source.readInto(offset, target, options),
    close: () => source.close(),
    [Symbol.asyncDispose]: () => source.close(),
  };
}
