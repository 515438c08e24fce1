/**
 * The checkpoints in a folder of checkpoints, such as `~/.llama/checkpoints`. One of the few modules that
 * know Node.
 *
 * Looks one level down: a sub-folder counts when its files look like a checkpoint, a file when it is GGUF.
 *
 * @module
 */
import { openDirectory } from '../source/directory.js';
import { CheckpointError } from '../errors.js';
import { subfolders } from '../source/locate.js';
import { type OpenPathOptions, openPath } from '../source/open-path-node.js';
import { type Inspection, inspectFolder } from './inspect.js';
import type { OpenModelOptions } from './meta-model.js';
import { inspectModelFileAt } from './model-file-node.js';
import { folderLayout } from './open-model.js';
import { sha256InNode } from './sha256-node.js';

/** A checkpoint that was found, in one line. */
export interface FoundCheckpoint {
  /** Its path. */
  readonly path: string;
  /** What its headers tell; undefined when it could not be read. */
  readonly inspection: Inspection | undefined;
  /** Why it could not be read. */
  readonly error: CheckpointError | undefined;
}

/** Paths of the checkpoints in a folder, by name; reads names only. @throws SourceError of the folder */
export async function findCheckpointPaths(path: string): Promise<string[]> {
  const found: string[] = [];
  for (const folder of await subfolders(path)) {
    const layout = await openDirectory(folder).then(folderLayout, () => undefined);
    if (layout !== undefined) found.push(folder);
  }
  return found;
}

/**
 * Inspects each of the checkpoints; reads headers only. One that cannot be read does not hide the others.
 *
 * @throws the signal's reason when aborted
 */
export async function inspectEach(
  paths: readonly string[],
  options: OpenModelOptions & OpenPathOptions = {},
): Promise<readonly FoundCheckpoint[]> {
  const found: FoundCheckpoint[] = [];
  for (const path of paths) found.push(await inspectOne(path, options));
  return found;
}

async function inspectOne(path: string, options: OpenModelOptions & OpenPathOptions): Promise<FoundCheckpoint> {
  options.signal?.throwIfAborted();
  try {
    return { path, inspection: await inspectModelPath(path, options), error: undefined };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { path, inspection: undefined, error };
  }
}

async function inspectModelPath(path: string, options: OpenModelOptions & OpenPathOptions): Promise<Inspection> {
  const opened = await openPath(path, options);
  if (opened.kind === 'folder')
    return inspectFolder(opened.folder, { parent: opened.parent, sha256: sha256InNode, ...options });
  return inspectModelFileAt(opened, options);
}
