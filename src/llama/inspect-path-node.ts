/**
 * What lies at a path? One of the few modules that know Node.
 *
 * It may be a checkpoint, a folder of checkpoints, or files of tensors that are no model; each is an answer.
 *
 * @module
 */
import { ggufModelNames } from '../formats/gguf/split-name.js';
import { openTensorFile } from '../formats/open.js';
import type { ByteSource } from '../source/byte-source.js';
import { identifySource } from '../source/identify.js';
import { type OpenPathOptions, type OpenedFile, type OpenedFolder, openPath } from '../source/open-path-node.js';
import { sliceSource } from '../source/slice.js';
import { type FoundCheckpoint, findCheckpointPaths, inspectEach } from './find-checkpoints-node.js';
import { type Inspection, inspectFile, inspectFolder, inspectLooseFiles } from './inspect.js';
import type { OpenModelOptions } from './meta-model.js';
import { LlamaError } from './model.js';
import { inspectModelFileAt } from './model-file-node.js';
import { folderLayout } from './open-model.js';
import { sha256InNode } from './sha256-node.js';

/** How to inspect, and whether an address will do. */
export type InspectPathOptions = OpenModelOptions & OpenPathOptions;

/** What was found at a path. */
export type PathInspection =
  | {
      /** One checkpoint, or one file of tensors. */
      readonly kind: 'one';
      /** What it is. */
      readonly inspection: Inspection;
      /** Paths of further checkpoints in sub-folders of it. */
      readonly inside: readonly string[];
    }
  | {
      /** A folder of checkpoints. */
      readonly kind: 'several';
      /** The folder. */
      readonly path: string;
      /** What is in it. */
      readonly checkpoints: readonly FoundCheckpoint[];
    }
  | {
      /** A folder with files of tensors that are no checkpoint. */
      readonly kind: 'loose';
      /** The folder. */
      readonly path: string;
      /** Its files. */
      readonly files: readonly Inspection[];
    };

/**
 * Inspects what lies at a path, the checkpoint of that name, or with `remote` what lies at an address; reads headers and the tokenizer, no weights.
 *
 * @throws SourceError `source/not-found`, `source/permission`; LlamaError and the errors of the formats
 */
export async function inspectPath(pathOrName: string, options: InspectPathOptions = {}): Promise<PathInspection> {
  const opened = await openPath(pathOrName, options);
  if (opened.kind === 'folder') return inspectFolderPath(opened, options);
  return { kind: 'one', inspection: await inspectOpenedFile(opened, options), inside: [] };
}

async function inspectFolderPath(
  { path, folder, parent, pathOf, below }: OpenedFolder,
  options: InspectPathOptions,
): Promise<PathInspection> {
  const layout = await folderLayout(folder);
  const inside = below === undefined ? await findCheckpointPaths(path) : [];
  if (layout === 'gguf') {
    const names = (await folder.list()).map(({ name }) => name);
    const files = ggufModelNames(names).map(pathOf);
    if (files.length > 1) {
      return { kind: 'several', path, checkpoints: await inspectEach([...files, ...inside], options) };
    }
  }
  if (layout !== undefined) {
    return {
      kind: 'one',
      inspection: await inspectFolder(folder, { parent, sha256: sha256InNode, ...options }),
      inside,
    };
  }
  if (inside.length > 0) return { kind: 'several', path, checkpoints: await inspectEach(inside, options) };
  return { kind: 'loose', path, files: await inspectLooseFiles(folder) };
}

/** Inspects a file; a GGUF file that is no Llama is still a file of tensors. Owns the source. */
async function inspectOpenedFile(opened: OpenedFile, options: OpenModelOptions): Promise<Inspection> {
  const { source } = opened;
  if ((await identifySource(source, options)).kind !== 'gguf') return inspectStored(source);
  try {
    // closing a part of it leaves the file open for a second look
    const inspection = await inspectModelFileAt({ ...opened, source: sliceSource(source, 0, source.size) }, options);
    await source.close();
    return inspection;
  } catch (error) {
    if (!(error instanceof LlamaError) || error.code !== 'llama/unsupported') {
      await source.close();
      throw error;
    }
    return {
      ...(await inspectStored(source)),
      notes: [`no model was recognised: ${error.message}`],
    };
  }
}

async function inspectStored(source: ByteSource): Promise<Inspection> {
  await using file = await openTensorFile(source);
  return inspectFile(file);
}
