/**
 * Is this checkpoint intact? Its files against their lists, its tensors against its hyperparameters.
 *
 * Both halves run whatever the other finds. Without a list the structure is still checked, but nothing then
 * proves the bytes, so the verdict is `unproven` and says what was not covered.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import { looksLikeMetaFolder, openMetaCheckpoint } from '../llama/meta-checkpoint.js';
import { metaModel } from '../llama/meta-model.js';
import type { LlamaConfig } from '../llama/model.js';
import { folderLayout, openModelFolder } from '../llama/open-model.js';
import type { OperationOptions } from '../options.js';
import type { Folder } from '../source/folder.js';
import type { Crc32 } from './deep-members.js';
import type { DeepReport } from './deep-report.js';
import type { FilesReport, FilesVerdict } from './files-report.js';
import type { HashFiles } from './hash-files.js';
import { isLockName } from './lock.js';
import { scanFolder } from './scan/scan-folder.js';
import type { ScanReport } from './scan/scan-report.js';
import type { CreateHasher } from './hash.js';
import { verifyFiles } from './verify-files.js';
import type { LockReport } from './verify-lock.js';

/** What the tensors and hyperparameters say about each other. */
export interface StructureReport {
  /** `consistent`, or `failed` with the reason. */
  readonly status: 'consistent' | 'failed';
  /** The fault, when it failed. */
  readonly error: CheckpointError | undefined;
  /** Hyperparameters, when consistent. */
  readonly config: LlamaConfig | undefined;
  /** What was and was not looked at, one clause each. */
  readonly notes: readonly string[];
}

/** Everything that verifying a folder found. */
export interface FolderReport {
  /** The folder. */
  readonly path: string;
  /** `failed` when anything is wrong, `unproven` when something could not be checked, else `intact`. */
  readonly verdict: FilesVerdict;
  /** Files against their lists. */
  readonly files: FilesReport;
  /** What became of the model since it was locked, for each lock file. */
  readonly locks: readonly LockReport[];
  /** Files that no list names, which were to be taken for a failure; empty unless asked for. */
  readonly extra: readonly string[];
  /** Tensors against hyperparameters and tokenizer. */
  readonly structure: StructureReport;
  /** What would run if Python loaded the files, and what two programs would read differently. */
  readonly scan: ScanReport;
  /** Every byte of the weights; undefined unless asked for. */
  readonly deep: DeepReport | undefined;
}

/** How to verify. */
export interface VerifyFolderOptions extends OperationOptions {
  /** Name of a file that holds weights, whatever it is called: one that was given by its path. */
  readonly weights?: string | undefined;
  /** Folder above, where Llama 1 and 2 keep the tokenizer and its list. */
  readonly parent?: Folder | undefined;
  /** Implementation of hashing; WebAssembly in this thread when absent. */
  readonly hashFiles?: HashFiles | undefined;
  /** Whether to look at every byte of the weights too: checksums inside archives, NaN and infinity. */
  readonly deep?: boolean | undefined;
  /** Implementation of CRC-32 for that; JavaScript when absent. */
  readonly crc32?: Crc32 | undefined;
  /** Implementation of SHA-256 for fingerprints; WebAssembly when absent. */
  readonly createHasher?: CreateHasher | undefined;
  /** Whether a file that no list names is a failure. */
  readonly failOnExtra?: boolean | undefined;
  /** Names that pickles may hold although no list has them, `module.name`. */
  readonly allow?: readonly string[] | undefined;
}

/**
 * Verifies a checkpoint folder: reads every listed file once for each list, the headers and norms of the weights, and the
 * pickles in them as {@link scanFolder} does; with `deep` every file of weights once more, and where a file is not as its
 * lock file says, every weight for its fingerprint.
 * Findings are data; nothing about the folder's content is thrown.
 *
 * @throws SourceError when the folder itself cannot be read; the signal's reason when aborted
 */
export async function verifyFolder(folder: Folder, options: VerifyFolderOptions = {}): Promise<FolderReport> {
  const { parent, hashFiles, signal, onProgress } = options;
  const files = await verifyFiles(folder, {
    ...{ signal, onProgress, weights: options.weights },
    ...(parent && { parent }),
    ...(hashFiles && { hashFiles }),
  });
  const locks = await heldAgainstLocks(folder, files, options);
  const structure = await verifyStructure(folder, options);
  const scan = await scanFolder(folder, { allow: options.allow, signal, onProgress });
  const deep = options.deep === true ? await lookDeeper(folder, options) : undefined;
  const isUnsafe = scan.files.some((file) => file.verdict !== 'clean');
  const isChanged = locks.some(({ status }) => status === 'changed' || status === 'unreadable');
  const extra = options.failOnExtra === true ? files.unlisted.map(({ name }) => name) : [];
  const isFailed =
    structure.status === 'failed' || isUnsafe || isChanged || extra.length > 0 || deep?.verdict === 'failed';
  const verdict = isFailed ? 'failed' : files.verdict;
  return { path: folder.name, verdict, files, locks, extra, structure, scan, deep };
}

/** Loaded only where there is a lock file. */
async function heldAgainstLocks(
  folder: Folder,
  files: FilesReport,
  options: VerifyFolderOptions,
): Promise<readonly LockReport[]> {
  if (!files.lists.some(({ name, status }) => isLockName(name) && status === 'read')) return [];
  const { verifyLocks } = await import('./verify-lock.js');
  return verifyLocks(folder, files, options);
}

/** Loaded only when it is asked for. */
async function lookDeeper(folder: Folder, options: VerifyFolderOptions): Promise<DeepReport> {
  const { verifyDeep } = await import('./verify-deep.js');
  return verifyDeep(folder, options);
}

async function verifyStructure(folder: Folder, options: VerifyFolderOptions): Promise<StructureReport> {
  try {
    const names = (await folder.list()).map(({ name }) => name);
    return looksLikeMetaFolder(names) ? await verifyMeta(folder, options) : await verifyOther(folder, options);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    return { status: 'failed', error: cause, config: undefined, notes: [] };
  }
}

async function verifyMeta(folder: Folder, { parent, signal }: VerifyFolderOptions): Promise<StructureReport> {
  const checkpoint = await openMetaCheckpoint(folder);
  try {
    const model = await metaModel(checkpoint, { parent, signal });
    await model.expectConsistentWeights({ signal });
    const replicas = checkpoint.shards.length > 1 ? ['replicated tensors are equal in all shards'] : [];
    const scales =
      model.quantization === undefined ? [] : [`${model.quantization.name}: every scale is there and fits`];
    const notes = [
      ...structureNotes(model.tensors.size),
      ...scales,
      ...replicas,
      tokenizerNote(model.vocabulary?.size),
    ];
    return { status: 'consistent', error: undefined, config: model.config, notes };
  } finally {
    await checkpoint.close();
  }
}

async function verifyOther(folder: Folder, { parent, signal }: VerifyFolderOptions): Promise<StructureReport> {
  await using model = await openModelFolder(folder, { parent, signal });
  await model.expectConsistentWeights({ signal });
  const layout = await folderLayout(folder);
  model.vocabulary?.merges(); // are looked through when they are asked for
  const notes = [...structureNotes(model.tensors.size), tokenizerNote(model.vocabulary?.size), `${layout} layout`];
  return { status: 'consistent', error: undefined, config: model.config, notes };
}

function structureNotes(count: number): string[] {
  return [`all ${count} tensors are present and have the right shapes`];
}

function tokenizerNote(size: number | undefined): string {
  return size === undefined
    ? 'there is no tokenizer to check'
    : `the tokenizer has ${size} tokens and fits the embedding`;
}
