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
import { openPath } from '../source/open-path-node.js';
import { hashSource } from '../integrity/hash.js';
import { createNodeHasher } from '../integrity/hash-node.js';
import { type LockedAdapter, type LockedSource, type LockedSourceFile, isLockName } from '../integrity/lock.js';
import { fileWithParts } from '../integrity/lock-path-node.js';
import { CHECKLIST, TOKENIZER_CHECKLIST, readLists } from '../integrity/read-lists.js';
import type { LlamaModel } from '../llama/model.js';
import { lastPathPart } from '../llama/model-name.js';

/** Largest file that is read for its hash alone; the largest tokenizer has 28 MB. */
const HASHED_BYTES = 32 << 20;

/**
 * A model's files and those of adapters merged into it, by name; none of what lies not on disk. Reads files up to 32 MiB.
 *
 * @throws SourceError
 */
export async function lockedSource(model: LlamaModel, options: ReadOptions = {}): Promise<LockedSource> {
  const { layout, path } = model;
  const source = { name: lastPathPart(path), layout, files: await filesAt(path, options) };
  const adapters: LockedAdapter[] = [];
  for (const folder of model.adapters ?? []) {
    adapters.push({ name: lastPathPart(folder), files: await filesAt(folder, options) });
  }
  return adapters.length === 0 ? source : { ...source, adapters };
}

async function filesAt(path: string, options: ReadOptions): Promise<LockedSourceFile[]> {
  const folder = await folderOf(path);
  return folder === undefined ? [] : lockedFiles(folder, options);
}

async function folderOf(path: string): Promise<Folder | undefined> {
  try {
    const opened = await openPath(path);
    if (opened.kind === 'folder') return opened.folder;
    await opened.source.close();
    return (await fileWithParts(opened.path)).folder;
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
