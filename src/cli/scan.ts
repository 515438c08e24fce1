/**
 * `llama-inspect scan PATH`: would loading it run anything?
 *
 * @module
 */
import type { Command } from 'commander';

import type { ScanReport } from '../integrity/scan/scan-report.js';
import { usageError } from './errors.js';
import { collectGlobalName } from './parse-options.js';
import type { Bind, ExitCode } from './program.js';
import { type HeaderOption, accessTo, addHeaderOption } from './remote.js';

const EXAMPLES = `
Exit code 0 when nothing was found, 1 when something was, 2 when something
could not be looked into.

Examples:
  $ llama-inspect scan suspicious.pth
  $ llama-inspect scan ./models --json
  $ llama-inspect scan ./models --sarif > scan.sarif
  $ llama-inspect scan model.pt --allow mylib.config.Config`;

interface ScanCommandOptions extends HeaderOption {
  readonly allow?: readonly string[];
  readonly sarif?: boolean;
}

const EXIT_CODES: Readonly<Record<ScanReport['verdict'], ExitCode>> = { clean: 0, findings: 1, unreadable: 2 };

/** Adds the command. */
export function addScan(program: Command, bind: Bind): void {
  const command = program
    .command('scan')
    .summary('would loading it run anything? pickles, archives')
    .description(
      'Look through every pickle of a file, or of all files below a folder, without ' +
        'executing anything, and judge each class and function that it names by an ' +
        'allow-list; report what makes two programs read two different files.',
    )
    .argument('<path>', 'file, folder with everything below it, or https:// address')
    .option('--allow <name>', 'no finding: module.name; may be given again', collectGlobalName)
    .option('--sarif', 'print SARIF 2.1.0 for continuous integration');
  addHeaderOption(command)
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context, path: string, options: ScanCommandOptions) => {
        const { allow, sarif } = options;
        if (sarif === true && program.opts<{ json?: boolean }>().json === true) {
          throw usageError('--json and --sarif are two answers; choose one');
        }
        const { remote, told } = accessTo(path, options);
        const { scan } = await import('../integrity/scan/scan-path-node.js');
        const report = await context.watch((watching) => scan(path, { allow, remote, ...watching }));
        if (sarif === true) {
          const { scanSarif } = await import('../report/sarif.js');
          await context.document(`${JSON.stringify(scanSarif(report, program.version() ?? ''), undefined, 2)}\n`);
        } else {
          await context.answer(
            told({
              lines: async () => (await import('../report/scan.js')).scanLines(report),
              json: async () => (await import('../report/json.js')).scanJson(report),
            }),
          );
        }
        return EXIT_CODES[report.verdict];
      }),
    );
}
