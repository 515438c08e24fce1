/**
 * `convert --check`: the output is opened and compared with its source, as `check` does.
 *
 * @module
 */
import type { ModelComparison } from '../check/comparison.js';
import type { ConversionResult } from '../convert/convert.js';
import type { LlamaModel } from '../llama/model.js';
import type { CommandContext } from './context.js';
import type { JobsOption } from './jobs.js';
import { openComparer, openKernels } from './kernels.js';

/** Compares what was written with what it was made of; the files stay, and where the comparison fails a warning says so. */
export async function prove(
  context: CommandContext,
  model: LlamaModel,
  result: ConversionResult,
  { output, ...jobs }: JobsOption & { readonly output: string },
): Promise<ModelComparison> {
  const { checkConversion } = await import('../check/check-conversion-node.js');
  try {
    await using kernels = await openKernels(jobs);
    await using comparer = await openComparer(jobs);
    return await context.watch((watching) =>
      checkConversion(model, result, output, { ...watching, kernels, comparer }),
    );
  } catch (cause) {
    await context.warn([`${output} is written and stays; what failed is its check`]);
    throw cause;
  }
}
