/**
 * Listing the tensors that lie at a path. One of the few modules that know Node.
 *
 * @module
 */
import { openTensorFile } from '../formats/open.js';
import type { TensorFile } from '../formats/tensor.js';
import { openTensorFiles } from '../llama/checkpoint-files.js';
import type { RemoteOptions } from '../source/http-options.js';
import { openPath } from '../source/open-path-node.js';
import { createNodeHasher } from './hash-node.js';
import { type ListTensorsOptions, type ListedTensor, listTensors as listTensorsOf } from './list-tensors.js';

/** How tensors at a path are listed. */
export interface ListPathOptions extends Omit<ListTensorsOptions, 'createHasher'>, RemoteOptions {
  /** Hash each tensor; reads every byte once. */
  readonly hash?: 'sha256' | undefined;
}

/**
 * All tensors of a file, or of all files of tensors in a folder, as they lie there. Reads headers only, unless
 * hashes are asked for.
 *
 * @throws SourceError `source/not-found`, `source/permission`, `source/html-page` and its kin
 * @throws LlamaError `llama/no-model` for a folder without a file of tensors; the errors of the formats
 */
export async function listTensors(
  input: string | readonly TensorFile[],
  { hash, remote, ...options }: ListPathOptions = {},
): Promise<readonly ListedTensor[]> {
  const wanted = { ...options, createHasher: hash && createNodeHasher };
  if (typeof input !== 'string') return listTensorsOf(input, wanted);
  const opened = await openPath(input, { remote, signal: options.signal });
  const files = opened.kind === 'folder' ? await openTensorFiles(opened.folder) : [await openTensorFile(opened.source)];
  try {
    return await listTensorsOf(files, wanted);
  } finally {
    for (const file of files) await file.close();
  }
}
