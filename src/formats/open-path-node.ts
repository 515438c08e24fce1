/**
 * A file of tensors at a path. One of the few modules that know Node.
 *
 * @module
 */
import { openFileSource } from '../source/file.js';
import type { SourceInput } from '../source/input.js';
import { type OpenTensorFileOptions, openTensorFile as openTensorSource } from './open.js';
import type { TensorFile } from './tensor.js';

/**
 * Opens a file of PyTorch, safetensors or GGUF, given its path or its bytes; reads headers only.
 *
 * @throws SourceError `source/not-found`, `source/permission`, `source/html-page` and its kin
 * @throws ZipError, PickleError, TorchError, SafetensorsError, GgufError
 */
export async function openTensorFile(
  input: string | SourceInput,
  options: OpenTensorFileOptions = {},
): Promise<TensorFile> {
  return openTensorSource(typeof input === 'string' ? await openFileSource(input) : input, options);
}
