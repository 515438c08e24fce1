/**
 * Hugging Face folders of models that are more than text.
 *
 * @module
 */
import type { DType } from '../dtype.js';
import type { ModelFamily } from '../llama/family.js';
import type { LlamaModel } from '../llama/model.js';
import { llama4Files } from './llama4/plan.js';
import { mllamaFiles } from './mllama/plan.js';
import type { ConvertOptions } from './options.js';
import type { PlannedKind } from './plan.js';

/** Files of the family's layout, and what the person should know. @throws ConvertError, as the planner of the family */
export function familyFiles(
  model: LlamaModel,
  family: ModelFamily,
  dtype: DType,
  options: ConvertOptions,
): Pick<PlannedKind, 'files' | 'warnings'> {
  return family.kind === 'vision'
    ? mllamaFiles(model, family, dtype, options)
    : llama4Files(model, family, dtype, options);
}
