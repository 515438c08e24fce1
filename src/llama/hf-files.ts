/**
 * Names of the files of weights in a Hugging Face folder.
 *
 * @module
 */

/** The file of weights of a model that fits into one. */
export const HF_SINGLE = 'model.safetensors';

/** The list of shards of a model that does not. */
export const HF_INDEX = 'model.safetensors.index.json';

/** Whether a folder's files look like a Hugging Face checkpoint. */
export function looksLikeHfFolder(names: readonly string[]): boolean {
  return names.includes(HF_SINGLE) || names.includes(HF_INDEX);
}
