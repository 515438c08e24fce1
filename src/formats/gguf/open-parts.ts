/**
 * Opens a model that is split over several GGUF files, as one.
 *
 * Any part will do to name it; the others are looked for beside it, by their names.
 *
 * @module
 */
import type { ReadOptions } from '../../source/byte-source.js';
import type { Folder } from '../../source/folder.js';
import { identifySource } from '../../source/identify.js';
import { describeMistake } from '../../source/mistake.js';
import { shownName } from '../shown-name.js';
import { GgufError } from './gguf-error.js';
import { type GgufFile, openGgufFile } from './read.js';
import { parseSplitName, splitPartNames } from './split-name.js';
import { SPLIT_KEYS, expectOneSplit, expectPartOf, expectWhole, ggufSplit } from './split.js';

/**
 * Opens a GGUF file of a folder, together with the other parts where it is one of several. The result then has the
 * name and the metadata of the first part, without the keys about the split, and the tensors of all, in the order of
 * the parts. Reads headers only. Closing it closes all parts.
 *
 * @param folder - where the parts lie
 * @param name - any of them
 * @param options - for cancelling
 * @throws GgufError `gguf/missing-part`, `gguf/foreign-part`, `gguf/part-order`, `gguf/duplicate-tensor` and those of
 *   a single file
 * @throws SourceError `source/html-page` and its kin for a part that is something else altogether
 */
export async function openGgufParts(folder: Folder, name: string, options?: ReadOptions): Promise<GgufFile> {
  const named = await openPart(folder, name, options);
  const opened = new Map([[name, named]]);
  try {
    for (const part of await partNames(folder, name, named)) {
      if (part !== name) opened.set(part, await openPart(folder, part, options));
    }
    // the names of all parts have the same length, so this is the order of their numbers
    const files = [...opened].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
    return files.length < 2 ? named : joined(files);
  } catch (cause) {
    for (const file of opened.values()) await file.close();
    throw cause;
  }
}

async function openPart(folder: Folder, name: string, options: ReadOptions | undefined): Promise<GgufFile> {
  const source = await folder.open(name);
  try {
    const identification = await identifySource(source, options);
    if (identification.kind !== 'gguf') throw describeMistake(identification, 'a GGUF file', source.name);
    return await openGgufFile(source, options);
  } catch (cause) {
    await source.close();
    throw cause;
  }
}

/** Names of all parts in their order, each of which is there; only its own for a whole file, whatever it is called. */
async function partNames(folder: Folder, name: string, file: GgufFile): Promise<readonly string[]> {
  const split = parseSplitName(name);
  if (split === undefined) {
    expectWhole(file);
    return [name];
  }
  const names = splitPartNames(split);
  const present = new Set((await folder.list()).map((entry) => entry.name));
  const isAlone = names.every((part) => part === name || !present.has(part));
  if (isAlone && ggufSplit(file) === undefined) return [name];
  expectPartOf(file, split.count);
  const missing = names.filter((part) => !present.has(part));
  if (missing.length === 0) return names;
  const which = `${shownName(missing[0]!)}${missing.length === 1 ? ' is' : ` and ${missing.length - 1} more are`}`;
  throw new GgufError('gguf/missing-part', `${which} missing of the ${split.count} parts of this model`, {
    path: folder.name,
    hint: 'download the missing parts into this folder',
  });
}

function joined(files: readonly GgufFile[]): GgufFile {
  expectOneSplit(files);
  const close = async (): Promise<void> => {
    for (const file of files) await file.close();
  };
  const first = files[0]!;
  return {
    ...first,
    metadata: new Map([...first.metadata].filter(([key]) => !key.startsWith(SPLIT_KEYS))),
    size: files.reduce((sum, file) => sum + file.size, 0),
    tensors: files.flatMap((file) => file.tensors),
    close,
    [Symbol.asyncDispose]: close,
  };
}
