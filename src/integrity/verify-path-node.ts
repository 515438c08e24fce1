/**
 * Verifying what lies at a path. One of the few modules that know Node.
 *
 * @module
 */
import { basename } from 'node:path';

import { folderLayout } from '../llama/open-model.js';
import { expectNoneInside } from '../llama/open-path-node.js';
import type { ThreadOptions } from '../options.js';
import type { Folder } from '../source/folder.js';
import { identifySource } from '../source/identify.js';
import { openFolderPath, openPath } from '../source/open-path-node.js';
import { crc32InNode } from './crc32-node.js';
import { createNodeHasher } from './hash-node.js';
import { hashingOnDisk } from './hash-pool-node.js';
import { LOCK_NAME } from './lock.js';
import { fileWithParts } from './lock-path-node.js';
import { CHECKLIST } from './read-lists.js';
import { type FolderReport, type VerifyFolderOptions, verifyFolder as verifyFolderOf } from './verify-folder.js';

/** How a path is verified. */
export interface VerifyPathOptions extends VerifyFolderOptions, ThreadOptions {}

/**
 * Verifies a checkpoint, given its path, its name under `~/.llama/checkpoints`, or a folder: reads every listed
 * file once, files side by side in threads where that saves time, and the headers and norms of the weights. Of a GGUF file,
 * or any file with a lock file beside it, nothing else in its folder is looked at.
 *
 * @throws SourceError `source/not-found`, `source/not-a-folder`, `source/permission`, `source/bad-threads`; the signal's reason
 * @throws LlamaError `llama/several-models` for a folder of checkpoints
 */
export async function verifyFolder(input: string | Folder, options: VerifyPathOptions = {}): Promise<FolderReport> {
  if (typeof input !== 'string') return verifyFolderOf(input, options);
  const given = { hashFiles: hashingOnDisk(options), crc32: crc32InNode, createHasher: createNodeHasher, ...options };
  const file = await lockedFile(input);
  if (file !== undefined) {
    return { ...(await verifyFolderOf(file.folder, { ...given, weights: file.weights })), path: file.path };
  }
  const { folder, parent, path } = await openFolderPath(input);
  const isListed = (await folder.has(CHECKLIST)) || (await folder.has(LOCK_NAME));
  if ((await folderLayout(folder)) === undefined && !isListed) await expectNoneInside(path);
  return verifyFolderOf(folder, { parent, ...given });
}

/** A GGUF file, or one that was locked, as a folder of its own; undefined for folders and other files. */
async function lockedFile(
  input: string,
): Promise<{ readonly folder: Folder; readonly path: string; readonly weights: string | undefined } | undefined> {
  const opened = await openPath(input);
  if (opened.kind === 'folder') return undefined;
  const { kind } = await identifySource(opened.source).finally(() => opened.source.close());
  const { folder, lockName } = await fileWithParts(opened.path);
  const isKnown = kind === 'gguf' || opened.path.endsWith('.gguf') || (await folder.has(lockName));
  const weights = kind === 'gguf' ? basename(opened.path) : undefined;
  return isKnown ? { folder, path: opened.path, weights } : undefined;
}
