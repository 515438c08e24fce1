/**
 * `llama-inspect verify FOLDER`: is it intact?
 *
 * @module
 */
import type { Command } from 'commander';

import { type JobsOption, addJobsOption } from './jobs.js';
import { hashing } from './kernels.js';
import { collectGlobalName } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Exit code 0 when everything is proven intact, 1 when something is wrong or
could not be proven.

Examples:
  $ llama-inspect verify Llama3.2-1B-Instruct
  $ llama-inspect verify ./llama-2-7b --deep
  $ llama-inspect verify ./llama-2-7b --json`;

interface VerifyCommandOptions extends JobsOption {
  readonly deep?: boolean;
  readonly failOnExtra?: boolean;
  readonly allow?: readonly string[];
}

/** Adds the command. */
export function addVerify(program: Command, bind: Bind): void {
  const command = program
    .command('verify')
    .summary('is it intact? hashes, structure, shapes')
    .description(
      'Compare every file with checklist.chk and lock files, and the tensors with the ' +
        'hyperparameters and the tokenizer, and scan every pickle. Reads every byte ' +
        'once, and with --deep the weights once more.',
    )
    .argument('<path>', 'folder, or GGUF file')
    .option('--deep', 'checksums inside archives by tensor; NaN, infinity, zeros')
    .option('--fail-on-extra', 'a file that is in no list or lock file is a failure')
    .option('--allow <name>', 'no finding of the scan: module.name; may be given again', collectGlobalName);
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: VerifyCommandOptions) => {
        const { deep, allow, failOnExtra } = options;
        const { verifyFolder } = await import('../integrity/verify-path-node.js');
        const asked = { deep, allow, failOnExtra, ...(await hashing(options)) };
        const report = await context.watch((watching) => verifyFolder(path, { ...asked, ...watching }));
        await context.answer({
          lines: async () => (await import('../report/verification.js')).verificationLines(report),
          json: async () => (await import('../report/json.js')).verificationJson(report),
        });
        return report.verdict === 'intact' ? 0 : 1;
      }),
    );
}
