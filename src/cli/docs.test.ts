/**
 * `docs/cli.md` shows what the program prints: every command of the page is run again.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { PROJECT } from '../testing/built.js';
import { caughtStream, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { runCli } from './run.js';

const PAGE = readFileSync(join(PROJECT, 'docs/cli.md'), 'utf8');

/** A command line and what the page says it prints. */
interface Shown {
  readonly command: string;
  readonly printed: readonly string[];
}

/** The commands of all blocks, in order; they share one folder, as they would for a reader. */
function commandsOf(page: string): Shown[] {
  const blocks = [...page.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...printed] = part.trimEnd().split('\n');
        return { command, printed };
      }),
  );
}

async function run(command: string): Promise<string> {
  if (!command.startsWith('llama-inspect ')) return execFileSync('bash', ['-c', command], { encoding: 'utf8' });
  const both = caughtStream();
  await runCli(command.split(' ').slice(1), { stdout: both, stderr: both, signal: new AbortController().signal });
  return both.text();
}

/** The text without what differs from run to run: time, memory, and the last digits of almost nothing. */
function settled(line: string): string {
  return line
    .replace(/[\d.]+ s {3}peak memory [\d.]+ MB/, 'N s   peak memory N MB')
    .replace(/\d(?:\.\d)?e-(?:[5-9]|\d\d)(?!\))/g, 'almost nothing');
}

const home = { directory: process.cwd(), environment: process.env['HOME'] };

beforeEach(() => {
  const place = temporaryFolder();
  cpSync(modelFolder('llama3.2-tiny'), join(place, 'llama3.2-tiny'), { recursive: true });
  const fineTunes = join(PROJECT, 'fixtures/fine-tunes');
  cpSync(join(fineTunes, 'llama3-korean-tiny'), join(place, 'korean'), { recursive: true });
  cpSync(join(fineTunes, 'adapter'), join(place, 'adapter'), { recursive: true });
  for (const name of readdirSync(join(place, 'llama3.2-tiny'))) chmodSync(join(place, 'llama3.2-tiny', name), 0o644);
  process.chdir(place);
  process.env['HOME'] = '/home/you';
});

afterEach(() => {
  process.chdir(home.directory);
  process.env['HOME'] = home.environment;
});

describe('docs/cli.md', () => {
  it('shows what every command prints', async () => {
    const commands = commandsOf(PAGE);
    expect(commands.length).toBeGreaterThan(20);
    for (const { command, printed } of commands) {
      const lines = (await run(command)).trimEnd().split('\n');
      const cut = printed.at(-1) === '…';
      const expected = cut ? printed.slice(0, -1) : printed.length === 0 ? [''] : printed;
      if (!cut) expect(lines.length, command).toBe(expected.length);
      expected.forEach((line, index) => {
        const found = settled(lines[index] ?? '');
        if (line.endsWith('…')) expect(found.startsWith(line.slice(0, -1)), command).toBe(true);
        else expect(found, command).toBe(settled(line));
      });
    }
  });

  it('has a section for every command', async () => {
    const help = await run('llama-inspect --help');
    const commands = [...help.matchAll(/^ {2}([a-z]+) (?:\[options\] |<|   )/gm)].map(([, name]) => name ?? '');
    expect(commands.filter((name) => !PAGE.includes(`\n## ${name}\n`))).toEqual([]);
  });
});
