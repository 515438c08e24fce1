/**
 * Whatever a program has in hand, as a source.
 *
 * @module
 */
import { blobSource } from './blob.js';
import type { ByteSource } from './byte-source.js';
import { memorySource } from './memory.js';

/** Bytes in any of the forms a browser knows, or a source of one's own. */
export type SourceInput = ByteSource | Blob | Uint8Array;

/** A {@link ByteSource} over the input; nothing is copied. */
export function sourceOf(input: SourceInput): ByteSource {
  if (input instanceof Uint8Array) return memorySource(input);
  return 'readInto' in input ? input : blobSource(input);
}
