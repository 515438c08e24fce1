/**
 * A model at a path. One of the few modules that know Node.
 *
 * @module
 */
import { type OpenPathOptions, type OpenedPath, openPath } from '../source/open-path-node.js';
import type { OpenModelOptions } from './meta-model.js';
import { openModelFileAt } from './model-file-node.js';
import { LlamaError, type LlamaModel } from './model.js';
import { type ModelInput, folderLayout, openModel as openModelInput } from './open-model.js';
import { findCheckpointPaths } from './find-checkpoints-node.js';

/**
 * Opens a model lazily, given its path, the name of a checkpoint under `~/.llama/checkpoints`, its bytes, or with
 * `remote` its address.
 * Reads headers and the tokenizer, no weights.
 *
 * @throws SourceError `source/not-found`, `source/permission`
 * @throws LlamaError `llama/several-models` for a folder of checkpoints, and everything for which the input is
 *   no complete and consistent Llama
 */
export async function openModel(
  input: string | ModelInput,
  options: OpenModelOptions & OpenPathOptions = {},
): Promise<LlamaModel> {
  return typeof input === 'string'
    ? openModelAt(await openPath(input, options), options)
    : openModelInput(input, options);
}

/** Opens the model that was found at a path. @throws as {@link openModel} */
export async function openModelAt(opened: OpenedPath, options: OpenModelOptions = {}): Promise<LlamaModel> {
  if (opened.kind === 'file') return openModelFileAt(opened, options);
  const isLocal = opened.below === undefined;
  if (isLocal && (await folderLayout(opened.folder)) === undefined) await expectNoneInside(opened.path);
  return openModelInput(opened.folder, { parent: opened.parent, ...options });
}

/**
 * Refuses a folder in which checkpoints lie, for when it is none itself.
 *
 * @throws LlamaError `llama/several-models`, naming those in it
 */
export async function expectNoneInside(path: string): Promise<void> {
  const [first, ...others] = await findCheckpointPaths(path);
  if (first === undefined) return;
  throw new LlamaError('llama/several-models', 'this is a folder of checkpoints, not a checkpoint', {
    path,
    hint: `name ${others.length === 0 ? 'the one in it' : 'one of them'}: ${[first, ...others].slice(0, 3).join(', ')}`,
  });
}

/** Two models to be compared. */
export interface ModelPair {
  /** The first, which is held to be right. */
  readonly a: LlamaModel;
  /** The second. */
  readonly b: LlamaModel;
}

/**
 * Opens two models to be compared; the caller closes both. A rope factor counts only for Meta's folders, which
 * do not state one: forced on a file that does, it would hide that the file's is wrong.
 *
 * @throws as {@link openModel}
 */
export async function openModelPair(a: string, b: string, options: OpenModelOptions = {}): Promise<ModelPair> {
  const first = await openStated(a, options);
  try {
    return { a: first, b: await openStated(b, options) };
  } catch (cause) {
    await first.close();
    throw cause;
  }
}

async function openStated(path: string, { ropeFactor, ...options }: OpenModelOptions): Promise<LlamaModel> {
  const model = await openModel(path, options);
  if (model.layout !== 'meta' || ropeFactor === undefined) return model;
  await model.close();
  return openModel(path, { ...options, ropeFactor });
}
