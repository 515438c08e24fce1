/**
 * A model in a file, on disk or on a web server. One of the few modules that know Node.
 *
 * A file that is called `llama-00002-of-00003.gguf` is no model by itself: the other parts are looked for beside it.
 *
 * @module
 */
import { basename } from 'node:path';

import { parseSplitName, splitPartNames } from '../formats/gguf/split-name.js';
import type { OpenedFile } from '../source/open-path-node.js';
import { type Inspection, inspectModel } from './inspect.js';
import type { OpenModelOptions } from './meta-model.js';
import type { LlamaModel } from './model.js';
import { openModelFile } from './open-model.js';

/**
 * Opens a file as a model, together with the other parts where it is split. Owns the source from here on.
 *
 * @throws as {@link openModelFile}; GgufError `gguf/missing-part`, `gguf/foreign-part`, `gguf/part-order`
 */
export async function openModelFileAt(opened: OpenedFile, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const name = basename(opened.path);
  const names = partNames(name);
  if (names.length === 0) return openModelFile(opened.source, options);
  await opened.source.close();
  const { openGgufFolderModel } = await import('./gguf-model.js');
  return openGgufFolderModel(await opened.folder(names), name, options.ropeFactor);
}

/** What the headers of such a model tell, and the size of all its parts. Owns the source. @throws as {@link openModelFileAt} */
export async function inspectModelFileAt(opened: OpenedFile, options: OpenModelOptions = {}): Promise<Inspection> {
  await using model = await openModelFileAt(opened, options);
  const sizes = await partSizes(opened);
  return { ...inspectModel(model), shardCount: sizes.length, byteLength: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Names of all parts of a split file, its own included; none for a file that is called like no part. */
function partNames(name: string): string[] {
  const split = parseSplitName(name);
  return split === undefined ? [] : splitPartNames(split);
}

/** Sizes of the parts that lie beside a file, its own included. */
async function partSizes({ path, source, folder }: OpenedFile): Promise<number[]> {
  const names = partNames(basename(path));
  if (names.length === 0) return [source.size];
  const files = await (await folder(names)).list();
  return files.filter(({ name }) => names.includes(name)).map(({ size }) => size);
}
