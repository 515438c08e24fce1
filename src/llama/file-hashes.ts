/**
 * SHA-256 of the small files of a folder, by the browser's or Node's own implementation.
 *
 * @module
 */
import type { Folder } from '../source/folder.js';
import { readWhole } from '../source/whole.js';

/** Largest file that is hashed here: `tokenizer.model` of Llama 4 has 3.6 MB. */
const SMALL_BYTES = 8 << 20;

/**
 * SHA-256 of a file in lower-case hexadecimal; undefined when it is not there, is larger than 8 MB, or the page may not
 * hash (`crypto.subtle` exists in secure contexts only). Reads the whole file.
 *
 * @throws SourceError when it cannot be read
 */
export async function smallFileSha256(folder: Folder, name: string): Promise<string | undefined> {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  if (subtle === undefined || !(await folder.has(name))) return undefined;
  await using source = await folder.open(name);
  if (source.size > SMALL_BYTES) return undefined;
  const bytes = await readWhole(source, SMALL_BYTES);
  const digest = await subtle.digest('SHA-256', new Uint8Array(bytes));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
