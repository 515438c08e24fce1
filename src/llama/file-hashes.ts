/**
 * SHA-256 of the small files of a folder, by the browser's implementation or a given one.
 *
 * @module
 */
import type { Sha256 } from '../formats/torch/object-leaves.js';
import { SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { hexOf } from '../source/hex.js';
import { readWhole } from '../source/whole.js';

/** Largest file that is hashed here: `tokenizer.model` of Llama 4 has 3.6 MB. */
export const SMALL_BYTES = 8 << 20;

/** The browser's implementation, which Node has too; undefined for a page that may not hash (`crypto.subtle` exists in secure contexts only). */
function subtleSha256(): Sha256 | undefined {
  const subtle = (globalThis.crypto as Crypto | undefined)?.subtle;
  return subtle && (async (bytes) => hexOf(new Uint8Array(await subtle.digest('SHA-256', new Uint8Array(bytes)))));
}

/**
 * SHA-256 of a file in lower-case hexadecimal. Reads the whole file.
 *
 * Undefined when it is not there, cannot be read, is larger than 8 MB, or cannot be hashed here: a hash is a help, and
 * its absence no fault.
 */
export async function smallFileSha256(
  folder: Folder,
  name: string,
  sha256: Sha256 | undefined = subtleSha256(),
): Promise<string | undefined> {
  if (sha256 === undefined || !(await folder.has(name))) return undefined;
  const bytes = await readSmall(folder, name);
  return bytes && sha256(bytes);
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
