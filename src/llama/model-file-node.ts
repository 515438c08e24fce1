/**
 * A model in a file on disk. One of the few modules that know Node.
 *
 * A file that is called `llama-00002-of-00003.gguf` is no model by itself: the other parts are looked for beside it.
 *
 * @module
 */
import { basename, dirname } from 'node:path';

import { parseSplitName } from '../formats/gguf/split-name.js';
import type { ByteSource } from '../source/byte-source.js';
import { openDirectory } from '../source/directory.js';
import { type Inspection, inspectModel } from './inspect.js';
import type { OpenModelOptions } from './meta-model.js';
import type { LlamaModel } from './model.js';
import { openModelFile } from './open-model.js';

/**
 * Opens a file on disk as a model, together with the other parts where it is split. Owns the source from here on.
 *
 * @throws as {@link openModelFile}; GgufError `gguf/missing-part`, `gguf/foreign-part`, `gguf/part-order`
 */
export async function openModelFileOnDisk(source: ByteSource, options: OpenModelOptions = {}): Promise<LlamaModel> {
  const name = basename(source.name);
  if (parseSplitName(name) === undefined) return openModelFile(source, options);
  await source.close();
  const { openGgufFolderModel } = await import('./gguf-model.js');
  return openGgufFolderModel(await openDirectory(dirname(source.name)), name, options.ropeFactor);
}

/** What the headers of such a model tell, and the size of all its parts. Owns the source. @throws as {@link openModelFileOnDisk} */
export async function inspectModelFileOnDisk(source: ByteSource, options: OpenModelOptions = {}): Promise<Inspection> {
  await using model = await openModelFileOnDisk(source, options);
  const sizes = await partSizes(source);
  return { ...inspectModel(model), shardCount: sizes.length, byteLength: sizes.reduce((sum, size) => sum + size, 0) };
}

/** Sizes of the parts that lie beside a file, its own included. */
async function partSizes({ name: path, size }: ByteSource): Promise<number[]> {
  const split = parseSplitName(basename(path));
  if (split === undefined) return [size];
  const files = await (await openDirectory(dirname(path))).list();
  const parts = files.filter(({ name }) => {
    const other = parseSplitName(name);
    return other?.stem === split.stem && other.count === split.count;
  });
  return parts.map((part) => part.size);
}
