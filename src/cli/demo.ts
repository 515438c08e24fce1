/**
 * `llama-inspect demo`: the whole way, on a miniature that comes with the package.
 *
 * Works on a copy in a temporary folder, where it runs the commands that a person would type, and shows that
 * one flipped bit is noticed.
 *
 * @module
 */
import type { Command } from 'commander';

import type { CommandContext } from './context.js';
import type { DemoStep } from './demo-steps.js';
import type { Bind } from './program.js';

const EXAMPLES = `
Example:
  $ llama-inspect demo`;

/** Adds the command. */
export function addDemo(program: Command, bind: Bind): void {
  program
    .command('demo')
    .summary('inspect, verify, convert and check a miniature')
    .description(
      'Show the commands on a miniature Llama that comes with the package, in a temporary folder: ' +
        'inspect, verify, convert both ways, check both, and notice one flipped bit.',
    )
    .addHelpText('after', EXAMPLES)
    .action(
      bind(async (context) => {
        const { runDemo } = await import('./demo-steps.js');
        const began = performance.now();
        const steps = await runDemo((step) => showStep(context, step));
        const ok = steps.every(({ exitCode, expected }) => exitCode === expected);
        const seconds = (performance.now() - began) / 1000;
        await context.answer({
          lines: async () => (await import('../report/demo.js')).demoLines(steps, seconds),
          json: async () => (await import('../report/json.js')).jsonReport('demo', { ok, seconds, steps }),
        });
        return ok ? 0 : 1;
      }),
    );
}

async function showStep(context: CommandContext, { purpose, argv }: DemoStep): Promise<number> {
  await context.announce([`# ${purpose}`, `$ llama-inspect ${argv.join(' ')}`]);
  const exitCode = await context.rerun(argv);
  context.signal.throwIfAborted();
  await context.announce(['']);
  return exitCode;
}
