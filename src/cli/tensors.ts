/**
 * `llama-inspect tensors PATH`: the tensors as they lie in the files.
 *
 * @module
 */
import { type Command, Option } from 'commander';

import type { Bind } from './program.js';
import { type HeaderOption, accessTo, addHeaderOption } from './remote.js';

const EXAMPLES = `
Examples:
  $ llama-inspect tensors consolidated.00.pth
  $ llama-inspect tensors Llama3.2-1B-Instruct --all
  $ llama-inspect tensors model.safetensors --hash sha256 --json`;

interface TensorsCommandOptions extends HeaderOption {
  readonly all?: boolean;
  readonly hash?: 'sha256';
}

/** Adds the command. */
export function addTensors(program: Command, bind: Bind): void {
  const command = program
    .command('tensors')
    .summary('names, types, shapes and hashes of the tensors')
    .description(
      'List the tensors of a file, or of all files of a folder, as they lie there. ' +
        'Reads headers only, unless hashes are asked for; a hash is over the ' +
        'contiguous row-major little-endian bytes.',
    )
    .argument('<path>', 'file of tensors, folder, or https:// address')
    .addOption(new Option('--hash <algorithm>', 'hash each tensor').choices(['sha256']))
    .option('--all', 'each tensor in a row of its own');
  addHeaderOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: TensorsCommandOptions) => {
        const { all, hash } = options;
        const { remote, told } = accessTo(path, options);
        const { listTensors } = await import('../integrity/list-path-node.js');
        const tensors = await context.watch((watching) => listTensors(path, { hash, remote, ...watching }));
        await context.answer(
          told({
            lines: async () => (await import('../report/tensors.js')).tensorsLines(tensors, { all }),
            json: async () => (await import('../report/json.js')).tensorsJson(tensors),
          }),
        );
        return 0;
      }),
    );
}
