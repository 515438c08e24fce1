/**
 * Verifying the files of a checkpoint against its lists.
 *
 * No list, or an empty one, proves nothing and is no success; neither is a list that forgets a shard. Where a
 * hash is wrong, the file itself is looked at, because the remedy depends on what happened to it.
 *
 * @module
 */
import type { OperationOptions } from '../options.js';
import { SourceError } from '../source/byte-source.js';
import { type Folder, type FolderEntry, listBelow } from '../source/folder.js';
import { attemptFile } from './attempt-file.js';
import type { ListedEntry } from './checklist.js';
import { conditionOf, examineFile, explainMismatch } from './condition.js';
import type { FilesReport, KnownRelease, ListedFile, Place, UnlistedFile } from './files-report.js';
import { type HashFiles, hashFilesInTurn } from './hash-files.js';
import { createWasmHasher } from './hash-wasm.js';
import { REGISTRY, TOKENIZER, isWeights, judge, roleOf } from './judge-files.js';
import { type ReleaseExpectation, expectedRelease } from './known-release.js';
import { LOCK_NAME } from './lock.js';
import { CHECKLIST, type FoundList, TOKENIZER_CHECKLIST, readLists } from './read-lists.js';

/** What {@link verifyFiles} takes beside the folder. */
export interface VerifyFilesOptions extends OperationOptions {
  /** Name of a file that holds weights, whatever it is called: one that was given by its path. */
  readonly weights?: string | undefined;
  /** The folder above, where Llama 1 and 2 keep the tokenizer and its list. */
  readonly parent?: Folder | undefined;
  /** How to hash; by default in this thread with WebAssembly. */
  readonly hashFiles?: HashFiles | undefined;
}

/**
 * Compares the files of a folder with `checklist.chk`, `tokenizer_checklist.chk` and its lock files, where no list names the
 * weights with the registry of releases, and looks at each file that is wrong or in no list. Reads every listed file once
 * for each list that names it.
 *
 * Faults of files are findings, not errors: it rejects only when the folder cannot be listed or on an abort.
 *
 * @param folder - the checkpoint
 * @param options - the parent folder, the way to hash; an abort rejects with the signal's reason
 * @throws SourceError `source/not-found`, `source/permission`, `source/read-failed`
 */
export async function verifyFiles(folder: Folder, options: VerifyFilesOptions = {}): Promise<FilesReport> {
  const { parent } = options;
  const lists = await readLists(folder, parent, options);
  const present = await presentFiles(folder, lists);
  const targets = await locate(lists, folder);
  const expectation = await expectedRelease(
    folder,
    present,
    targets.some(({ entry }) => isWeights(entry.name, options.weights)),
  );
  targets.push(...(await locateKnown(expectation, targets, folder, parent)));
  const checked = await verifyTargets(targets, options);
  const { known, files } = claimed(expectation?.report ?? null, checked);
  const unlisted = await examineUnlisted(folder, present, { files, lists }, options);
  const tokenizerAbove = await isTokenizerAbove(present, files, parent);
  return judge({ lists: lists.map(({ report }) => report), known, files, unlisted }, tokenizerAbove, options.weights);
}

/** The files that lists may speak of: Meta's of those in the folder, a lock file of the folder also of those below. */
async function presentFiles(folder: Folder, lists: readonly FoundList[]): Promise<readonly FolderEntry[]> {
  const isLocked = lists.some(({ report }) => report.name === LOCK_NAME && report.status === 'read');
  return isLocked ? listBelow(folder) : folder.list();
}

/** Files that the registry knows and no list names; the tokenizer may lie in the folder above. */
async function locateKnown(
  expectation: ReleaseExpectation | undefined,
  listed: readonly Target[],
  folder: Folder,
  parent: Folder | undefined,
): Promise<Target[]> {
  const targets: Target[] = [];
  for (const entry of expectation?.entries ?? []) {
    if (listed.some((target) => target.entry.name === entry.name)) continue;
    const isAbove =
      entry.name === TOKENIZER &&
      parent !== undefined &&
      !(await folder.has(TOKENIZER)) &&
      (await parent.has(TOKENIZER));
    const [where, place] = isAbove ? [parent, 'parent' as const] : [folder, 'folder' as const];
    targets.push({ folder: where, place, list: REGISTRY, entry });
  }
  return targets;
}

/**
 * What the registry may say: a folder that is not called by a release's name makes no claim, so weights that are not
 * the release's are no fault of it, and the registry then says nothing.
 */
function claimed(known: KnownRelease | null, files: readonly ListedFile[]): Pick<FilesReport, 'known' | 'files'> {
  if (known?.by !== 'params.json') return { known, files };
  const ofRegistry = (file: ListedFile): boolean => file.list === REGISTRY;
  const sameSizes = known.sizes.every(({ expected, found }) => expected === found);
  if (sameSizes && files.filter(ofRegistry).every(({ status }) => status === 'ok')) return { known, files };
  return { known: null, files: files.filter((file) => !ofRegistry(file)) };
}

/** A file that a list names, and where to look for it. */
interface Target {
  readonly folder: Folder;
  readonly place: Place;
  readonly list: string;
  readonly entry: ListedEntry;
}

/**
 * The parent's list may belong to other checkpoints there, so it counts only for names that no list of the
 * folder knows, and the folder's own copy of the file comes first.
 */
async function locate(lists: readonly FoundList[], folder: Folder): Promise<Target[]> {
  const targets: Target[] = [];
  for (const list of lists) {
    const known = new Set(targets.map(({ entry }) => entry.name));
    for (const entry of list.entries) {
      const own = list.report.place === 'folder';
      if (!own && known.has(entry.name)) continue;
      const here = own || (await folder.has(entry.name));
      const [where, place] = here ? [folder, 'folder' as const] : [list.folder, 'parent' as const];
      targets.push({ folder: where, place, list: list.report.name, entry });
    }
  }
  return targets;
}

async function verifyTargets(targets: readonly Target[], options: VerifyFilesOptions): Promise<ListedFile[]> {
  const { signal, onProgress, hashFiles = hashFilesInTurn(createWasmHasher) } = options;
  const files: ListedFile[] = [];
  const found: { readonly target: Target; readonly size: number; readonly index: number }[] = [];
  for (const [index, target] of targets.entries()) {
    const size = await attemptFile(target.folder, target.entry.name, async (source) => source.size);
    if (size instanceof SourceError) files[index] = withoutHash(target, size);
    else found.push({ target, size, index });
  }
  const toHash = found.map(({ target: { folder, entry }, size }) => {
    return { folder, name: entry.name, size, algorithm: entry.algorithm };
  });
  const outcomes = await hashFiles(toHash, { signal, onProgress });
  for (const [nth, { target, size, index }] of found.entries()) {
    const outcome = outcomes[nth] ?? { error: new SourceError('source/read-failed', 'hashing it gave no result') };
    files[index] =
      'error' in outcome
        ? withoutHash(target, outcome.error)
        : await withHash(target, size, outcome.digest, { signal, onProgress });
  }
  return files;
}

function withoutHash({ place, list, entry }: Target, error: SourceError): ListedFile {
  const { name, line, algorithm, hash: expected } = entry;
  const missing = error.code === 'source/not-found';
  const status = missing ? 'missing' : 'unreadable';
  const condition = missing ? null : conditionOf(error);
  return { place, name, list, line, algorithm, expected, found: null, size: null, status, condition };
}

async function withHash(target: Target, size: number, found: string, options: OperationOptions): Promise<ListedFile> {
  const { folder, place, list, entry } = target;
  const { name, line, algorithm, hash: expected } = entry;
  const file = { place, name, list, line, algorithm, expected, found, size };
  if (found === expected) return { ...file, status: 'ok', condition: null };
  const cause = await attemptFile(folder, name, (source) => explainMismatch(name, source, options));
  return { ...file, status: 'mismatch', condition: cause instanceof SourceError ? conditionOf(cause) : cause };
}

async function examineUnlisted(
  folder: Folder,
  present: readonly FolderEntry[],
  { files, lists }: { readonly files: readonly ListedFile[]; readonly lists: readonly FoundList[] },
  { signal, onProgress }: OperationOptions,
): Promise<UnlistedFile[]> {
  // no list names itself; what has a lock file's name and is none is a file as any other
  const own = lists.filter(({ report: { place, status } }) => place === 'folder' && status === 'read');
  const covered = new Set([CHECKLIST, TOKENIZER_CHECKLIST, ...own.map(({ report }) => report.name)]);
  for (const { place, name } of files) if (place === 'folder') covered.add(name);
  const unlisted: UnlistedFile[] = [];
  for (const { name, size } of present) {
    if (covered.has(name)) continue;
    const role = roleOf(name);
    const seen =
      role === 'other'
        ? undefined
        : await attemptFile(folder, name, (source) => examineFile(name, source, { signal, onProgress }));
    const condition = seen instanceof SourceError ? conditionOf(seen) : (seen ?? null);
    unlisted.push({ name, size, role, condition });
  }
  return unlisted;
}

/** Whether the tokenizer lies only in the parent, and no list names it. */
async function isTokenizerAbove(
  present: readonly FolderEntry[],
  files: readonly ListedFile[],
  parent: Folder | undefined,
): Promise<boolean> {
  const known = [...present, ...files].some(({ name }) => name === TOKENIZER);
  return !known && parent !== undefined && (await parent.has(TOKENIZER));
}
