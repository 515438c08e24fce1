/**
 * A file of tensors at a path. One of the few modules that know Node.
 *
 * @module
 */
import { type ByteSource, SourceError } from '../source/byte-source.js';
import { openDirectory } from '../source/directory.js';
import { openFileSource } from '../source/file.js';
import type { SourceInput } from '../source/input.js';
import { type OpenTensorFileOptions, openTensorFile as openTensorSource } from './open.js';
import type { TensorFile } from './tensor.js';
import { distributedFolder } from './torch/distributed.js';

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
  return openTensorSource(typeof input === 'string' ? await openFile(input) : input, options);
}

/** A folder is refused by what it is, where that can be told. */
async function openFile(path: string): Promise<ByteSource> {
  try {
    return await openFileSource(path);
  } catch (cause) {
    if (!(cause instanceof SourceError) || cause.code !== 'source/not-a-file') throw cause;
    const files = await openDirectory(path).then(
      (folder) => folder.list(),
      () => [],
    );
    const names = files.map(({ name }) => name);
    throw distributedFolder(names, path) ?? cause;
  }
}
