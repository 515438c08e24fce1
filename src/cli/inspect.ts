/**
 * `llama-inspect inspect PATH`, also without the word: what is this?
 *
 * @module
 */
import type { Command } from 'commander';

import type { FileTypeName } from '../convert/file-types.js';
import type { SizeForecast } from '../convert/what-if.js';
import type { RemoteOptions } from '../source/http-options.js';
import type { CommandContext } from './context.js';
import { parseFileTypes } from './parse-types.js';
import type { Bind } from './program.js';
import { type HeaderOption, accessTo, addHeaderOption } from './remote.js';

const EXAMPLES = `
Examples:
  $ llama-inspect Llama3.2-1B-Instruct
  $ llama-inspect inspect ~/.llama/checkpoints
  $ llama-inspect inspect model.gguf --all
  $ llama-inspect inspect Llama3.2-1B-Instruct --what-if
  $ llama-inspect inspect model.gguf --what-if q8_0,q4_k_m
  $ llama-inspect inspect Llama3.2-1B-Instruct --json`;

interface InspectCommandOptions extends HeaderOption {
  readonly all?: boolean;
  /** True without a list of types. */
  readonly whatIf?: true | readonly FileTypeName[];
}

/** Adds the command. */
export function addInspect(program: Command, bind: Bind): void {
  const command = program
    .command('inspect', { isDefault: true })
    .summary('what is this? (the default)')
    .description(
      'Show what a checkpoint is: release, hyperparameters, tensors, tokenizer, files. ' +
        'Reads headers only. A folder of checkpoints is listed, one line each.',
    )
    .argument('<path>', 'checkpoint, folder of checkpoints, file of tensors, or https:// address')
    .option('--all', 'each tensor in a row of its own')
    .option(
      '--what-if [types]',
      'how large GGUF files of other types would be: q8_0,q4_k_m, or every type',
      parseFileTypes,
    );
  addHeaderOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: InspectCommandOptions) => {
        const { all, whatIf: types } = options;
        const { remote, told } = accessTo(path, options);
        const { inspectPath } = await import('../llama/inspect-path-node.js');
        const whatIf = types === undefined ? undefined : await forecast(context, { path, remote }, types);
        const found = await inspectPath(path, { remote, signal: context.signal });
        await context.answer(
          told({
            lines: async () =>
              (await import('../report/path-inspection.js')).pathInspectionLines(found, { all, whatIf }),
            json: async () => (await import('../report/json.js')).pathInspectionJson(found, whatIf),
          }),
        );
        return 0;
      }),
    );
}

/** Sizes of files that could be made of the model; only a model that can be converted has any. */
async function forecast(
  { signal }: CommandContext,
  { path, remote }: RemoteOptions & { readonly path: string },
  types: true | readonly FileTypeName[],
): Promise<SizeForecast[]> {
  const { openModel } = await import('../llama/open-path-node.js');
  const { forecastSizes } = await import('../convert/what-if.js');
  await using model = await openModel(path, { remote, signal });
  return forecastSizes(model, types === true ? undefined : types);
}
