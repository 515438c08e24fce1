/**
 * What goes wrong in practice: each gives one line with a code and exit code 2, and leaves nothing behind.
 */
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { type CliRun, caughtStream, copyOfModel, llamaInspect, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';
import { openTensorFile } from '../formats/open-path-node.js';
import { runCli } from './run.js';

const MODEL = modelFolder('llama3.2-tiny');

/** Throws unless the run failed with one line that has this code and says this. */
function expectFailure({ code, stdout, stderr }: CliRun, errorCode: string, ...words: string[]): void {
  expect([code, stdout]).toEqual([2, '']);
  const [line = ''] = stderr.split('\n');
  expect(line).toMatch(/^error: .+ \[[a-z]+\/[a-z-]+\]$/);
  expect(line).toContain(`[${errorCode}]`);
  for (const word of words) expect(stderr.replace(/\s+/g, ' ')).toContain(word);
}

/** Both ways of asking for a folder that cannot be read as a model; converting must leave nothing behind. */
async function expectRefused(model: string, errorCode: string, ...words: string[]): Promise<void> {
  expectFailure(await llamaInspect('inspect', model), errorCode, ...words);
  await expectNotConverted(model, errorCode, ...words);
}

async function expectNotConverted(model: string, errorCode: string, ...words: string[]): Promise<void> {
  const place = temporaryFolder();
  for (const [to, output] of [
    ['safetensors', join(place, 'deep', 'hf')],
    ['gguf', join(place, 'deep', 'model.gguf')],
  ] as const) {
    expectFailure(await llamaInspect('convert', model, '--to', to, '--output', output), errorCode, ...words);
    expect(readdirSync(place)).toEqual([]);
  }
}

describe('a folder without params.json', () => {
  it('is refused', async () => {
    const model = copyOfModel('llama3.2-tiny');
    rmSync(join(model, 'params.json'));
    await expectRefused(model, 'llama/no-params', 'there is no params.json in this folder');
    const verified = await llamaInspect('verify', model);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toMatch(/^FAILED {3}1 of 3 listed files missing {3}the structure does not hold together\n/);
  });

  it('is told when a file named params lies there', async () => {
    const model = copyOfModel('llama3.2-tiny');
    renameSync(join(model, 'params.json'), join(model, 'params'));
    await expectRefused(model, 'llama/no-params', 'a file named params is here: rename it to params.json');
  });
});

describe('params.json that is an HTML page', () => {
  it('is called what it is', async () => {
    const model = copyOfModel('llama3.2-tiny');
    writeFileSync(join(model, 'params.json'), '<!DOCTYPE html><html><head><title>Access Denied</title></head></html>');
    await expectRefused(model, 'source/html-page', 'this is an HTML page, 69 B: "Access Denied"', 'the download link');
    const verified = await llamaInspect('verify', model);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain('✗ structure            cannot be read, because params.json is wrong\n');
  });
});

describe('shards', () => {
  it('that are missing are named', async () => {
    const model = copyOfModel('llama3-tiny-4shards');
    rmSync(join(model, 'consolidated.02.pth'));
    await expectRefused(
      model,
      'llama/missing-shard',
      'consolidated.02.pth is missing, but consolidated.03.pth is here',
    );
  });

  it('that are missing at the end are missed', async () => {
    const model = copyOfModel('llama3-tiny-4shards');
    rmSync(join(model, 'consolidated.03.pth'));
    await expectRefused(model, 'llama/missing-shard', 'parts of a checkpoint of 4, but 3 are here');
  });

  it('of two models of other shapes are refused', async () => {
    const model = copyOfModel('llama3-tiny-4shards');
    cpSync(join(modelFolder('llama2-tiny-2shards'), 'consolidated.01.pth'), join(model, 'consolidated.01.pth'));
    await expectRefused(model, 'llama/mixed-shards', 'here, but (192, 128) in');
  });

  it('that are copies of one another are noticed before anything is written', async () => {
    const model = copyOfModel('llama3-tiny-4shards');
    cpSync(join(model, 'consolidated.01.pth'), join(model, 'consolidated.03.pth'));
    await expectNotConverted(model, 'llama/mixed-shards', 'this is a copy of', 'take all of them from one download');
  });

  it('of two models of one shape are noticed before anything is written', async () => {
    const model = copyOfModel('llama3-tiny-4shards');
    const shard = join(model, 'consolidated.01.pth');
    const bytes = readFileSync(shard);
    // the norms are replicated: one changed bit of one of them is a norm of another model
    const offset = bytes.indexOf(await bytesOfNorm(shard));
    expect(offset).toBeGreaterThan(0);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    writeFileSync(shard, bytes);
    await expectNotConverted(model, 'llama/not-replicated', 'the shards are of different models or damaged');
    const other = modelFolder('llama3-tiny-4shards');
    expectFailure(await llamaInspect('check', other, model), 'llama/not-replicated');
  });
});

async function bytesOfNorm(path: string): Promise<Uint8Array> {
  await using file = await openTensorFile(path);
  const norm = file.tensors.find(({ name }) => name === 'norm.weight');
  return (await norm?.readRows(0, 1)) ?? new Uint8Array(1);
}

describe('a .pth file', () => {
  it('that is cut off is told from one that is damaged', async () => {
    const model = copyOfModel('llama3.2-tiny');
    truncateSync(join(model, 'consolidated.00.pth'), 2_000_000);
    await expectRefused(model, 'zip/no-end-record', 'cut off: no ZIP end record in 2000000 bytes', '0x1e8480');
    const verified = await llamaInspect('verify', model);
    expect(verified.code).toBe(1);
    expect(verified.stdout).toContain(
      '      cut off: no ZIP end record in 2,000,000 bytes; at least 757,095 bytes are\n      missing\n',
    );
  });

  it('that is a safetensors file is called so', async () => {
    const model = copyOfModel('llama3.2-tiny');
    const hf = join(temporaryFolder(), 'hf');
    expect((await llamaInspect('convert', MODEL, '--to', 'safetensors', '-o', hf)).code).toBe(0);
    cpSync(join(hf, 'model.safetensors'), join(model, 'consolidated.00.pth'));
    await expectRefused(model, 'source/other-format', 'a PyTorch file was expected, but this is a safetensors file');
  });
});

describe('an output', () => {
  const convert = (to: string, output: string): Promise<CliRun> =>
    llamaInspect('convert', MODEL, '--to', to, '--output', output);

  it('below a file is refused', async () => {
    const place = temporaryFolder();
    writeFileSync(join(place, 'file'), 'mine');
    expectFailure(await convert('safetensors', join(place, 'file', 'hf')), 'convert/not-writable');
    expectFailure(await convert('safetensors', join(place, 'file')), 'convert/not-writable');
    expectFailure(await convert('gguf', join(place, 'file', 'x.gguf')), 'convert/not-writable');
    expect(readFileSync(join(place, 'file'), 'utf8')).toBe('mine');
    expect(readdirSync(place)).toEqual(['file']);
  });

  it('that exists is not overwritten without --force', async () => {
    const place = temporaryFolder();
    const output = join(place, 'x.gguf');
    writeFileSync(output, 'mine');
    expectFailure(await convert('gguf', output), 'convert/exists', 'use --force to replace it');
    expect(readFileSync(output, 'utf8')).toBe('mine');
    expect((await llamaInspect('convert', MODEL, '--to', 'gguf', '-o', output, '--force')).code).toBe(0);
    expect(readFileSync(output).subarray(0, 4).toString()).toBe('GGUF');
    mkdirSync(join(place, 'folder'));
    expectFailure(await convert('gguf', join(place, 'folder')), 'convert/exists');
  });

  it('that is the source, or in which the source lies, is refused', async () => {
    const model = copyOfModel('llama3.2-tiny');
    const onto = (output: string): Promise<CliRun> =>
      llamaInspect('convert', model, '--to', 'safetensors', '--force', '--output', output);
    expectFailure(await onto(model), 'convert/bad-option', 'this is the source itself', 'choose another output');
    expectFailure(await onto(`${model}/../llama3.2-tiny/.`), 'convert/bad-option');
    expectFailure(await onto(dirname(model)), 'convert/bad-option', 'lies in this folder');
    expect(readdirSync(dirname(model))).toEqual(['llama3.2-tiny']);
  });
});

describe('Ctrl-C', () => {
  it.each(['safetensors', 'gguf'])('in the middle of writing %s leaves nothing behind', async (to) => {
    const place = temporaryFolder();
    const interruption = new AbortController();
    // what is about to be written is printed when the first bytes have been
    const stdout = caughtStream(() => interruption.abort());
    const stderr = caughtStream();
    const argv = ['convert', MODEL, '--to', to, '--output', join(place, 'new', 'model')];
    const code = await runCli(argv, { stdout, stderr, signal: interruption.signal });
    expect(code).toBe(130);
    expect(stdout.text()).toContain('tensors');
    expect(stderr.text()).toBe('error: interrupted; nothing half written is left behind   [cli/interrupted]\n');
    expect(readdirSync(place)).toEqual([]);
  });
});

describe('models that are more than text', () => {
  it.each([
    [modelFolder('llama3.2-vision-tiny'), 'this is a vision model (Llama 3.2 Vision)'],
    [join(FIXTURES, 'families', 'llama4-2shards'), 'this is a Llama 4 model'],
  ])('%s is no GGUF file, in one clear sentence', async (model, reason) => {
    const place = temporaryFolder();
    const { code, stderr } = await llamaInspect('convert', model, '--to', 'gguf', '-o', join(place, 'x.gguf'));
    expect(code).toBe(2);
    expect(stderr).toContain(reason);
    expect(stderr).toContain('[convert/unsupported-model]');
    expect(readdirSync(place)).toEqual([]);
  });

  it('becomes safetensors, by which it is proven', async () => {
    const output = join(temporaryFolder(), 'hf');
    const model = modelFolder('llama3.2-vision-tiny');
    const { code, stdout } = await llamaInspect('convert', model, '--to', 'safetensors', '-o', output);
    expect([code, stdout]).toEqual([0, expect.stringContaining('to prove it') as string]);
    const check = await llamaInspect('check', model, output);
    expect([check.code, check.stdout]).toEqual([0, expect.stringContaining('SAME MODEL') as string]);
  });
});

describe('names with control characters', () => {
  it('never reach the terminal as they are', async () => {
    const place = temporaryFolder();
    const evil = join(place, 'red\u001b[31m\u202etxt');
    cpSync(MODEL, evil, { recursive: true });
    writeFileSync(join(evil, 'note\u0007.txt'), 'x');
    for (const argv of [['inspect', evil], ['verify', evil], [place], ['inspect', join(evil, '\u001b')]]) {
      const { stdout, stderr } = await llamaInspect(...argv);
      expect(stdout + stderr).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
      expect(stdout + stderr).toMatch(/\\u00(?:1b|07)/);
    }
  });
});

describe('a folder of checkpoints', () => {
  it('is no checkpoint, and the error names those in it', async () => {
    const place = temporaryFolder();
    for (const name of ['one', 'two']) cpSync(modelFolder('llama1-tiny'), join(place, name), { recursive: true });
    const output = join(temporaryFolder(), 'x.gguf');
    expectFailure(
      await llamaInspect('convert', place, '--to', 'gguf', '-o', output),
      ...['llama/several-models', `name one of them: ${join(place, 'one')}, ${join(place, 'two')}`],
    );
    expectFailure(await llamaInspect('verify', place), 'llama/several-models');
    expectFailure(await llamaInspect('logits', temporaryFolder(), '--tokens', '1'), 'llama/no-model');
  });
});
