/**
 * `llama-inspect fingerprint PATH`: the same hash for the same model, whatever files it lies in.
 *
 * @module
 */
import type { Command } from 'commander';

import { parseRopeFactor } from './parse-options.js';
import type { Bind } from './program.js';

const EXAMPLES = `
A Meta folder, a Hugging Face folder and a lossless GGUF file of one model have
the same fingerprints; docs/fingerprints.md says what is hashed.

Examples:
  $ llama-inspect fingerprint Llama3.2-1B-Instruct
  $ llama-inspect fingerprint 1b.gguf --all
  $ llama-inspect fingerprint ./hf --json`;

interface FingerprintCommandOptions {
  readonly all?: boolean;
  readonly ropeFactor?: number;
}

/** Adds the command. */
export function addFingerprint(program: Command, bind: Bind): void {
  program
    .command('fingerprint')
    .summary('one hash for the same model in any layout')
    .description(
      'SHA-256 of a model: of its tensors in canonical form, its hyperparameters and ' +
        'its vocabulary. Reads every weight once.',
    )
    .argument('<path>', 'checkpoint')
    .option('--all', 'the fingerprint of each tensor')
    .option('--rope-factor <number>', "rope factor of Meta's folders, which do not state it", parseRopeFactor)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, { all, ropeFactor }: FingerprintCommandOptions) => {
        const { fingerprint } = await import('../integrity/fingerprint-path-node.js');
        const found = await context.watch((watching) => fingerprint(path, { ropeFactor, ...watching }));
        await context.answer({
          lines: async () => (await import('../report/fingerprint.js')).fingerprintLines(found, { all }),
          json: async () => (await import('../report/fingerprint.js')).fingerprintJson(found),
        });
        return 0;
      }),
    );
}
