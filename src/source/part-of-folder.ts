/**
 * Some files of a folder as a folder of their own: one model among several.
 *
 * @module
 */
import { SourceError } from './byte-source.js';
import { type Folder, expectNameInside } from './folder.js';

/** The files of these names and no others; the folder keeps its name. */
export function partOfFolder(folder: Folder, names: Iterable<string>): Folder {
  const known = new Set(names);
  return {
    name: folder.name,
    list: async () => (await folder.list()).filter(({ name }) => known.has(name)),
    has: async (name) => known.has(expectNameInside(name, folder.name)) && folder.has(name),
    open: async (name) => {
      if (known.has(expectNameInside(name, folder.name))) return folder.open(name);
      throw new SourceError('source/not-found', 'there is no such file', { path: `${folder.name}/${name}` });
    },
  };
}
