/**
 * `llama-inspect logits MODEL --tokens 1,2,3`: what does it compute?
 *
 * @module
 */
import type { Command } from 'commander';

import type { ForwardResult } from '../forward/forward.js';
import { type JobsOption, addJobsOption } from './jobs.js';
import { openKernels } from './kernels.js';
import { parseIds, parseRopeFactor } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Examples:
  $ llama-inspect logits Llama3.2-1B-Instruct --tokens 128000,9906
  $ llama-inspect logits 1b.gguf --tokens 1,2,3 --positions 0,1,100000 --json
  $ llama-inspect logits ./hf --tokens 1,2,3 --output logits.npy`;

interface LogitsCommandOptions extends JobsOption {
  readonly tokens: number[];
  readonly positions?: number[];
  readonly output?: string;
  readonly force?: boolean;
  readonly ropeFactor?: number;
}

/** Adds the command. */
export function addLogits(program: Command, bind: Bind): void {
  const command = program
    .command('logits')
    .summary('run the model on token ids')
    .description('Run the reference forward pass on token ids and show the logits of the next token after each.')
    .argument('<model>', 'checkpoint')
    .requiredOption('--tokens <ids>', 'token ids: 1,2,3', parseIds)
    .option('--positions <numbers>', 'position of each token; 0,1,2,… if not given', parseIds)
    .option('-o, --output <file>', 'write them to a NumPy file (float32)')
    .option('--force', 'replace a file that exists')
    .option('--rope-factor <number>', 'rope factor in place of the one chosen or stated', parseRopeFactor);
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: LogitsCommandOptions) => {
        const { tokens, positions, output, force, ropeFactor } = options;
        const { openModel } = await import('../llama/open-path-node.js');
        const { forward } = await import('../forward/forward.js');
        await using kernels = await openKernels(options);
        await using model = await openModel(path, { ropeFactor, signal: context.signal });
        const result = await context.watch((watching) => forward(model, tokens, { positions, kernels, ...watching }));
        if (output !== undefined) await writeNpy(result, output, force);
        await context.answer({
          lines: async () => (await import('../report/logits.js')).logitsLines(result, model.vocabulary, output),
          json: async () => (await import('../report/json.js')).logitsJson(result, model.path, output),
        });
        return 0;
      }),
    );
}

async function writeNpy(result: ForwardResult, output: string, force: boolean | undefined): Promise<void> {
  const { encodeNpy } = await import('../forward/npy.js');
  const { writeFileWhole } = await import('../convert/write-file-node.js');
  await writeFileWhole(output, encodeNpy(result.logits, [result.rows.length, result.vocabSize]), { force });
}
