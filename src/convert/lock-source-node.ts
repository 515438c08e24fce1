/**
 * The files that a conversion reads, for its lock file. One of the few modules that know Node.
 *
 * Weights are not read for their hash alone: that would take as long as the conversion. Their hashes are those that a list
 * beside them states, told as such; `lock` on the source writes them down.
 *
 * @module
 */
import { type ByteSource, type ReadOptions, SourceError } from '../source/byte-source.js';
import type { Folder, FolderEntry } from '../source/folder.js';
import { openFileSource } from '../source/file.js';
import { openPath } from '../source/open-path-node.js';
import { partOfFolder } from '../source/part-of-folder.js';
import { hashSource } from '../integrity/hash.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { type LockedAdapter, type LockedSource, type LockedSourceFile, isLockName } from '../integrity/lock.js';
import { fileWithParts } from '../integrity/lock-path-node.js';
import { TOKENIZER } from '../integrity/judge-files.js';
import { CHECKLIST, TOKENIZER_CHECKLIST, readLists } from '../integrity/read-lists.js';
import type { LlamaModel } from '../llama/model.js';
import { lastPathPart } from '../llama/model-name.js';

/** Largest file that is read for its hash alone; the largest tokenizer has 28 MB. */
const HASHED_BYTES = 32 << 20;

/**
 * A model's files and those of adapters merged into it, by name, and those that options name; none of what lies not on
 * disk. Reads files up to 32 MiB, and those of options.
 *
 * @param model - what is converted
 * @param inputs - paths of the files that options name
 * @throws SourceError
 */
export async function lockedSource(
  model: LlamaModel,
  inputs: readonly string[] = [],
  options: ReadOptions = {},
): Promise<LockedSource> {
  const { layout, path } = model;
  const found = await folderOf(path);
  const files = found === undefined ? [] : await lockedFiles(found.folder, options);
  if (layout === 'meta' && found?.parent !== undefined && !(await found.folder.has(TOKENIZER))) {
    const above = partOfFolder(found.parent, [TOKENIZER]);
    files.push(...(await lockedFiles(above, options)).map((file) => ({ ...file, name: `../${file.name}` })));
  }
  const adapters: LockedAdapter[] = [];
  for (const folder of model.adapters ?? []) {
    const opened = await folderOf(folder);
    const inside = opened === undefined ? [] : await lockedFiles(opened.folder, options);
    adapters.push({ name: lastPathPart(folder), files: inside });
  }
  return {
    ...{ name: lastPathPart(path), layout, files },
    ...(adapters.length === 0 ? {} : { adapters }),
    ...(inputs.length === 0 ? {} : { inputs: await lockedInputs(inputs, options) }),
  };
}

/** Files that were read whole already, so that they are hashed whatever their size. */
async function lockedInputs(paths: readonly string[], options: ReadOptions): Promise<LockedSourceFile[]> {
  const files: LockedSourceFile[] = [];
  for (const path of paths) {
    await using source = await openFileSource(path);
    const digest = { sha256: await sha256(source, options) };
    files.push({ name: lastPathPart(path), size: source.size, digest, statedBy: null });
  }
  return files;
}

interface SourceFolder {
  readonly folder: Folder;
  /** The folder above, where it may have the tokenizer. */
  readonly parent: Folder | undefined;
}

async function folderOf(path: string): Promise<SourceFolder | undefined> {
  try {
    const opened = await openPath(path);
    if (opened.kind === 'folder') return opened;
    await opened.source.close();
    return { folder: (await fileWithParts(opened.path)).folder, parent: undefined };
  } catch (cause) {
    if (cause instanceof SourceError && cause.code === 'source/not-found') return undefined;
    throw cause;
  }
}

async function lockedFiles(folder: Folder, options: ReadOptions): Promise<LockedSourceFile[]> {
  const lists = await readLists(folder, undefined, options);
  const files: LockedSourceFile[] = [];
  for (const { name, size } of (await folder.list()).filter((file) => !isList(file))) {
    if (size <= HASHED_BYTES) {
      await using source = await folder.open(name);
      files.push({ name, size, digest: { sha256: await sha256(source, options) }, statedBy: null });
      continue;
    }
    const stated = lists.flatMap(({ entries, report }) => {
      return entries.filter((entry) => entry.name === name).map((entry) => ({ ...entry, list: report.name }));
    });
    const best = stated.find(({ algorithm }) => algorithm === 'sha256') ?? stated[0];
    const known = best && { digest: { [best.algorithm]: best.hash }, statedBy: best.list };
    files.push({ name, size, ...(known ?? { digest: null, statedBy: null }) });
  }
  return files;
}

function isList({ name }: FolderEntry): boolean {
  return isLockName(name) || name === CHECKLIST || name === TOKENIZER_CHECKLIST;
}

function sha256(source: ByteSource, { signal }: ReadOptions): Promise<string> {
  return hashSource(source, 'sha256', createNodeHasher, { signal });
}
