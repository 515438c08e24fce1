/**
 * Hugging Face folders of models that are more than text.
 *
 * @module
 */
import type { ModelFamily } from '../llama/family.js';
import type { LlamaModel } from '../llama/model.js';
import { llama4Files } from './llama4/plan.js';
import { mllamaFiles } from './mllama/plan.js';
import type { ConvertOptions } from './options.js';
import { plainTypes } from './plain-types.js';
import type { PlannedKind } from './plan.js';

/** A folder in the family's own layout. @throws ConvertError, as the planner of the family */
export function familyFiles(model: LlamaModel, family: ModelFamily, options: ConvertOptions): PlannedKind {
  const { name: type, dtype, expectExact } = plainTypes(model, options, 'safetensors files');
  const planned =
    family.kind === 'vision' ? mllamaFiles(model, family, dtype, options) : llama4Files(model, family, dtype, options);
  return { type, dtype, expectExact, ...planned };
}
