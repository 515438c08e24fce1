/**
 * `llama-inspect diff A B`: what lies between two checkpoints?
 *
 * @module
 */
import type { Command } from 'commander';

import { type JobsOption, addJobsOption } from './jobs.js';
import { openComparer } from './kernels.js';
import { parseRopeFactor } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Tensors that were added, are missing or have changed, by how much, the most
changed first: what did this fine-tune touch? Exit code 0 when the two compute
the same, 1 when anything differs.

Examples:
  $ llama-inspect diff Llama3.2-1B Llama3.2-1B-Instruct
  $ llama-inspect diff ./hf 1b-q4_k_m.gguf --all
  $ llama-inspect diff before.gguf after.gguf --json`;

interface DiffCommandOptions extends JobsOption {
  readonly all?: boolean;
  readonly ropeFactor?: number;
}

/** Adds the command. */
export function addDiff(program: Command, bind: Bind): void {
  const command = program
    .command('diff')
    .summary('which tensors differ, and by how much?')
    .description('List what differs between two checkpoints of any layout, the most changed tensors first.')
    .argument('<a>', 'the checkpoint before')
    .argument('<b>', 'the checkpoint after')
    .option('--all', 'every tensor that differs')
    .option('--rope-factor <number>', "rope factor of Meta's folders, which do not state it", parseRopeFactor);
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, a: string, b: string, options: DiffCommandOptions) => {
        const { all, ropeFactor } = options;
        const { openModelPair } = await import('../llama/open-path-node.js');
        const { diffModels } = await import('../check/diff-models.js');
        await using comparer = await openComparer(options);
        const pair = await openModelPair(a, b, { ropeFactor, signal: context.signal });
        await using first = pair.a;
        await using second = pair.b;
        const diff = await context.watch((watching) => diffModels(first, second, { ...watching, comparer }));
        await context.answer({
          lines: async () => (await import('../report/diff.js')).diffLines(diff, { all }),
          json: async () => (await import('../report/diff.js')).diffJson(diff),
        });
        return diff.equal ? 0 : 1;
      }),
    );
}
