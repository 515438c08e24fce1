/**
 * Every example runs and says what its header promises.
 *
 * An example is a file `NAME.mjs` that a reader can start with `node examples/NAME.mjs` from the
 * project's folder. It imports the package by its own name, so it runs on the build, as a user's
 * program would. Its header ends with a line `Prints: WORDS`; the test looks for those words.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { beforeAll, describe, expect, it } from 'vitest';

import { PROJECT, builtFile } from '../src/testing/built.js';

const EXAMPLES = readdirSync(join(PROJECT, 'examples')).filter((name) => name.endsWith('.mjs'));

const run = (args: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, args, { cwd: PROJECT });

beforeAll(() => {
  builtFile('index.js');
});

describe('examples', () => {
  it('are three at least', () => {
    expect(EXAMPLES.length).toBeGreaterThanOrEqual(3);
  });

  it.each(EXAMPLES)('%s runs and prints what it promises', async (name) => {
    const promised = / \* Prints: (.+)\n/.exec(readFileSync(join(PROJECT, 'examples', name), 'utf8'))?.[1];
    const { stdout, stderr } = await run([`examples/${name}`]);
    expect(stderr).toBe('');
    expect(promised).toBeDefined();
    expect(stdout).toContain(promised);
  });
});

describe('README.md', () => {
  const readme = readFileSync(join(PROJECT, 'README.md'), 'utf8');
  const programs = [...readme.matchAll(/^```(?:js|mjs|ts)\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '');

  it('shows the library in a program', () => {
    expect(programs.some((code) => code.includes("from 'llama-inspect"))).toBe(true);
  });

  it.each(programs.map((code, index) => [index + 1, code] as const))('program %i runs', async (_, code) => {
    const { stdout, stderr } = await run(['--input-type=module', '--eval', code]);
    expect(stderr).toBe('');
    expect(stdout).not.toBe('');
  });
});
