/**
 * `tokenize` as it is typed.
 */
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';

import { describe, expect, it } from 'vitest';

import {
  caughtStream,
  copyOfModel,
  llamaInspect,
  llamaInspectJson,
  llamaInspectWith,
  temporaryFolder,
} from '../testing/cli.js';
import { expectedJson, modelFolder } from '../testing/fixtures.js';
import { runCli } from './run.js';

const MODEL = modelFolder('llama3.2-tiny');
const EXPECTED = expectedJson<{ token_ids: Record<string, number[]> }>('llama3.2-tiny', 'expected.json').token_ids;
const BOS = 768;

interface Answer {
  readonly text: string;
  readonly ids: readonly number[];
  readonly tokens: readonly { id: number; piece: string; text: string | null; bytes: string }[];
}

const input = (...chunks: (string | Uint8Array)[]): Readable =>
  Readable.from(chunks.map((chunk) => Buffer.from(chunk)));

describe('tokenize', () => {
  it('shows ids, pieces and what they stand for', async () => {
    const { code, stdout, stderr } = await llamaInspect('tokenize', MODEL, 'The day, 🧭');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')).toEqual([
      '9 tokens   10 characters',
      '',
      '   id  piece              text',
      '  768  <|begin_of_text|>  "<|begin_of_text|>"',
      '  260  The                "The"',
      '  299  Ġday               " day"',
      '   11  ,                  ","',
      '  220  Ġ                  " "',
      '  172  ð                  F0',
      '  253  Ł                  9F',
      '  100  §                  A7',
      '  255  Ń                  AD',
      '',
    ]);
  });

  it('says so when there are none', async () => {
    expect((await llamaInspect('tokenize', MODEL, '', '--no-bos')).stdout).toBe('0 tokens   0 characters\n');
  });

  it('gives the same ids from a Meta folder, a Hugging Face folder, a GGUF file and a file of the tokenizer', async () => {
    const folder = temporaryFolder();
    const [hf, gguf] = [join(folder, 'hf'), join(folder, 'model.gguf')];
    await llamaInspect('convert', MODEL, '--to', 'safetensors', '--output', hf);
    await llamaInspect('convert', MODEL, '--to', 'gguf', '--output', gguf);
    for (const path of [MODEL, hf, gguf, join(MODEL, 'tokenizer.model'), join(hf, 'tokenizer.json')]) {
      for (const [text, ids] of Object.entries(EXPECTED)) {
        const run = await llamaInspect('tokenize', path, '--ids', '--', text);
        expect(run).toEqual({ code: 0, stderr: '', stdout: `${[BOS, ...ids].join(',')}\n` });
      }
    }
  });

  it('is the same as JSON', async () => {
    const { code, answer } = await llamaInspectJson<Answer>('tokenize', MODEL, 'a 🧭<|eot_id|>', '--special');
    expect(code).toBe(0);
    expect(answer.text).toBe('a 🧭<|eot_id|>');
    expect(answer.ids[0]).toBe(BOS);
    expect(answer.tokens.map(({ id }) => id)).toEqual(answer.ids);
    expect(answer.tokens.at(-1)).toMatchObject({ piece: '<|eot_id|>', text: '<|eot_id|>' });
    expect(answer.tokens.some(({ text }) => text === null)).toBe(true);
  });

  it('takes special tokens for text unless it is told otherwise, and puts no second begin token', async () => {
    const ids = async (...options: string[]) =>
      (await llamaInspectJson<Answer>('tokenize', MODEL, '<|begin_of_text|>a', ...options)).answer.ids;
    const plain = await ids('--no-bos');
    expect(plain.length).toBeGreaterThan(5);
    expect(await ids()).toEqual([BOS, ...plain]);
    expect(await ids('--special')).toEqual([BOS, plain.at(-1)]);
  });

  it('reads the text from standard input, to the last line feed', async () => {
    const text = 'line one\nline two\r\n\r\nend';
    const run = await llamaInspectWith(
      input('line one\nline', ' two\r\n\r\nend'),
      'tokenize',
      MODEL,
      '--ids',
      '--no-bos',
    );
    expect(run).toEqual({ code: 0, stderr: '', stdout: `${EXPECTED[text]?.join(',')}\n` });
    const none = await llamaInspect('tokenize', MODEL, '--ids');
    expect(none.stdout).toBe(`${BOS}\n`);
  });

  it('warns of input that is not UTF-8', async () => {
    const run = await llamaInspectWith(input(Uint8Array.of(0x61, 0xff)), 'tokenize', MODEL, '--ids', '--no-bos');
    const { stdout } = await llamaInspect('tokenize', MODEL, 'a\ufffd', '--ids', '--no-bos');
    expect(run).toMatchObject({ code: 0, stdout });
    expect(run.stderr).toMatch(/^warning: standard input is not UTF-8/);
  });

  it('refuses more input than it could work on, and input that cannot be read', async () => {
    const endless = Readable.from(
      (function* () {
        for (;;) yield Buffer.alloc(1 << 20, 'a');
      })(),
    );
    expect(await llamaInspectWith(endless, 'tokenize', MODEL)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('standard input has more than 16777216 bytes') as string,
    });
    const broken = new Readable({ read: () => broken.destroy(new Error('EISDIR')) });
    expect(await llamaInspectWith(broken, 'tokenize', MODEL)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: standard input cannot be read: EISDIR .*\[cli\/usage\]/s) as string,
    });
  });
});

it('refuses to make a table of more tokens than one should hold, which is no matter for --ids', async () => {
  const text = 'a '.repeat(60_000);
  const table = await llamaInspectWith(input(text), 'tokenize', MODEL);
  expect(table).toMatchObject({ code: 2, stdout: '' });
  expect(table.stderr).toContain('a table at most 100000');
  expect((await llamaInspectWith(input(text), 'tokenize', MODEL, '--ids')).code).toBe(0);
});

describe('tokenize --decode', () => {
  it('gives bytes that are no text by themselves as they are, to a pipe and in JSON', async () => {
    const printed: Buffer[] = [];
    const stdout = new Writable({
      write: (chunk: Buffer, _, done) => {
        printed.push(chunk);
        done();
      },
    });
    const signal = new AbortController().signal;
    // the four bytes of a compass come as four tokens, of which the first two are taken
    const ids = EXPECTED['🧭'] ?? (await llamaInspectJson<Answer>('tokenize', MODEL, '🧭', '--no-bos')).answer.ids;
    const argv = ['tokenize', MODEL, '--decode', ids.slice(0, 2).join(',')];
    expect(await runCli(argv, { stdout, stderr: caughtStream(), signal })).toBe(0);
    expect(Buffer.concat(printed).toString('hex')).toBe('f09f');
    const { answer } = await llamaInspectJson<Answer>(...argv);
    expect(answer.tokens).toMatchObject([
      { text: null, bytes: 'f0' },
      { text: null, bytes: '9f' },
    ]);
  });

  it.each(['39,68,75,75,78', '39 68 75\n75 78\n', '[39, 68, 75, 75, 78]'])('makes text of %j', async (ids) => {
    expect(await llamaInspect('tokenize', MODEL, '--decode', ids)).toEqual({ code: 0, stdout: 'Hello', stderr: '' });
    expect((await llamaInspectWith(input(ids), 'tokenize', MODEL, '--decode')).stdout).toBe('Hello');
  });

  it('gives every text back, byte for byte', async () => {
    for (const [text, ids] of Object.entries(EXPECTED)) {
      expect((await llamaInspect('tokenize', MODEL, '--decode', ids.join(','))).stdout).toBe(text);
    }
  });

  it('prints nothing that a terminal would act on', async () => {
    const { answer } = await llamaInspectJson<Answer>('tokenize', MODEL, 'a\u001b[2J\nb', '--no-bos');
    const stdout = Object.assign(caughtStream(), { isTTY: true });
    const signal = new AbortController().signal;
    const argv = ['tokenize', MODEL, '--decode', answer.ids.join(',')];
    expect(await runCli(argv, { stdout, stderr: caughtStream(), signal })).toBe(0);
    expect(stdout.text()).toBe('a\\u001b[2J\nb\n');
  });

  it('spells special tokens as Meta does, and those of Llama 2 on request', async () => {
    const llama2 = modelFolder('llama2-tiny');
    const decoded = async (...argv: string[]) => (await llamaInspect('tokenize', ...argv, '--decode')).stdout;
    expect(await decoded(MODEL, `${BOS},64`)).toBe('<|begin_of_text|>a');
    expect(await decoded(llama2, '1,2')).toBe('');
    expect(await decoded(llama2, '1,2', '--special')).toBe('<s></s>');
    expect(await decoded(llama2, '1,2', '--no-special')).toBe('');
    expect(await decoded(MODEL, `${BOS},64`, '--no-special')).toBe('a');
  });

  it('refuses --no-special where nothing is decoded', async () => {
    const { code, stdout, stderr } = await llamaInspect('tokenize', MODEL, 'a', '--no-special');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/--no-special goes with --decode[^]*\[cli\/usage\]/);
  });

  it.each([
    ['1,x', 'cli/usage'],
    ['-1', 'cli/usage'],
    ['1.5', 'cli/usage'],
    ['1024', 'tokenizer/no-such-token'],
    ['999999999999999', 'tokenizer/no-such-token'],
  ])('refuses %s', async (ids, code) => {
    const run = await llamaInspect('tokenize', MODEL, '--decode', '--', ids);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain(`[${code}]`);
  });

  it.each(['--ids', '--no-bos'])('has no use for %s', async (option) => {
    const run = await llamaInspect('tokenize', MODEL, '1', '--decode', option);
    expect(run).toMatchObject({ code: 2, stdout: '' });
    expect(run.stderr).toContain('[cli/usage]');
  });
});

describe('tokenize without a tokenizer', () => {
  it('says what to do', async () => {
    const model = copyOfModel('llama3.2-tiny');
    rmSync(join(model, 'tokenizer.model'));
    const run = await llamaInspect('tokenize', model, 'a');
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('[llama/no-tokenizer]');
  });

  it.each(['tokenizer.model', 'tokenizer.json'])('names the %s that is none', async (name) => {
    const path = join(temporaryFolder(), name);
    writeFileSync(path, 'no tokenizer');
    const run = await llamaInspect('tokenize', path, 'a');
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/\[tokenizer\/(unrecognised|malformed)\]/);
  });

  it('reads a file alone whatever its folder holds', async () => {
    const path = join(temporaryFolder(), 'llama3.tokenizer.model');
    cpSync(join(MODEL, 'tokenizer.model'), path);
    expect(readFileSync(path).byteLength).toBeGreaterThan(0);
    expect((await llamaInspect('tokenize', path, 'a', '--ids')).stdout).toBe(`${BOS},64\n`);
  });
});
