/**
 * `llama-inspect inspect PATH`, also without the word: what is this?
 *
 * @module
 */
import type { Command } from 'commander';

import type { Bind } from './program.js';

const EXAMPLES = `
Examples:
  $ llama-inspect Llama3.2-1B-Instruct
  $ llama-inspect inspect ~/.llama/checkpoints
  $ llama-inspect inspect model.gguf --all
  $ llama-inspect inspect Llama3.2-1B-Instruct --json`;

/** Adds the command. */
export function addInspect(program: Command, bind: Bind): void {
  program
    .command('inspect', { isDefault: true })
    .summary('what is this? (the default)')
    .description(
      'Show what a checkpoint is: release, hyperparameters, tensors, tokenizer, files. ' +
        'Reads headers only. A folder of checkpoints is listed, one line each.',
    )
    .argument('<path>', 'checkpoint, folder of checkpoints, or file of tensors')
    .option('--all', 'each tensor in a row of its own')
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: { all?: boolean }) => {
        const { inspectPath } = await import('../llama/inspect-path-node.js');
        const found = await inspectPath(path, { signal: context.signal });
        await context.answer({
          lines: async () => (await import('../report/path-inspection.js')).pathInspectionLines(found, options),
          json: async () => (await import('../report/json.js')).pathInspectionJson(found),
        });
        return 0;
      }),
    );
}
