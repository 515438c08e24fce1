/**
 * Addresses in place of paths, answered by a server on this machine.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { temporaryFolder, llamaInspect, llamaInspectJson } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { type TestServer, type TestServerOptions, serve } from '../testing/http-server.js';
import { SHAPE_OF_1B, sparseTorchFile } from '../testing/sparse-torch-file.js';
import { accessTo } from './remote.js';

const MODEL = modelFolder('llama3.2-tiny');

function filesOf(folder: string, at: string): Record<string, Uint8Array> {
  return Object.fromEntries(readdirSync(folder).map((name) => [`${at}/${name}`, readFileSync(join(folder, name))]));
}

function serveModel(options: TestServerOptions = {}): Promise<TestServer> {
  return serve({ files: filesOf(MODEL, '/models/llama3.2-tiny'), ...options });
}

interface Fetched {
  readonly fetched?: { readonly requests: number; readonly byteLength: number };
}

/** What is told, without where it lies and what it took. */
function settled<T extends object>(answer: T, place: string): Omit<T, 'fetched'> {
  const { fetched: _, ...rest } = JSON.parse(JSON.stringify(answer).replaceAll(place, 'PLACE')) as T & Fetched;
  return rest;
}

afterEach(() => {
  delete process.env['HF_TOKEN'];
});

describe('a folder at an address', () => {
  it.each([['inspect'], ['tensors'], ['inspect', '--what-if', 'q8_0']])(
    'gives the same as on disk: %s',
    async (...argv) => {
      await using server = await serveModel();
      const address = `${server.origin}/models/llama3.2-tiny`;
      const local = await llamaInspectJson<object>(...argv, MODEL);
      const remote = await llamaInspectJson<Fetched>(...argv, `${address}/`);
      expect(remote.code).toBe(0);
      expect(settled(remote.answer, address)).toEqual(settled(local.answer, MODEL));
      expect(local.answer).not.toHaveProperty('fetched');
      expect(remote.answer.fetched?.requests).toBe(server.received.length);
      expect(remote.answer.fetched?.byteLength).toBeLessThan(400_000);
    },
  );

  it('tells in words what was fetched', async () => {
    await using server = await serveModel();
    const { stdout } = await llamaInspect(`${server.origin}/models/llama3.2-tiny/`);
    expect(stdout).toMatch(/\n\n {2}fetched [\d.]+ kB in \d+ requests\n$/);
  });

  it('is scanned, with a note on what cannot be known', async () => {
    await using server = await serveModel();
    const { code, answer } = await llamaInspectJson<{ files: object[]; notes: string[] }>(
      'scan',
      `${server.origin}/models/llama3.2-tiny/`,
    );
    expect(code).toBe(0);
    expect(answer.files).toHaveLength(1);
    expect(answer.notes.join()).toContain('only files with the usual names were looked for');
  });

  it('tokenizes, by its folder or the file of its tokenizer', async () => {
    await using server = await serveModel();
    const address = `${server.origin}/models/llama3.2-tiny`;
    const { stdout } = await llamaInspect('tokenize', MODEL, 'hello world', '--ids');
    expect(stdout).not.toBe('');
    for (const path of [`${address}/`, `${address}/tokenizer.model`]) {
      expect(await llamaInspect('tokenize', path, 'hello world', '--ids')).toEqual({ code: 0, stdout, stderr: '' });
    }
  });

  it('that is not there, or without its slash, is one line', async () => {
    await using server = await serveModel();
    const missing = await llamaInspect(`${server.origin}/nothing/`);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toContain('none of the 17 files by which a checkpoint is known   [source/not-found]');
    const bare = await llamaInspect(`${server.origin}/models/llama3.2-tiny`);
    expect(bare.stderr).toContain('[source/not-found]\n  the address of a folder ends with a slash');
  });

  it('of a gated repository, or on a broken server, says so once', async () => {
    for (const [status, headers, said] of [
      [
        403,
        { 'x-error-code': 'GatedRepo' },
        'its licence must be accepted first (403 Forbidden)   [source/permission]',
      ],
      [401, {}, 'the server asks for a login (401 Unauthorized)   [source/permission]'],
      [418, {}, 'the server answers 418   [source/http-status]'],
    ] as const) {
      await using server = await serve({
        misbehave: (_request, response) => {
          response.writeHead(status, headers).end();
          return true;
        },
      });
      const { code, stdout, stderr } = await llamaInspect(`${server.origin}/x/`);
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr).toContain(said);
    }
  });

  it('of a server with a page for every name is no checkpoint', async () => {
    await using server = await serve({
      misbehave: (_request, response) => {
        response.end('<!doctype html><title>Welcome</title><p>hello');
        return true;
      },
    });
    const { code, stderr } = await llamaInspect(`${server.origin}/x/`);
    expect(code).toBe(2);
    expect(stderr).toContain('[source/html-page]');
  });
});

describe('what convert writes, at an address', () => {
  it.each([
    ['one GGUF file', ['--to', 'gguf', '--output', 'out/model.gguf'], /\.gguf$/],
    ['a split GGUF file', ['--to', 'gguf', '--split-max-size', '1MB', '--output', 'out/m.gguf'], /-00002-of-/],
    ['a Hugging Face folder', ['--to', 'safetensors', '--output', 'out'], undefined],
    ['one in shards', ['--to', 'safetensors', '--max-shard-size', '1MB', '--output', 'out'], undefined],
  ] as const)('as %s is inspected, listed, scanned and tokenizes as on disk', async (_what, argv, file) => {
    const place = temporaryFolder();
    const local = join(place, 'out');
    mkdirSync(local);
    const absolute = argv.map((word) => (word.startsWith('out') ? join(place, word) : word));
    const { code, stderr } = await llamaInspect('convert', MODEL, ...absolute, '--no-lock', '--force');
    expect([code, stderr]).toEqual([0, '']);
    const name = file === undefined ? '' : readdirSync(local).find((each) => file.test(each));
    expect(name).toBeDefined();
    await using server = await serve({ files: filesOf(local, '/out') });
    const address = `${server.origin}/out`;
    for (const command of ['inspect', 'tensors', 'tokenize'] as const) {
      const more = command === 'tokenize' ? ['hello'] : [];
      const there = await llamaInspectJson<object>(command, `${address}/${name}`, ...more);
      const here = await llamaInspectJson<object>(command, join(local, name ?? ''), ...more);
      expect(here.code).toBe(0);
      expect(settled(there.answer, address)).toEqual(settled(here.answer, local));
    }
    expect((await llamaInspect('scan', `${address}/${name}`)).code).toBe(0);
  });
});

describe('a .pth of 2.5 GB at an address', () => {
  const files = { '/big/consolidated.00.pth': sparseTorchFile(SHAPE_OF_1B) };

  it.each([
    ['scan', 1_000_000],
    ['inspect', 100_000],
    ['tensors', 100_000],
  ] as const)('costs %s less than %i bytes', async (command, most) => {
    await using server = await serve({ files });
    const address = `${server.origin}/big/consolidated.00.pth`;
    const { code, answer } = await llamaInspectJson<Fetched>(command, address);
    expect(code).toBe(0);
    expect(files['/big/consolidated.00.pth'].size).toBeGreaterThan(2_400_000_000);
    expect(server.sent()).toBeLessThan(most);
    expect(answer.fetched?.byteLength).toBe(server.sent());
    expect(answer.fetched?.requests).toBe(server.received.length);
  });

  it('is refused where the server would send all of it', async () => {
    await using server = await serve({ files, ranges: false });
    for (const command of ['scan', 'inspect', 'tensors']) {
      const { code, stdout, stderr } = await llamaInspect(command, `${server.origin}/big/consolidated.00.pth`);
      expect(code).toBe(2);
      expect(stdout + stderr).toContain('sends the whole file whatever part is asked for');
    }
    expect(server.sent()).toBeLessThan(20_000_000);
  });
});

describe('other commands', () => {
  it('ask no server', async () => {
    await using server = await serveModel();
    const address = `${server.origin}/models/llama3.2-tiny/?Signature=secret`;
    const output = join(temporaryFolder(), 'out.gguf');
    for (const argv of [
      ['verify', address],
      ['convert', address, '--to', 'gguf', '--output', output],
      ['check', address, MODEL],
      ['diff', MODEL, address],
      ['fingerprint', address],
      ['lock', address],
      ['logits', address, '--tokens', '1'],
      ['convert', MODEL, '--lora', address, '--to', 'gguf', '--output', output],
    ]) {
      const { code, stdout, stderr } = await llamaInspect(...argv);
      expect([argv[0], code, stdout]).toEqual([argv[0], 2, '']);
      expect(stderr).toContain('[source/address-not-taken]');
      expect(stderr).not.toContain('secret');
    }
    expect(server.received).toEqual([]);
  });
});

describe('headers', () => {
  it('go to the server of the address', async () => {
    await using server = await serveModel();
    const address = `${server.origin}/models/llama3.2-tiny/params.json`;
    await llamaInspect('scan', address, '--header', 'Authorization=Bearer a=b', '--header', 'x-key=');
    expect(server.received[0]?.headers).toMatchObject({ authorization: 'Bearer a=b', 'x-key': '' });
  });

  it('that cannot be sent are refused without repeating them', async () => {
    for (const [header, code] of [
      ['secret', 'cli/usage'],
      ['bad name=secret', 'cli/usage'],
      ['x-a=secret\n', 'source/bad-header'],
      ['range=secret', 'source/bad-header'],
    ] as const) {
      const run = await llamaInspect('http://127.0.0.1:1/x', '--header', header, '--verbose');
      expect(run.code).toBe(2);
      expect(run.stderr).toContain(`[${code}]`);
      expect(run.stdout + run.stderr).not.toContain('secret');
    }
  });

  it('are refused with a path', async () => {
    const { code, stderr } = await llamaInspect(MODEL, '--header', 'a=secret');
    expect(code).toBe(2);
    expect(stderr).toContain('[cli/usage]');
    expect(stderr).not.toContain('secret');
  });

  it('with the token of the environment go to huggingface.co alone', async () => {
    const environment = { HF_TOKEN: ' hf_secret\n' };
    const sentTo = (address: string): object | undefined => accessTo(address, {}, environment).remote?.headers;
    expect(sentTo('https://huggingface.co/a/b')).toEqual({ authorization: 'Bearer hf_secret' });
    for (const other of [
      'http://huggingface.co/a/b',
      'https://huggingface.co.evil.test/a/b',
      'https://huggingface.co:8443/a',
      'https://evil.test/huggingface.co',
      'https://huggingface.co@evil.test/',
      's3://huggingface.co/a',
    ]) {
      expect(sentTo(other), other).toEqual({});
    }
    const header = { header: { authorization: 'mine' } };
    expect(accessTo('https://huggingface.co/a/b', header, environment).remote?.headers).toEqual(header.header);
    expect(accessTo('./huggingface.co', {}, environment).remote).toBeUndefined();
  });

  it('hold no token of the environment for another server', async () => {
    process.env['HF_TOKEN'] = 'hf_secret';
    await using server = await serveModel();
    await llamaInspect(`${server.origin}/models/llama3.2-tiny/`);
    expect(server.received.length).toBeGreaterThan(5);
    expect(server.received.some(({ headers }) => headers.authorization !== undefined)).toBe(false);
  });
});

describe('a path', () => {
  it('that looks like the name of a server is still a path', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'huggingface.co'), 'x');
    const { stderr } = await llamaInspect('tensors', join(folder, 'huggingface.co'));
    expect(stderr).not.toContain('source/http');
  });

  it('of an unknown scheme, or with a password, is refused', async () => {
    for (const address of ['s3://bucket/model/', 'ftp://host/x', 'https://user:secret@host/x']) {
      const { code, stderr } = await llamaInspect(address);
      expect(code).toBe(2);
      expect(stderr).toContain('[source/bad-address]');
      expect(stderr).not.toContain('secret');
    }
  });
});
