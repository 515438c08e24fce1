/**
 * Bytes seen as machine words.
 *
 * A typed array must start at a multiple of its element size, and rows read from a file may start
 * anywhere: such bytes are copied once. Typed arrays have the machine's byte order; every machine
 * that JavaScript runs on is little-endian, as the files are.
 *
 * @module
 */

/** A typed array class whose elements are numbers or bigints. */
interface WordArray<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): T;
}

/** The bytes as elements of `type`: a view where alignment allows it, else of a copy. Bytes of a partial last element are left out. */
export function wordsOf<T>(type: WordArray<T>, bytes: Uint8Array): T {
  const length = Math.floor(bytes.byteLength / type.BYTES_PER_ELEMENT);
  if (bytes.byteOffset % type.BYTES_PER_ELEMENT === 0) return new type(bytes.buffer, bytes.byteOffset, length);
  // not `slice`, which on Node's Buffer gives a view and copies nothing
  return new type(new Uint8Array(bytes).buffer, 0, length);
}

/** Lets `fill` write elements of `type` into `bytes`, through a temporary buffer where alignment demands it. */
export function fillWords<T>(type: WordArray<T>, bytes: Uint8Array, fill: (words: T) => void): void {
  const words = wordsOf(type, bytes);
  fill(words);
  const view = words as { readonly buffer: ArrayBufferLike };
  if (view.buffer !== bytes.buffer) bytes.set(new Uint8Array(view.buffer));
}

/** The bits of float32 values, for code that must not let a NaN's payload pass through a number. */
export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
