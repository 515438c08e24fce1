/**
 * The built command as a process: what only a process can show.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { builtFile } from '../testing/built.js';
import { temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

/** Runs a line of the shell in which `llama-inspect` is the built command. */
function shell(script: string): ChildProcess {
  const command = `llama-inspect() { "${process.execPath}" "${builtFile('cli/main.js')}" "$@"; }; `;
  return spawn('bash', ['-c', command + script], { env: { ...process.env, NO_COLOR: '1' } });
}

async function finished(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, stdout, stderr };
}

describe('the process', () => {
  it('prints the answer and gives the exit code', async () => {
    const { code, stdout, stderr } = await finished(shell(`llama-inspect verify "${MODEL}"`));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^INTACT /);
    expect(await finished(shell('llama-inspect inspect ./nothing'))).toMatchObject({ code: 2, stdout: '' });
  });

  it('is silent when the reader of a pipe has gone', async () => {
    const script = `llama-inspect tensors "${MODEL}" --hash sha256 --json | true; echo "\${PIPESTATUS[0]}"`;
    expect(await finished(shell(script))).toEqual({ code: 0, stdout: '0\n', stderr: '' });
  });

  it('says that the answer cannot be printed when the disk is full', async () => {
    const { code, stderr } = await finished(shell(`llama-inspect verify "${MODEL}" > /dev/full`));
    expect(code).toBe(2);
    expect(stderr).toContain('[cli/output-failed]');
  });

  it('leaves nothing behind when the disk does not take the whole file', async () => {
    const output = join(temporaryFolder(), 'x.gguf');
    // no file may become larger than a megabyte: the system refuses in the middle of writing
    const script = `ulimit -f 1000; llama-inspect convert "${MODEL}" --to gguf --output "${output}"`;
    const { code, stderr } = await finished(shell(script));
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: .*x\.gguf: .*\[convert\/write-failed\]\n$/);
    expect(readdirSync(join(output, '..'))).toEqual([]);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('cleans up after %s and gives 130', async (signal) => {
    const isDemo = (name: string): boolean => name.startsWith('llama-inspect-demo-');
    const before = new Set(readdirSync(tmpdir()).filter(isDemo));
    const child = spawn(process.execPath, [builtFile('cli/main.js'), 'demo']);
    child.stdout.once('data', () => child.kill(signal));
    const { code, stderr } = await finished(child);
    expect(code).toBe(130);
    expect(stderr).toBe('error: interrupted; nothing half written is left behind   [cli/interrupted]\n');
    expect(readdirSync(tmpdir()).filter((name) => isDemo(name) && !before.has(name))).toEqual([]);
  });
});
