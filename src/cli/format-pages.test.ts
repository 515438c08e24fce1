/**
 * `docs/formats/` shows real output: the commands of its pages are run again, by a shell, with the built program.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { PROJECT, builtFile } from '../testing/built.js';
import { temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

/** Blocks of a page: commands that begin with `$ `, and what they print. */
function blocksOf(page: string): string[] {
  const text = readFileSync(join(PROJECT, 'docs/formats', page), 'utf8');
  return [...text.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
}

/** A folder with what the pages name, and the program under its name. */
function workplace(): string {
  const place = temporaryFolder();
  cpSync(modelFolder('llama3.2-tiny'), join(place, 'llama3.2-tiny'), { recursive: true });
  copyFileSync(join(PROJECT, 'fixtures/zoo/legacy_views.pt'), join(place, 'legacy_views.pt'));
  const program = join(place, 'llama-inspect');
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${builtFile('cli/main.js')}" "$@"\n`);
  chmodSync(program, 0o755);
  return place;
}

function run(command: string, place: string): string {
  // a command that fails prints what the page shows too
  return execFileSync('bash', ['-c', `(${command}) 2>&1 || true`], {
    cwd: place,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', PATH: `${place}:${process.env['PATH'] ?? ''}` },
  });
}

describe('docs/formats', () => {
  // pickle.md shows what Python's own disassembler says, which is not ours to test
  it.each(readdirSync(join(PROJECT, 'docs/formats')).filter((page) => page !== 'pickle.md'))(
    '%s shows what its commands print',
    (page) => {
      const place = workplace();
      const blocks = blocksOf(page);
      expect(blocks).not.toEqual([]);
      for (const block of blocks) {
        for (const part of block.split(/^\$ /m).slice(1)) {
          const [command = '', ...printed] = part.trimEnd().split('\n');
          const lines = run(command, place).split('\n');
          // the count of bytes with which `od` ends may be left out
          expect(lines.slice(0, printed.length), command).toEqual(printed);
        }
      }
    },
  );
});
