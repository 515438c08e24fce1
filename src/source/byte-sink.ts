/**
 * Bytes in order: the one way this package writes anything.
 *
 * A sink only ever grows at its end, so a writer has to know every length before it writes it; that
 * is why writers plan first.
 *
 * @module
 */

/** Something that takes bytes one after another. */
export interface ByteSink {
  /** Bytes taken so far. */
  readonly position: number;
  /**
   * Appends the bytes. They may be reused by the caller once the promise has settled, and no second
   * write starts before that.
   */
  write(bytes: Uint8Array): Promise<void>;
}

/** A sink that keeps everything, for small files, browsers and tests. */
export interface MemorySink extends ByteSink {
  /** All bytes so far, in one new buffer. */
  bytes(): Uint8Array<ArrayBuffer>;
}

/** A {@link ByteSink} into memory; holds a copy of what it is given. */
export function memorySink(): MemorySink {
  const chunks: Uint8Array[] = [];
  let position = 0;
  return {
    get position() {
      return position;
    },
    write: async (bytes) => {
      chunks.push(new Uint8Array(bytes)); // a copy; `slice` of Node's Buffer is none
      position += bytes.byteLength;
    },
    bytes: () => {
      const all = new Uint8Array(position);
      let at = 0;
      for (const chunk of chunks) {
        all.set(chunk, at);
        at += chunk.byteLength;
      }
      return all;
    },
  };
}
