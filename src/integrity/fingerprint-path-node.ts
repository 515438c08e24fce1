/**
 * Fingerprint of the model at a path. One of the few modules that know Node.
 *
 * @module
 */
import type { OpenModelOptions } from '../llama/meta-model.js';
import type { LlamaModel } from '../llama/model.js';
import type { ModelInput } from '../llama/open-model.js';
import { openModel } from '../llama/open-path-node.js';
import type { OperationOptions } from '../options.js';
import { type ModelFingerprint, fingerprintModel } from './fingerprint.js';
import { createNodeHasher } from './hash-node.js';

/** A model's fingerprint and what was read. */
export interface PathFingerprint extends ModelFingerprint, Pick<LlamaModel, 'layout' | 'path'> {}

/**
 * Fingerprint of a model, given its path, the name of a checkpoint under `~/.llama/checkpoints`, or its bytes. Reads every
 * weight once.
 *
 * @throws SourceError, LlamaError, TokenizerError and the errors of the formats, for everything in which the input is no
 *   complete and consistent Llama; the signal's reason
 */
export async function fingerprint(
  input: string | ModelInput,
  { ropeFactor, ...options }: OperationOptions & Pick<OpenModelOptions, 'ropeFactor'> = {},
): Promise<PathFingerprint> {
  await using model = await openModel(input, { ropeFactor, signal: options.signal });
  const found = await fingerprintModel(model, { createHasher: createNodeHasher, ...options });
  return { layout: model.layout, path: model.path, ...found };
}
