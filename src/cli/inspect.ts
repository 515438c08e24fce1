/**
 * `llama-inspect inspect PATH`, also without the word: what is this?
 *
 * @module
 */
import type { Command } from 'commander';

import type { PathInspection } from '../llama/inspect-path-node.js';
import type { Answer } from './context.js';
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
        await context.answer(await answerFor(found, options));
        return 0;
      }),
    );
}

async function answerFor(found: PathInspection, options: { all?: boolean }): Promise<Answer> {
  const json = await import('../report/json.js');
  if (found.kind === 'one') {
    const { inspectionLines, insideLines } = await import('../report/inspection.js');
    const { inspection, inside } = found;
    return {
      lines: () => [...inspectionLines(inspection, options), ...insideLines(inside)],
      json: () => json.inspectionJson(inspection, inside),
    };
  }
  const { checkpointsLines, looseFilesLines } = await import('../report/checkpoints.js');
  if (found.kind === 'several') {
    const { path, checkpoints } = found;
    return {
      lines: () => checkpointsLines(path, checkpoints),
      json: () => json.checkpointsJson(path, checkpoints),
    };
  }
  const { path, files } = found;
  return { lines: () => looseFilesLines(path, files), json: () => json.looseFilesJson(path, files) };
}
