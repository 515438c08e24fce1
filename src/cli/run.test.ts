import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';

import { describe, expect, it, vi } from 'vitest';

import { PROJECT } from '../testing/built.js';
import { caughtStream, copyOfModel, llamaInspect, llamaInspectJson } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { runCli } from './run.js';

const MODEL = modelFolder('llama3.2-tiny');
const NEVER = new AbortController().signal;

interface Failure {
  error: { code: string; message: string; path: string | null; offset: number | null; hint: string | null };
}

const COMMANDS = [
  ...['inspect', 'tensors', 'verify', 'scan', 'convert', 'check', 'diff', 'fingerprint', 'lock'],
  ...['logits', 'tokenize', 'demo'],
];

describe('help and version', () => {
  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as { version: string };
    expect(await llamaInspect('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('lists the commands that exist, and no others', async () => {
    const { code, stdout } = await llamaInspect('--help');
    expect(code).toBe(0);
    const commands = [...stdout.matchAll(/^ {2}([a-z]+) (?:\[options\] |<|   )/gm)].map(([, name]) => name);
    expect(commands).toEqual(COMMANDS);
  });

  it.each(COMMANDS)('gives examples of %s, in 80 columns', async (command) => {
    const { code, stdout } = await llamaInspect(command, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^ {2}\\$ llama-inspect (${command}|Llama)`, 'm'));
    expect(stdout).toContain('--json');
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('shows help and fails when nothing was asked', async () => {
    const { code, stdout, stderr } = await llamaInspect();
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('Usage: llama-inspect');
  });
});

describe('usage errors', () => {
  it.each([
    [['verfy', 'a'], 'there is no command "verfy"'],
    [['inspect'], "missing required argument 'path'"],
    [['inspect', 'a', 'b'], "too many arguments for 'inspect'"],
    [['inspect', 'a', '--jsn'], "unknown option '--jsn' (Did you mean --json?)"],
    [['convert', 'a', '--output', 'b'], "required option '--to <format>' not specified"],
    [['convert', 'a', '--to', 'pth', '--output', 'b'], 'Allowed choices are safetensors, gguf'],
    [['convert', 'a', '--to', 'gguf'], "required option '-o, --output <path>' not specified"],
    [['convert', 'a', '--to', 'gguf', '-o', 'b', '--max-shard-size', '5GB'], '--max-shard-size is for safetensors'],
    [['convert', 'a', '--to', 'gguf', '-o', 'b', '--merges-as', 'pairs'], 'is for the tokenizer.json of safetensors'],
    [['convert', 'a', '--to', 'gguf', '-o', 'b', '--all'], '--all is for --dry-run'],
    [['logits', 'a', '--tokens', '1,x'], 'such as 1,2,3'],
    [['tensors', 'a', '--hash', 'md5'], 'Allowed choices are sha256'],
  ])('%j is refused in one line', async (argv, reason) => {
    const { code, stdout, stderr } = await llamaInspect(...argv);
    expect([code, stdout]).toEqual([2, '']);
    const [line = '', hint] = stderr.split('\n');
    expect(line).toMatch(/^error: .* \[cli\/usage\]$/);
    expect(line).toContain(reason);
    expect(hint).toBe('  llama-inspect --help shows what there is');
  });

  it('come as JSON when JSON was asked for', async () => {
    const { code, answer } = await llamaInspectJson<Failure>('convert', MODEL);
    expect(code).toBe(2);
    expect(answer.error).toMatchObject({ code: 'cli/usage', path: null, offset: null });
  });
});

describe('failures', () => {
  it('are one line on standard error with path and code, then a hint', async () => {
    const { code, stdout, stderr } = await llamaInspect('inspect', 'no-such-model');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^error: no-such-model: there is no such file or folder {3}\[source\/not-found\]\n {2}nor a checkpoint of this name/,
    );
  });

  it('are one object on standard output with --json', async () => {
    const { code, answer } = await llamaInspectJson<Failure>('inspect', './no/such/model');
    expect(code).toBe(2);
    expect(answer.error).toEqual({
      code: 'source/not-found',
      message: 'there is no such file or folder',
      path: './no/such/model',
      offset: null,
      hint: null,
    });
  });

  it('show a stack trace with --verbose only', async () => {
    const plain = await llamaInspect('inspect', './nothing');
    const verbose = await llamaInspect('inspect', './nothing', '--verbose');
    expect(plain.stderr).not.toContain('    at ');
    expect(verbose.stderr).toContain('    at ');
    expect(verbose.stderr).toContain(plain.stderr.split('\n')[0]);
  });

  it('that nobody foresaw are one line with advice', async () => {
    vi.doMock('../integrity/verify-path-node.js', () => ({
      verifyFolder: async () => Promise.reject(new TypeError('x is not a function\nand more')),
    }));
    try {
      const { code, stderr } = await llamaInspect('verify', MODEL);
      expect(code).toBe(2);
      expect(stderr).toBe(
        'error: TypeError: x is not a function   [cli/internal]\n' +
          '  this is a fault of llama-inspect: run it again with --verbose and report what\n  it prints\n',
      );
    } finally {
      vi.doUnmock('../integrity/verify-path-node.js');
    }
  });

  it('that are no errors at all are shown as they are', async () => {
    vi.doMock('../integrity/verify-path-node.js', () => ({
      verifyFolder: async () => AbortSignal.abort('thrown').throwIfAborted(),
    }));
    try {
      expect((await llamaInspect('verify', MODEL)).stderr).toContain('error: thrown   [cli/internal]');
    } finally {
      vi.doUnmock('../integrity/verify-path-node.js');
    }
  });
});

describe('interruption', () => {
  it('gives 130 and one line', async () => {
    const interruption = new AbortController();
    interruption.abort();
    const [stdout, stderr] = [caughtStream(), caughtStream()];
    const code = await runCli(['verify', MODEL], { stdout, stderr, signal: interruption.signal });
    expect([code, stdout.text()]).toEqual([130, '']);
    expect(stderr.text()).toBe('error: interrupted; nothing half written is left behind   [cli/interrupted]\n');
  });
});

/** A stream that fails as a pipe or a disk does. */
function brokenStream(code: string): Writable {
  return new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error(`${code}: write`), { code })),
  });
}

describe('output that cannot be printed', () => {
  it('is dropped without a word when the reader has gone', async () => {
    const stderr = caughtStream();
    expect(await runCli(['verify', MODEL], { stdout: brokenStream('EPIPE'), stderr, signal: NEVER })).toBe(0);
    expect(stderr.text()).toBe('');
  });

  it('keeps the exit code of the answer when the reader has gone', async () => {
    const damaged = copyOfModel('llama3.2-tiny');
    writeFileSync(join(damaged, 'tokenizer.model'), 'nothing');
    const stderr = caughtStream();
    expect(await runCli(['verify', damaged], { stdout: brokenStream('EPIPE'), stderr, signal: NEVER })).toBe(1);
  });

  it('is an error when the disk is full', async () => {
    const stderr = caughtStream();
    expect(await runCli(['verify', MODEL], { stdout: brokenStream('ENOSPC'), stderr, signal: NEVER })).toBe(2);
    expect(stderr.text()).toContain('the answer cannot be printed: ENOSPC: write   [cli/output-failed]');
  });

  it('leaves the exit code when nothing at all can be printed', async () => {
    const broken = { stdout: brokenStream('EIO'), stderr: brokenStream('EIO'), signal: NEVER };
    expect(await runCli(['verify', MODEL], broken)).toBe(2);
  });
});

describe('colour', () => {
  const onTerminal = async (...argv: string[]): Promise<string> => {
    // a terminal tells how many colours it has, and asks NO_COLOR first
    const getColorDepth = (): number => WriteStream.prototype.getColorDepth(process.env);
    const stdout = Object.assign(caughtStream(), { isTTY: true, getColorDepth });
    await runCli(argv, { stdout, stderr: caughtStream(), signal: NEVER });
    return stdout.text();
  };
  const ESCAPE = String.fromCharCode(27);

  it('is there on a terminal, and nowhere else', async () => {
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('FORCE_COLOR', undefined);
    vi.stubEnv('CI', undefined);
    vi.stubEnv('TERM', 'xterm-256color');
    expect(await onTerminal('verify', MODEL)).toContain(`${ESCAPE}[32mINTACT${ESCAPE}[39m`);
    expect(await onTerminal('verify', MODEL, '--no-color')).not.toContain(ESCAPE);
    expect((await llamaInspect('verify', MODEL)).stdout).not.toContain(ESCAPE);
    vi.stubEnv('NO_COLOR', '1');
    expect(await onTerminal('verify', MODEL)).not.toContain(ESCAPE);
    vi.unstubAllEnvs();
  });
});
