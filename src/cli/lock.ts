/**
 * `llama-inspect lock PATH`: write down what is there.
 *
 * @module
 */
import type { Command } from 'commander';

import { type JobsOption, addJobsOption } from './jobs.js';
import { hashing } from './kernels.js';
import { parseRopeFactor } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Writes llama-inspect.lock.json into a folder, or FILE.llama-inspect.lock.json
beside a file: an in-toto Statement with the SHA-256 of every file and the
fingerprint of every tensor. verify then checks against it.

Examples:
  $ llama-inspect lock Llama3.2-1B-Instruct
  $ llama-inspect lock 1b.gguf
  $ llama-inspect lock ./hf --force`;

interface LockCommandOptions extends JobsOption {
  readonly force?: boolean;
  readonly ropeFactor?: number;
}

/** Adds the command. */
export function addLock(program: Command, bind: Bind): void {
  const command = program
    .command('lock')
    .summary('write down hashes and fingerprints')
    .description('Write a lock file: hashes of all files, fingerprints of all tensors. Reads every byte twice.')
    .argument('<path>', 'folder, or a file')
    .option('--force', 'replace a lock file that exists')
    .option('--rope-factor <number>', "rope factor of Meta's folders, which do not state it", parseRopeFactor);
  addJobsOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: LockCommandOptions) => {
        const { force, ropeFactor } = options;
        const { lock } = await import('../integrity/lock-path-node.js');
        const { formatLock } = await import('../integrity/lock.js');
        const { writeFileWhole } = await import('../convert/write-file-node.js');
        const asked = { ropeFactor, force, ...(await hashing(options)) };
        const made = await context.watch((watching) => lock(path, { ...asked, ...watching }));
        await writeFileWhole(made.lockPath, formatLock(made.lock), { force });
        await context.warn(made.warnings);
        await context.answer({
          lines: async () => (await import('../report/lock.js')).lockLines(made),
          json: async () => (await import('../report/lock.js')).lockJson(made),
        });
        return 0;
      }),
    );
}
