/**
 * Plan of a Hugging Face folder of Llama 3.2 Vision, in the layout of transformers' `mllama`.
 *
 * @module
 */
import type { DType } from '../../dtype.js';
import type { VisionFamily } from '../../llama/family.js';
import type { LlamaModel } from '../../llama/model.js';
import type { ConvertOptions } from '../options.js';
import { ConvertError, type PlannedFile } from '../plan.js';
import { shardedFiles } from '../safetensors-plan.js';
import { mllamaTensors } from './tensors.js';
import { mllamaTextFiles, mllamaWarnings } from './text-files.js';

/**
 * The files and what the person should know of them.
 *
 * @throws ConvertError `convert/unsupported-model` where position embeddings would have to be interpolated,
 *   `convert/unsupported-type`
 */
export function mllamaFiles(
  model: LlamaModel,
  family: VisionFamily,
  dtype: DType,
  options: ConvertOptions,
): { readonly files: PlannedFile[]; readonly warnings: string[] } {
  expectPositionsFit(model, family);
  const tensors = mllamaTensors(model, family, options.type === undefined ? undefined : dtype);
  const files = [...shardedFiles(tensors, options), ...mllamaTextFiles(model, family, dtype, options)];
  return { files, warnings: mllamaWarnings(family) };
}

function expectPositionsFit({ path }: LlamaModel, { encoder, tileSize }: VisionFamily): void {
  const wanted = Math.floor(tileSize / encoder.patchSize) ** 2;
  if (wanted === encoder.positions) return;
  throw new ConvertError(
    'convert/unsupported-model',
    `the position embeddings are those of ${encoder.positions} patches, but tiles of ${tileSize} pixels have ${wanted}; interpolating them is not supported`,
    { path },
  );
}
