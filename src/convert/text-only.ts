/**
 * Layouts that hold text models only.
 *
 * @module
 */
import type { ModelFamily } from '../llama/family.js';
import type { LlamaModel } from '../llama/model.js';
import type { ConvertOptions } from './options.js';
import { ConvertError } from './plan.js';

/** Why there is no GGUF file of a family. */
const NO_GGUF: Readonly<Record<ModelFamily['kind'], string>> = {
  vision:
    'this is a vision model (Llama 3.2 Vision): llama.cpp cannot run its cross-attention layers, so no GGUF file is made of it',
  llama4: 'this is a Llama 4 model: GGUF files of it are not made here',
};

/** What a family is, where there is no folder of Meta's to be made of it. */
const NO_META: Readonly<Record<ModelFamily['kind'], string>> = {
  vision: 'this is a vision model (Llama 3.2 Vision): folders as Meta ships them are made of text models only',
  llama4: 'this is a Llama 4 model: folders as Meta ships them are made of text models only',
};

/** Throws for models that are more than text. @throws ConvertError `convert/unsupported-model` */
export function expectTextModel({ family, path }: Pick<LlamaModel, 'family' | 'path'>, to: ConvertOptions['to']): void {
  if (family === undefined) return;
  throw new ConvertError('convert/unsupported-model', (to === 'meta' ? NO_META : NO_GGUF)[family.kind], {
    path,
    hint: 'it can be converted to Hugging Face safetensors: --to safetensors',
  });
}
