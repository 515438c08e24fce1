/**
 * Every byte of the weights of a folder: checksums of archives, and numbers that are none.
 *
 * A list of hashes tells that a file is damaged; this tells where, and needs no list. It finds too what no hash can
 * find: weights that were NaN before they were saved.
 *
 * @module
 */
import { CheckpointError } from '../errors.js';
import type { OperationOptions } from '../options.js';
import type { Folder, FolderEntry } from '../source/folder.js';
import { checkTensorFile } from './deep-file.js';
import type { Crc32 } from './deep-members.js';
import { type DeepFile, type DeepReport, isSpecial } from './deep-report.js';
import { isWeights } from './judge-files.js';

/** How to look. */
export interface VerifyDeepOptions extends OperationOptions {
  /** Name of a file that holds weights, whatever it is called: one that was given by its path. */
  readonly weights?: string | undefined;
  /** Implementation of CRC-32; JavaScript when absent. */
  readonly crc32?: Crc32 | undefined;
}

/**
 * Looks at every byte of every file of tensors in a folder; reads each once and holds two blocks of 1 MiB. What is
 * wrong is a finding, not an error.
 *
 * @throws SourceError when the folder itself cannot be read; the signal's reason when aborted
 */
export async function verifyDeep(folder: Folder, options: VerifyDeepOptions = {}): Promise<DeepReport> {
  const { signal, onProgress, crc32 } = options;
  const entries = (await folder.list()).filter(({ name }) => isWeights(name, options.weights));
  const total = entries.reduce((sum, { size }) => sum + size, 0);
  const files: DeepFile[] = [];
  let before = 0;
  for (const entry of entries) {
    signal?.throwIfAborted();
    let done = 0;
    const onBytes = (count: number): void => {
      done = Math.min(done + count, entry.size); // views of the same bytes are read again
      onProgress?.({ phase: 'look', item: entry.name, done: before + done, total });
    };
    files.push(await checkEntry(folder, entry, { signal, crc32, onBytes }));
    before += entry.size;
  }
  const isFailed = files.some(
    ({ error, members, tensors }) =>
      error !== undefined || (members?.damaged.length ?? 0) > 0 || tensors.some((tensor) => isSpecial(tensor)),
  );
  return { verdict: isFailed ? 'failed' : 'sound', files };
}

async function checkEntry(
  folder: Folder,
  { name }: FolderEntry,
  options: Parameters<typeof checkTensorFile>[1],
): Promise<DeepFile> {
  try {
    await using source = await folder.open(name);
    return { name, ...(await checkTensorFile(source, options)) };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { name, members: undefined, tensors: [], skipped: [], error };
  }
}
