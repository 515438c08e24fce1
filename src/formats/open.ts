/**
 * Any file of tensors, recognised by its content and never by its name.
 *
 * Each format's reader is imported when it is met, so that a command starts fast.
 *
 * @module
 */
import type { PickleLimits } from '../pickle/limits.js';
import type { ReadOptions } from '../source/byte-source.js';
import { identifySource } from '../source/identify.js';
import { type SourceInput, sourceOf } from '../source/input.js';
import { describeMistake } from '../source/mistake.js';
import type { TensorFile } from './tensor.js';

/** How a file of tensors is opened. */
export interface OpenTensorFileOptions extends ReadOptions {
  /** Caps on the pickle of a PyTorch file, other than the defaults. */
  readonly limits?: Partial<PickleLimits> | undefined;
}

/**
 * Opens a file of PyTorch, safetensors or GGUF. Owns the source from here on, also when it throws.
 * Reads headers only.
 *
 * @throws SourceError `source/html-page` and its kin for what is no file of tensors
 * @throws ZipError, PickleError, TorchError, SafetensorsError, GgufError
 */
export async function openTensorFile(input: SourceInput, options: OpenTensorFileOptions = {}): Promise<TensorFile> {
  const source = sourceOf(input);
  try {
    const identification = await identifySource(source, options);
    switch (identification.kind) {
      case 'zip':
      case 'torch-legacy':
      case 'tar':
      case 'pickle':
        return await (await import('./torch/torch-file.js')).openTorchFile(source, options);
      case 'safetensors':
        return await (await import('./safetensors/read.js')).openSafetensorsFile(source, options);
      case 'gguf':
        return await (await import('./gguf/read.js')).openGgufFile(source, options);
      default:
        throw describeMistake(identification, 'a file of tensors (PyTorch, safetensors or GGUF)', source.name);
    }
  } catch (cause) {
    await source.close();
    throw cause;
  }
}
