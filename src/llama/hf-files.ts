/**
 * Names of the files of weights in a Hugging Face folder.
 *
 * Safetensors since 2023; before, pickles of PyTorch under names of their own. A folder that has both holds the same
 * weights twice, and the safetensors are read, as transformers does.
 *
 * @module
 */

/** How the files of one format are called. */
export interface HfWeightNames {
  /** The file of weights of a model that fits into one. */
  readonly single: string;
  /** The list of shards of a model that does not. */
  readonly index: string;
  /** The format. */
  readonly format: 'safetensors' | 'torch';
}

/** The names by format; the first that is there is read. */
export const HF_WEIGHTS: readonly [HfWeightNames, HfWeightNames] = [
  { single: 'model.safetensors', index: 'model.safetensors.index.json', format: 'safetensors' },
  { single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json', format: 'torch' },
];

/** Whether a folder's files look like a Hugging Face checkpoint. */
export function looksLikeHfFolder(names: readonly string[]): boolean {
  return hfWeightNames(names) !== undefined;
}

/** The names that the weights of a folder have; undefined where it has none. */
export function hfWeightNames(names: readonly string[]): HfWeightNames | undefined {
  return HF_WEIGHTS.find(({ single, index }) => names.includes(single) || names.includes(index));
}

/** Whether a file holds weights that are read as those of a Hugging Face folder, given all names in it. */
export function isHfWeights(name: string, names: readonly string[]): boolean {
  const ending = hfWeightNames(names)?.format === 'torch' ? /^pytorch_model.*\.bin$/ : /\.safetensors$/;
  return ending.test(name);
}
