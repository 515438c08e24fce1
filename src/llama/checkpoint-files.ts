/**
 * The files of tensors behind a path: those of a folder, whatever its layout, or a single file.
 *
 * Unlike a model, this asks nothing of the tensors: names, types and shapes are shown as they lie there.
 *
 * @module
 */
import { openTensorFile } from '../formats/open.js';
import type { TensorFile } from '../formats/tensor.js';
import type { Folder } from '../source/folder.js';
import { LlamaError } from './model.js';

/** Endings of files that hold tensors, in any layout. */
const TENSOR_FILE = /\.(pth|pt|bin|safetensors|gguf)$/;

/**
 * Opens every file of tensors in a folder, by name; reads headers only. The caller closes them.
 *
 * @throws LlamaError `llama/no-model` when there is none, and every error of the formats
 */
export async function openTensorFiles(folder: Folder): Promise<readonly TensorFile[]> {
  const names = (await folder.list()).map(({ name }) => name).filter((name) => TENSOR_FILE.test(name));
  if (names.length === 0) {
    throw new LlamaError('llama/no-model', 'no file of tensors (.pth, .safetensors, .gguf) is in this folder', {
      path: folder.name,
    });
  }
  const files: TensorFile[] = [];
  try {
    for (const name of names) files.push(await openTensorFile(await folder.open(name)));
    return files;
  } catch (cause) {
    for (const file of files) await file.close();
    throw cause;
  }
}
