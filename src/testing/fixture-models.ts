/**
 * The models of `fixtures/`, opened as from a folder.
 *
 * Not part of the package.
 *
 * @module
 */
import { type MetaModel, openMetaModel } from '../llama/meta-model.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-model.js';
import { openDirectory } from '../source/directory.js';
import { modelFolder } from './fixtures.js';

/** A model of the fixtures, to be closed by the caller. */
export async function openFixture(name: string): Promise<LlamaModel> {
  return openModel(await openDirectory(modelFolder(name)));
}

/** The same, with the checkpoint it came from. */
export async function openMetaFixture(name: string): Promise<MetaModel> {
  return openMetaModel(await openDirectory(modelFolder(name)));
}
