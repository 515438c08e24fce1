/**
 * Proving what a conversion wrote. One of the few modules that know Node.
 *
 * Nothing that the conversion knows is taken for granted: the output is opened like any other model, and every byte that is
 * compared is read from it.
 *
 * @module
 */
import type { ConversionResult } from '../convert/convert.js';
import { writtenPath } from '../convert/convert-path-node.js';
import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { type CompareOptions, compareModels } from './compare-models.js';
import type { ModelComparison } from './comparison.js';

/**
 * Opens what `convert` wrote and compares it with the model it was made of, as {@link compareModels} does, at its cost. The
 * files stay as they are, whatever is found. `output` is the path that was converted to. A folder of Meta's does not
 * state its rope factor, so it is read with that of the model.
 *
 * @throws the errors of opening a model and of {@link compareModels}
 */
export async function checkConversion(
  model: LlamaModel,
  { plan }: Pick<ConversionResult, 'plan'>,
  output: string,
  options: CompareOptions = {},
): Promise<ModelComparison> {
  const ropeFactor = plan.to === 'meta' ? model.config.ropeScaling?.factor : undefined;
  const { signal } = options;
  await using written = await openModel(writtenPath(plan, output), { ropeFactor, signal });
  return await compareModels(model, written, options);
}
