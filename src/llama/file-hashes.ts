/**
 * SHA-256 of the small files of a folder, by the browser's or Node's own implementation.
 *
 * @module
 */
import { SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { hexOf } from '../source/hex.js';
import { readWhole } from '../source/whole.js';

/** Largest file that is hashed here: `tokenizer.model` of Llama 4 has 3.6 MB. */
const SMALL_BYTES = 8 << 20;

/**
 * SHA-256 of a file in lower-case hexadecimal. Reads the whole file.
 *
 * Undefined when it is not there, cannot be read, is larger than 8 MB, or the page may not hash (`crypto.subtle`
 * exists in secure contexts only): a hash is a help here, and its absence no fault.
 */
export async function smallFileSha256(folder: Folder, name: string): Promise<string | undefined> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (subtle === undefined || !(await folder.has(name))) return undefined;
  const bytes = await readSmall(folder, name);
  if (bytes === undefined) return undefined;
  const digest = await subtle.digest('SHA-256', new Uint8Array(bytes));
  return hexOf(new Uint8Array(digest));
}

async function readSmall(folder: Folder, name: string): Promise<Uint8Array | undefined> {
  try {
    await using source = await folder.open(name);
    return source.size > SMALL_BYTES ? undefined : await readWhole(source, SMALL_BYTES);
  } catch (cause) {
    if (cause instanceof SourceError) return undefined;
    throw cause;
  }
}
