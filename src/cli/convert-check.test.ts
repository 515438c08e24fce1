/**
 * `convert --check`: the output proven in the run that writes it.
 */
import { closeSync, existsSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it, vi } from 'vitest';

import { checkConversion } from '../check/check-conversion-node.js';
import { convert } from '../convert/convert-path-node.js';
import { openTensorFile } from '../formats/open-path-node.js';
import { openModel } from '../llama/open-path-node.js';
import { SourceError } from '../source/byte-source.js';
import { llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, modelFolder } from '../testing/fixtures.js';

const MODEL = modelFolder('llama3.2-tiny');

interface Comparison {
  readonly verdict: string;
  readonly findings: readonly { readonly code: string }[];
  readonly b: { readonly path: string };
}

/** What a conversion with a check, and the check on its own, say of the output. */
async function checkedTwice(source: string, place: string, ...options: string[]): Promise<[Comparison, Comparison]> {
  const run = ['convert', source, '--output', join(place, 'out'), '--check', '--quiet', ...options];
  const { code, answer } = await llamaInspectJson<{ comparison: Comparison }>(...run);
  expect(code).toBe(0);
  const { path } = answer.comparison.b;
  const again = await llamaInspectJson<Comparison>('check', source, path, '--quiet');
  return [answer.comparison, again.answer];
}

/** Writes two bytes of a tensor of a file. */
async function damage(path: string, name: string, element: number, bytes: readonly number[]): Promise<void> {
  await using file = await openTensorFile(path);
  const { fileOffset } = file.tensors.find((tensor) => tensor.name === name)!;
  const handle = openSync(path, 'r+');
  writeSync(handle, Uint8Array.from(bytes), 0, bytes.length, fileOffset! + element * bytes.length);
  closeSync(handle);
}

describe('convert --check', () => {
  it.each([
    ['GGUF', 'same', ['--to', 'gguf']],
    ['quantized GGUF', 'same-within-type', ['--to', 'gguf', '--type', 'q4_k_m']],
    ['split GGUF', 'same-within-type', ['--to', 'gguf', '--type', 'f16', '--split-max-size', '1MB', '--no-lock']],
    ['safetensors', 'same', ['--to', 'safetensors', '--max-shard-size', '1MB']],
    ["Meta's folders", 'same', ['--to', 'meta', '--shards', '2', '--rope-factor', '16']],
  ])('says of %s what check says', async (_, verdict, options) => {
    const factor = options.includes('--rope-factor') ? ['--rope-factor', '16'] : [];
    const place = temporaryFolder();
    const run = ['convert', MODEL, '--output', join(place, 'out'), '--check', '--quiet', ...options];
    const { code, answer } = await llamaInspectJson<{ comparison: Comparison }>(...run);
    const { path } = answer.comparison.b;
    const alone = await llamaInspectJson<Comparison>('check', MODEL, path, ...factor);
    expect([code, answer.comparison.verdict]).toEqual([0, verdict]);
    expect(answer.comparison).toEqual(alone.answer);
  });

  it.each([
    ['vision', 'llama3.2-vision-tiny'],
    ['Llama 4', '../families/llama4-1shard'],
  ])('does for a model of the family %s what check does', async (_, name) => {
    const source = join(FIXTURES, 'models', name);
    const [checked, alone] = await checkedTwice(source, temporaryFolder(), '--to', 'safetensors');
    expect(checked.verdict).toBe('same');
    expect(checked).toEqual(alone);
  });

  it('holds an output with adapters merged against the model with these adapters', async () => {
    const output = join(temporaryFolder(), 'merged.gguf');
    const fineTunes = join(FIXTURES, 'fine-tunes');
    const run = ['convert', join(fineTunes, 'llama3-korean-tiny'), '--lora', join(fineTunes, 'adapter')];
    const { code, stdout } = await llamaInspect(...run, '--to', 'gguf', '--output', output, '--check');
    expect([code, stdout]).toEqual([0, expect.stringContaining('\nSAME MODEL   every weight equal') as string]);
  });

  it('shows the verdict below what was written, and null in JSON without it', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    const { code, stdout } = await llamaInspect('convert', MODEL, '--to', 'gguf', '--output', output, '--check');
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nwrote .*out\.gguf[^\n]*\n(?: [^\n]*\n)*\nSAME MODEL {3}every weight equal/);
    expect(stdout).not.toContain('to prove it');
    const without = ['convert', MODEL, '--to', 'gguf', '--output', output, '--force'];
    expect((await llamaInspectJson<{ comparison: unknown }>(...without)).answer.comparison).toBeNull();
  });

  it('has exit code 1 where the type cannot hold a weight, and leaves the files', async () => {
    const place = temporaryFolder();
    const [large, output] = [join(place, 'large.gguf'), join(place, 'half.gguf')];
    await llamaInspect('convert', MODEL, '--to', 'gguf', '--output', large, '--no-lock');
    await damage(large, 'blk.0.ffn_up.weight', 5, [0x80, 0x49]); // 2^20 in bfloat16
    const run = ['convert', large, '--to', 'gguf', '--type', 'f16', '--output', output, '--check'];
    const { code, stdout } = await llamaInspect(...run);
    expect(code).toBe(1);
    expect(stdout).toContain('1 number overflowed to infinity');
    expect(stdout).toMatch(/^DIFFERENT {3}1 difference/m);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(`${output} stays, to be looked into`);
    expect(readdirSync(place).sort()).toEqual(['half.gguf', 'half.gguf.llama-inspect.lock.json', 'large.gguf']);
    const json = await llamaInspectJson<{ comparison: Comparison }>(...run, '--force');
    expect([json.code, json.answer.comparison.verdict]).toEqual([1, 'different']);
    expect(json.answer.comparison.findings).toContainEqual(expect.objectContaining({ code: 'not-finite' }));
  });

  it('computes in plain TypeScript where kernels are turned off, with the same verdict', async () => {
    vi.stubEnv('LLAMA_INSPECT_KERNELS', 'off');
    try {
      const output = join(temporaryFolder(), 'out.gguf');
      const run = ['convert', MODEL, '--to', 'gguf', '--type', 'q8_0', '--output', output, '--check'];
      const { code, stdout } = await llamaInspect(...run);
      expect([code, stdout]).toEqual([0, expect.stringContaining('SAME MODEL within Q8_0') as string]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('says that the output stays where its check could not be carried out', async () => {
    vi.doMock('../check/check-conversion-node.js', () => ({
      checkConversion: async () => Promise.reject(new SourceError('source/read-failed', 'the disk is gone')),
    }));
    try {
      const output = join(temporaryFolder(), 'out.gguf');
      const { code, stderr } = await llamaInspect('convert', MODEL, '--to', 'gguf', '--output', output, '--check');
      expect(code).toBe(2);
      expect(stderr.replaceAll(/\s+/g, ' ')).toContain(`${output} is written and stays; what failed is its check`);
      expect(stderr).toContain('the disk is gone   [source/read-failed]');
      expect(existsSync(output)).toBe(true);
    } finally {
      vi.doUnmock('../check/check-conversion-node.js');
    }
  });

  it('proves what was written in parts when they are finished, and no part', async () => {
    const place = temporaryFolder();
    const run = ['convert', MODEL, '--to', 'gguf', '--split-max-size', '1MB', '--output', join(place, 'out.gguf')];
    expect(await llamaInspect(...run, '--part', '1/2', '--check')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--check needs a whole output: give it with --finish   [cli/usage]') as string,
    });
    for (const part of ['1/2', '2/2']) expect((await llamaInspect(...run, '--part', part)).code).toBe(0);
    const { code, answer } = await llamaInspectJson<{ comparison: Comparison }>(...run, '--finish', '--check');
    expect([code, answer.comparison.verdict]).toEqual([0, 'same']);
    expect(answer.comparison.b.path).toMatch(/out-00001-of-0000\d\.gguf$/);
  });

  it('is refused where nothing is written', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    const run = ['convert', MODEL, '--to', 'gguf', '--output', output, '--check', '--dry-run'];
    expect(await llamaInspect(...run)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--check needs an output, and --dry-run writes none   [cli/usage]') as string,
    });
    expect(existsSync(output)).toBe(false);
  });
});

describe('checkConversion', () => {
  it('reads what was written: a bit that turned on the disk is found', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    await using model = await openModel(MODEL);
    const result = await convert(model, output, { to: 'gguf', lock: false });
    expect((await checkConversion(model, result, output)).verdict).toBe('same');
    await damage(output, 'blk.1.ffn_gate.weight', 3, [0x00, 0x3f]); // 0.5
    const { verdict, findings } = await checkConversion(model, result, output, { logits: false });
    expect(verdict).toBe('different');
    expect(findings[0]).toMatchObject({ code: 'one-weight', subject: 'layers.1.feed_forward.w1.weight' });
  });

  it('fails with the error of what cannot be opened, and stops when it is told to', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    await using model = await openModel(MODEL);
    const result = await convert(model, output, { to: 'gguf', lock: false });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(checkConversion(model, result, output, { signal })).rejects.toThrow('enough');
    await expect(checkConversion(model, result, `${output}.gone`)).rejects.toMatchObject({ code: 'source/not-found' });
  });
});
