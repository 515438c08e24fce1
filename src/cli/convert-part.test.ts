/**
 * `convert --part i/n` in processes that run at the same time, and `convert --finish`, against one run.
 *
 * @module
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { describe, expect, it } from 'vitest';

import { builtFile } from '../testing/built.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

/** Runs the built command line in a process of its own; a failure rejects. */
const inProcess = (...argv: string[]): Promise<{ stdout: string; stderr: string }> =>
  promisify(execFile)(process.execPath, [builtFile('cli/main.js'), ...argv]);

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** The files of a folder with their hashes. */
const contents = (folder: string): Map<string, string> =>
  new Map(readdirSync(folder).map((name) => [name, sha256(join(folder, name))]));

describe('parts in processes that run at the same time', () => {
  it.each([
    ['safetensors', 4, ['--to', 'safetensors', '--max-shard-size', '500KB']],
    ['safetensors, no lock file', 2, ['--to', 'safetensors', '--max-shard-size', '500KB', '--no-lock']],
    ['GGUF', 3, ['--to', 'gguf', '--type', 'q4_k_m', '--split-max-size', '200KB', '--imatrix', join(FIXTURES, 'imatrix/tiny.gguf')]], // prettier-ignore
    ['Meta', 2, ['--to', 'meta', '--shards', '2']],
  ])('write the bytes of one run: %s', async (_, count, options) => {
    const name = options.includes('gguf') ? 'model.gguf' : '';
    const [one, parts] = [join(temporaryFolder(), 'one'), join(temporaryFolder(), 'deep', 'parts')];
    const command = (folder: string): string[] => ['convert', MODEL, ...options, '-o', join(folder, name)];
    await Promise.all([
      inProcess(...command(one)),
      ...Array.from({ length: count }, (_none, index) =>
        inProcess(...command(parts), '--part', `${index + 1}/${count}`),
      ),
    ]);
    await inProcess(...command(parts), '--finish');
    expect(contents(parts)).toEqual(contents(one));
    expect(contents(one).size).toBeGreaterThan(3);
  });
});

describe('convert --part', () => {
  const asked = (output: string): string[] => ['convert', MODEL, '--to', 'safetensors', '--max-shard-size', '700KB', '-o', output]; // prettier-ignore

  it('tells what it does, plans it, and is finished', async () => {
    const output = join(temporaryFolder(), 'hf');
    const dry = await llamaInspect(...asked(output), '--part', '2/3', '--dry-run');
    expect(dry.stdout).toContain(`would write part 2/3 of ${output} 954 kB\n`);
    expect(dry.stdout).toContain('7 tensors, all bfloat16   2 of 5 files of weights   954 kB\n');
    expect(dry.stdout).toContain('  model-00001-of-00005.safetensors         688 kB  3 tensors\n');
    expect(existsSync(output)).toBe(false);

    const { stdout, stderr, code } = await llamaInspect(...asked(output), '--part', '1/3');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`wrote part 1/3 of ${output}   `);
    expect(stdout).toContain('  when all 3 parts are there: the same command with --finish, not --part 1/3\n');
    expect(stdout).not.toContain('to prove it');
    const again = await llamaInspect(...asked(output), '--part', '1/3');
    expect([again.code, again.stdout.replaceAll(/\s+/g, ' ')]).toEqual([0, `part 1/3 of ${output} is there already, nothing was written when all 3 parts are there: the same command with --finish, not --part 1/3 `]); // prettier-ignore

    const early = await llamaInspect(...asked(output), '--finish');
    expect([early.code, early.stdout]).toEqual([2, '']);
    expect(early.stderr).toContain('parts 2/3, 3/3 are missing   [convert/part-missing]\n');

    const second = await llamaInspectJson<object>(...asked(output), '--part', '2/3');
    expect(second).toMatchObject({ code: 0, answer: { kind: 'conversion', part: { number: 2, count: 3, fileCount: 5, wasThere: false } } }); // prettier-ignore
    await llamaInspect(...asked(output), '--part', '3/3');
    const rest = await llamaInspectJson<{ files: unknown[] }>(...asked(output), '--finish', '--dry-run');
    expect(rest.answer).toMatchObject({ kind: 'plan', part: null });
    expect(rest.answer.files).toHaveLength(7);
    const done = await llamaInspectJson<{ files: { name: string }[] }>(...asked(output), '--finish');
    expect(done.answer).toMatchObject({ kind: 'finish', output });
    expect(done.answer.files.map(({ name }) => name).sort()).toEqual(readdirSync(output).sort());
    expect(done.answer.files[0]).toMatchObject({ part: { count: 3 } });
    expect((await llamaInspect('verify', output)).code).toBe(0);
    const twice = await llamaInspect(...asked(output), '--finish');
    expect([twice.code, twice.stderr.split('\n')[0]]).toEqual([2, `error: ${output}: no part of this conversion is here   [convert/part-missing]`]); // prettier-ignore
  });

  it('succeeds where there is nothing for it, and says so', async () => {
    const output = join(temporaryFolder(), 'hf');
    const { code, stdout, stderr } = await llamaInspect('convert', MODEL, '--to', 'safetensors', '-o', output, '--part', '2/2'); // prettier-ignore
    expect(code).toBe(0);
    expect(stdout).toContain(`part 2/2 of ${output} has nothing to write: the weights are in 1 file`);
    expect(stderr).toContain('a smaller --max-shard-size');
    expect(existsSync(output)).toBe(false);
  });

  it('names the first file of a split GGUF when it is finished', async () => {
    const output = join(temporaryFolder(), 'x.gguf');
    const split = ['convert', MODEL, '--to', 'gguf', '--split-max-size', '1MB', '-o', output];
    await llamaInspect(...split, '--part', '1/1');
    const { stdout } = await llamaInspect(...split, '--finish');
    expect(stdout).toMatch(/^finished .*x-00001-of-0000\d\.gguf {3}/m);
    expect(stdout).toMatch(/to prove it: llama-inspect check .*x-00001-of-0000\d\.gguf\n/);
  });

  it('is refused with a shard cut off after its part', async () => {
    const output = join(temporaryFolder(), 'hf');
    for (const part of ['1/2', '2/2']) await llamaInspect(...asked(output), '--part', part);
    truncateSync(join(output, 'model-00003-of-00005.safetensors'), 1000);
    const { code, stderr } = await llamaInspect(...asked(output), '--finish');
    expect(code).toBe(2);
    expect(stderr).toMatch(/model-00003-of-00005\.safetensors: it has 1000 bytes where\s+part \d\/2 wrote 591624 {3}\[convert\/part-damaged\]\n/); // prettier-ignore
    expect(stderr).toMatch(/\n {2}run part \d\/2 again with --force\n/);
  });

  it.each(['0/3', '4/3', 'a/b', '1', '1/', '/3', '1/0', '-1/3', '1/3/3', '1.5/3', '01/3', '1/10000', ''])(
    'refuses %j for a part',
    async (part) => {
      const { code, stderr } = await llamaInspect(...asked('never'), '--part', part);
      expect(code).toBe(2);
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain('A part was expected, from 1/n to n/n with n up to 9999, such as 2/8. [cli/usage]'); // prettier-ignore
    },
  );

  it('refuses to be finished and written together', async () => {
    const { code, stderr } = await llamaInspect(...asked('never'), '--part', '1/2', '--finish');
    expect([code, stderr]).toEqual([2, expect.stringContaining('[cli/usage]')]);
    expect(existsSync('never')).toBe(false);
  });
});
