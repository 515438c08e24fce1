/**
 * `llama-inspect check A B`: are these two the same model?
 *
 * @module
 */
import type { Command } from 'commander';

import { type JobsOption, addJobsOption } from './jobs.js';
import { openComparer, openKernels } from './kernels.js';
import { parseIds, parseRopeFactor } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Hyperparameters, vocabulary and every tensor are compared, then both models are
run on the same tokens, at ordinary positions and spread over the whole context.
Exit code 0 when they are the same within the rounding of their types, else 1.

Examples:
  $ llama-inspect check Llama3.2-1B-Instruct 1b.gguf
  $ llama-inspect check Llama3.2-1B-Instruct ./hf --tokens 128000,9906,11,1917
  $ llama-inspect check ./hf 1b.gguf --json`;

interface CheckCommandOptions extends JobsOption {
  readonly tokens?: number[];
  readonly ropeFactor?: number;
}

/** Adds the command. */
export function addCheck(program: Command, bind: Bind): void {
  const command = program
    .command('check')
    .summary('are two checkpoints the same model?')
    .description('Prove in numbers that two checkpoints, of any layout, are the same model.')
    .argument('<a>', 'the checkpoint that is held to be right')
    .argument('<b>', 'the one to be proven')
    .option('--tokens <ids>', 'further token ids to run: 1,2,3', parseIds)
    .option('--rope-factor <number>', "rope factor of Meta's folders, which do not state it", parseRopeFactor);
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, a: string, b: string, options: CheckCommandOptions) => {
        const { tokens, ropeFactor } = options;
        const { openModelPair } = await import('../llama/open-path-node.js');
        const { compareModels } = await import('../check/compare-models.js');
        await using kernels = await openKernels(options);
        await using comparer = await openComparer(options);
        const pair = await openModelPair(a, b, { ropeFactor, signal: context.signal });
        await using first = pair.a;
        await using second = pair.b;
        const comparison = await context.watch((watching) =>
          compareModels(first, second, { ...watching, tokens: tokens && [tokens], kernels, comparer }),
        );
        await context.answer({
          lines: async () => (await import('../report/comparison.js')).comparisonLines(comparison),
          json: async () => (await import('../report/json.js')).comparisonJson(comparison),
        });
        return comparison.verdict === 'different' ? 1 : 0;
      }),
    );
}
