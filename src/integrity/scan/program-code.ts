/**
 * Members of an archive that are program code: run by whoever imports the package, calls the model or loads the library.
 *
 * @module
 */
import type { ZipEntry } from '../../zip/entry.js';

const CODE = /\.(?:py|pyc|pyo|pyd|so|dll|dylib|o|cubin|cpp|cu|sh|exe|js|jar)$|\.so\.\d/i;

/** What to say about the code among some members, and the first of them; undefined where there is none. */
export function codeIn(
  entries: readonly ZipEntry[],
): { readonly message: string; readonly first: ZipEntry } | undefined {
  const [first, ...others] = entries.filter(({ name }) => CODE.test(name));
  if (first === undefined) return undefined;
  const more = others.length === 0 ? '' : `, as ${others.length} more of the archive`;
  return {
    first,
    message: `this is program code${more}, which runs when the package is imported or the model is called`,
  };
}
