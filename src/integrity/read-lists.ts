/**
 * Finding and reading the lists of a folder: Meta's, and our lock files.
 *
 * Since Llama 3 one `checklist.chk` names everything. Llama 1 and 2 keep the tokenizer and its own list in the
 * parent, shared by all sizes; a downloader may have put both into each folder.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { type ByteSource, type ReadOptions, SourceError } from '../source/byte-source.js';
import type { Folder } from '../source/folder.js';
import { attemptFile } from './attempt-file.js';
import { type ListedEntry, parseChecklist } from './checklist.js';
import { type Condition, conditionOf, examineFile } from './condition.js';
import type { ListReport, Place } from './files-report.js';
import { LockError, isLockName } from './lock.js';
import { readLock } from './read-lock.js';

/** Name of the list of a checkpoint. */
export const CHECKLIST = 'checklist.chk';
/** Name of the list of a tokenizer that several checkpoints share. */
export const TOKENIZER_CHECKLIST = 'tokenizer_checklist.chk';

/** A list and what it names. */
export interface FoundList {
  /** The folder in which it lies. */
  readonly folder: Folder;
  /** What is told about it. */
  readonly report: ListReport;
  /** The files it names, but for itself: no list can hold its own hash. */
  readonly entries: readonly ListedEntry[];
}

/**
 * Reads the lists of a folder and, of its parent, that of the tokenizer; a list that is not there is left out,
 * one that cannot be used is reported.
 */
export async function readLists(
  folder: Folder,
  parent: Folder | undefined,
  options: ReadOptions = {},
): Promise<readonly FoundList[]> {
  const locks = (await folder.list()).map(({ name }) => name).filter(isLockName);
  const lists = [
    await readList(folder, 'folder', CHECKLIST, options),
    await readList(folder, 'folder', TOKENIZER_CHECKLIST, options),
    parent === undefined ? undefined : await readList(parent, 'parent', TOKENIZER_CHECKLIST, options),
    ...(await Promise.all(locks.map((name) => readLockList(folder, name, options)))),
  ];
  return lists.filter((list) => list !== undefined);
}

/** Longest list that is read, in bytes: Meta's own stay below 1 kB, and 1 MiB has room for 10,000 files. */
const LIST_BYTES_LIMIT = 1 << 20;

async function readList(
  folder: Folder,
  place: Place,
  name: string,
  options: ReadOptions,
): Promise<FoundList | undefined> {
  const content = await attemptFile(folder, name, (source) => readContent(name, source, options));
  if (content instanceof SourceError && content.code === 'source/not-found') return undefined;
  if (!(content instanceof Uint8Array)) {
    const condition = content instanceof SourceError ? conditionOf(content) : content;
    return { folder, report: { place, name, status: 'unusable', entryCount: 0, problems: [], condition }, entries: [] };
  }
  const { entries: listed, problems } = parseChecklist(content);
  const entries = listed.filter((entry) => entry.name !== name);
  const status = entries.length > 0 ? 'read' : problems.length > 0 ? 'unusable' : 'empty';
  return { folder, report: { place, name, status, entryCount: entries.length, problems, condition: null }, entries };
}

/** The bytes of a list, or why they are none. */
async function readContent(name: string, source: ByteSource, options: ReadOptions): Promise<Uint8Array | Condition> {
  const { size } = source;
  if (size > LIST_BYTES_LIMIT) {
    return { kind: 'source/unrecognised', message: `a list was expected, but ${size} bytes are far too many for one` };
  }
  const condition = size === 0 ? undefined : await examineFile(name, source, options);
  return condition ?? (await source.read(0, size, options));
}

/** A lock file as a list: its files are numbered as its subject names them. */
async function readLockList(folder: Folder, name: string, options: ReadOptions): Promise<FoundList> {
  const lock = await readLock(folder, name, options);
  const report = { place: 'folder', name, problems: [] } as const;
  if (lock instanceof LockError && lock.outside !== undefined) {
    const problems = [lock.outside];
    return { folder, report: { ...report, status: 'unusable', entryCount: 0, problems, condition: null }, entries: [] };
  }
  if (lock instanceof CheckpointError) {
    const condition: Condition = { kind: 'source/unrecognised', message: lock.message };
    return { folder, report: { ...report, status: 'unusable', entryCount: 0, condition }, entries: [] };
  }
  const entries = lock.subject.map((file, index): ListedEntry => {
    return { name: file.name, hash: file.digest.sha256, algorithm: 'sha256', line: index + 1 };
  });
  return { folder, report: { ...report, status: 'read', entryCount: entries.length, condition: null }, entries };
}
