import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { caughtStream, copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { FIXTURES, TEXT_MODELS, expectedJson, expectedPath, modelFolder, readNpy } from '../testing/fixtures.js';
import { runCli } from './run.js';

const MODEL = modelFolder('llama3.2-tiny');

/** Lines wider than 80 columns. */
function tooWide(text: string): string[] {
  return text.split('\n').filter((line) => line.length > 80);
}

describe('inspect', () => {
  it('says what a checkpoint is on the first line, and collapses its layers', async () => {
    const { code, stdout, stderr } = await llamaInspect('inspect', MODEL);
    expect([code, stderr]).toEqual([0, '']);
    const [first] = stdout.split('\n');
    expect(first).toBe('llama3.2-tiny   Meta checkpoint, 1 shard   1.38 M parameters   2.76 MB');
    expect(stdout).toMatch(/^ {2}layers\.\{0–1\}\.attention\.wq\.weight +256 × 256 +bfloat16 +131 kB +2$/m);
    expect(stdout).toContain('rope factor     8 (no release of this shape is known');
    expect(tooWide(stdout)).toEqual([]);
  });

  it('is what is done when only a path is given', async () => {
    expect(await llamaInspect(MODEL)).toEqual(await llamaInspect('inspect', MODEL));
  });

  it('gives each layer a row with --all', async () => {
    const { stdout } = await llamaInspect('inspect', MODEL, '--all');
    expect(stdout).toContain('  layers.1.attention.wq.weight');
    expect(stdout).not.toContain('{0–1}');
  });

  it.each([...TEXT_MODELS, 'llama3.2-vision-tiny'])('gives %s as JSON', async (name) => {
    const { code, answer } = await llamaInspectJson<{ kind: string; name: string }>('inspect', modelFolder(name));
    expect(code).toBe(0);
    expect(answer).toMatchObject({ kind: 'inspection', name, layout: 'meta', inside: [] });
  });

  it('lists the checkpoints of a folder, one line each, also those that cannot be read', async () => {
    const folder = temporaryFolder();
    cpSync(modelFolder('llama1-tiny'), join(folder, 'good'), { recursive: true });
    mkdirSync(join(folder, 'bad'));
    writeFileSync(join(folder, 'bad', 'consolidated.00.pth'), 'x');
    mkdirSync(join(folder, 'notes'));
    const { code, stdout } = await llamaInspect(folder);
    expect(code).toBe(0);
    expect(stdout).toContain('2 checkpoints   in ');
    expect(stdout).toMatch(/^ {2}bad +cannot be read {3}\[llama\/no-params\]$/m);
    expect(stdout).toMatch(/^ {2}good +dim 64, 2 layers +197 K +402 kB +Meta$/m);
    const { answer } = await llamaInspectJson<{ checkpoints: { error: { code: string } | null }[] }>(folder);
    expect(answer.checkpoints.map(({ error }) => error?.code)).toEqual(['llama/no-params', undefined]);
  });

  it('calls files of tensors without a model what they are', async () => {
    const folder = temporaryFolder();
    cpSync(join(MODEL, 'consolidated.00.pth'), join(folder, 'weights.pth'));
    const { code, stdout } = await llamaInspect(folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^no checkpoint, but 1 file of tensors {3}in /);
    expect(stdout).toMatch(/^ {2}weights\.pth +21 tensors +2\.76 MB$/m);
    expect((await llamaInspectJson<{ kind: string }>(folder)).answer.kind).toBe('files');
    const file = await llamaInspectJson<{ layout: string; modelKind: null }>(join(folder, 'weights.pth'));
    expect(file.answer).toMatchObject({ layout: 'file', modelKind: null, parameterCount: 1377536 });
  });
});

describe('tensors', () => {
  interface TensorsAnswer {
    tensors: { name: string; dtype: string; shape: number[]; byteLength: number; sha256?: string }[];
  }

  it('prints hashes below the tensors', async () => {
    const { stdout } = await llamaInspect('tensors', MODEL, '--hash', 'sha256');
    expect(stdout).toMatch(/^21 tensors {3}in 1 file {3}3\.28 MB\n\nconsolidated\.00\.pth\n/);
    expect(stdout.match(/^ {4}sha256 [0-9a-f]{64}$/gm)).toHaveLength(21);
    expect(stdout).toContain('  output.weight and tok_embeddings.weight are one storage');
    expect(tooWide(stdout)).toEqual([]);
  });

  it.each(TEXT_MODELS)('finds the tensors of transformers in %s as it is converted', async (name) => {
    const output = join(temporaryFolder(), 'hf');
    expect((await llamaInspect('convert', modelFolder(name), '--to', 'safetensors', '-o', output)).code).toBe(0);
    const { code, answer } = await llamaInspectJson<TensorsAnswer>('tensors', output, '--hash', 'sha256');
    expect(code).toBe(0);
    const expected = expectedJson<Record<string, TensorsAnswer>>(name, 'hf.json')['model.safetensors']?.tensors ?? [];
    const facts = ({ name: tensor, dtype, shape, sha256 }: TensorsAnswer['tensors'][number]) => {
      return { name: tensor, dtype, shape, sha256 };
    };
    const found = new Map(answer.tensors.map((tensor) => [tensor.name, facts(tensor)]));
    expect([...found.keys()].sort()).toEqual(expected.map((tensor) => tensor.name).sort());
    for (const tensor of expected) expect(found.get(tensor.name)).toEqual(facts(tensor));
  });

  it('lists a single file in file order', async () => {
    const { answer } = await llamaInspectJson<TensorsAnswer>('tensors', join(MODEL, 'consolidated.00.pth'), '--all');
    expect(answer.tensors[0]).toMatchObject({ name: 'tok_embeddings.weight', dtype: 'bfloat16', shape: [1024, 256] });
  });
});

describe('verify', () => {
  it.each([...TEXT_MODELS, 'llama3.2-vision-tiny'])('finds %s intact', async (name) => {
    const text = await llamaInspect('verify', modelFolder(name));
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(/^INTACT {3}/);
    expect(tooWide(text.stdout)).toEqual([]);
    const { code, answer } = await llamaInspectJson<{ verdict: string }>('verify', modelFolder(name));
    expect([code, answer.verdict]).toEqual([0, 'intact']);
  });

  it('names the file in which a bit was flipped', async () => {
    const model = copyOfModel('llama3.2-tiny');
    const path = join(model, 'consolidated.00.pth');
    const bytes = readFileSync(path);
    bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const { code, stdout } = await llamaInspect('verify', model);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAILED {3}1 of 3 listed files differs\n/);
    const found = createHash('md5').update(bytes).digest('hex').slice(0, 8);
    expect(stdout).toMatch(new RegExp(`✗ consolidated\\.00\\.pth {2}md5 [0-9a-f]{8}… expected, ${found}… found`));
    expect(stdout).toContain('download this file again');
    const { answer } = await llamaInspectJson<{ files: { files: { status: string }[] } }>('verify', model);
    expect(answer.files.files.map(({ status }) => status)).toEqual(['mismatch', 'ok', 'ok']);
  });

  it('does not call a folder without a list intact', async () => {
    const model = copyOfModel('llama3.2-tiny');
    rmSync(join(model, 'checklist.chk'));
    const { code, stdout } = await llamaInspect('verify', model);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^UNPROVEN {3}nothing is wrong, but there is no checklist\.chk to prove it\n/);
    expect(stdout.replace(/\s+/g, ' ')).toContain(
      'not proven, because there is no list of hashes: consolidated.00.pth, params.json, tokenizer.model',
    );
    expect((await llamaInspectJson<{ verdict: string }>('verify', model)).answer.verdict).toBe('unproven');
  });
});

describe('convert and check', () => {
  it('writes a Hugging Face folder that is the same model', async () => {
    const output = join(temporaryFolder(), 'hf');
    const converted = await llamaInspect('convert', MODEL, '--to', 'safetensors', '--output', output);
    expect([converted.code, converted.stderr]).toEqual([0, '']);
    expect(converted.stdout).toContain('20 tensors, all bfloat16   7 files   2.89 MB');
    expect(converted.stdout).toMatch(/^wrote .*hf {3}2\.89 MB {3}[\d.]+ s/m);
    expect(converted.stdout).toContain(`  to prove it: llama-inspect check ${MODEL} ${output}\n`);
    expect(readdirSync(output)).toEqual([
      'config.json',
      'generation_config.json',
      'llama-inspect.lock.json',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    const checked = await llamaInspect('check', MODEL, output);
    expect(checked.code).toBe(0);
    expect(checked.stdout).toMatch(/^SAME MODEL {3}every weight equal · KL 0 · top-1 16 of 16\n/);
    expect(tooWide(checked.stdout)).toEqual([]);
    const inspected = await llamaInspectJson<{ layout: string }>('inspect', output);
    expect(inspected.answer).toMatchObject({ layout: 'hf', parameterCount: 1377536 });
  });

  it('writes the very GGUF file of llama.cpp, and reads it', async () => {
    const output = join(temporaryFolder(), 'tiny.gguf');
    const { code, answer } = await llamaInspectJson<{ loss: object; byteLength: number }>(
      ...['convert', MODEL, '--to', 'gguf', '--type', 'f16', '-o', output],
    );
    expect(code).toBe(0);
    const bytes = readFileSync(output);
    const lock = readFileSync(`${output}.llama-inspect.lock.json`);
    const byteLength = bytes.byteLength + lock.byteLength;
    expect(answer).toMatchObject({ kind: 'conversion', dtype: 'float16', byteLength });
    const expected = expectedJson<Record<string, { file_sha256: string }>>('llama3.2-tiny', 'gguf.json');
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(expected['convert-f16']?.file_sha256);
    const checked = await llamaInspectJson<{ verdict: string }>('check', MODEL, output);
    expect([checked.code, checked.answer.verdict]).toEqual([0, 'same-within-type']);
    expect((await llamaInspect('inspect', output)).stdout).toContain('   GGUF file   1.38 M parameters   2.79 MB');
  });

  it('counts what casting loses', async () => {
    const output = join(temporaryFolder(), 'tiny.gguf');
    const { stdout } = await llamaInspect('convert', MODEL, '--to', 'gguf', '--type', 'f16', '-o', output);
    expect(stdout).toContain('  casting to float16 changed values: 71 numbers rounded\n');
  });

  it('cuts safetensors into shards of the size asked for', async () => {
    const output = join(temporaryFolder(), 'hf');
    const convert = ['convert', MODEL, '--to', 'safetensors', '-o', output, '--max-shard-size', '1MB'];
    expect((await llamaInspect(...convert)).code).toBe(0);
    const shards = readdirSync(output).filter((name) => name.endsWith('.safetensors'));
    expect(shards.length).toBeGreaterThan(2);
    expect((await llamaInspect('check', output, MODEL)).code).toBe(0);
  });

  it('shows a plan and writes nothing with --dry-run', async () => {
    const output = join(temporaryFolder(), 'tiny.gguf');
    const plan = await llamaInspect('convert', MODEL, '--to', 'gguf', '-o', output, '--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.stdout).toMatch(/^would write .*tiny\.gguf 2\.8 MB\n {2}nothing was written/);
    expect(plan.stdout).toMatch(/^ {2}blk\.\{0–1\}\.attn_q\.weight +256 × 256 +bfloat16 +131 kB +2$/m);
    const all = await llamaInspect('convert', MODEL, '--to', 'gguf', '-o', output, '--dry-run', '--all');
    expect(all.stdout).toMatch(/^ {2}blk\.1\.attn_q\.weight +256 × 256 +bfloat16 +0x[0-9a-f]+$/m);
    const json = await llamaInspectJson<{ files: { tensors: { name: string }[] }[] }>(
      ...['convert', MODEL, '--to', 'gguf', '-o', output, '--dry-run'],
    );
    expect(json.answer.files[0]?.tensors[0]?.name).toBe('rope_freqs.weight');
    expect(existsSync(output)).toBe(false);
  });

  it('warns on standard error when there is no tokenizer, unless told to be quiet', async () => {
    const model = copyOfModel('llama3.2-tiny');
    rmSync(join(model, 'tokenizer.model'));
    const convert = ['convert', model, '--to', 'safetensors', '--force', '-o', join(temporaryFolder(), 'hf')];
    expect(await llamaInspect(...convert)).toMatchObject({
      code: 0,
      stderr: 'warning: there is no tokenizer: none is written\n',
    });
    expect(await llamaInspect(...convert, '--quiet')).toMatchObject({ code: 0, stderr: '' });
  });

  it('tells a wrong rope factor, and what to do about it', async () => {
    const output = join(temporaryFolder(), 'tiny.gguf');
    const convert = await llamaInspect('convert', MODEL, '--to', 'gguf', '--rope-factor', '32', '-o', output);
    expect(convert.stdout).toContain('--rope-factor 32\n');
    const wrong = await llamaInspect('check', MODEL, output);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/^DIFFERENT {3}2 differences\n\n {2}first difference: ropeScaling\.factor is 8/);
    expect(wrong.stdout).toContain('if 32 is right: --rope-factor 32');
    expect((await llamaInspectJson<{ verdict: string }>('check', MODEL, output)).answer.verdict).toBe('different');
    expect((await llamaInspect('check', MODEL, output, '--rope-factor', '32')).code).toBe(0);
  });

  it('runs given tokens beside the built-in ones', async () => {
    const { code, answer } = await llamaInspectJson<{ logits: { tokensFrom: string; tokens: number[] }[] }>(
      ...['check', MODEL, MODEL, '--tokens', '5,6,7'],
    );
    expect(code).toBe(0);
    expect(answer.logits.map(({ tokensFrom }) => tokensFrom)).toEqual(['built-in', 'built-in', 'given', 'given']);
    expect(answer.logits.at(-1)?.tokens).toEqual([5, 6, 7]);
  });

  it('compares models of different shapes without running them', async () => {
    const { code, answer } = await llamaInspectJson<{ logits: unknown[] }>('check', MODEL, modelFolder('llama1-tiny'));
    expect([code, answer.logits]).toEqual([1, []]);
    const { stdout } = await llamaInspect('check', MODEL, modelFolder('llama1-tiny'));
    expect(stdout).toMatch(/^DIFFERENT {3}\d+ differences\n/);
    expect(stdout).toMatch(/and \d+ more; --json has all of them/);
  });
});

describe('logits', () => {
  const { prompts, logit_positions: rows } = expectedJson<{ prompts: number[][]; logit_positions: number[][] }>(
    'llama3.2-tiny',
    'expected.json',
  );

  it("gives Meta's logits", async () => {
    const tokens = (prompts[0] ?? []).join(',');
    const { code, answer } = await llamaInspectJson<{ tokens: number[]; positions: number[]; logits: number[][] }>(
      ...['logits', MODEL, '--tokens', tokens],
    );
    expect(code).toBe(0);
    expect(answer.tokens).toEqual(prompts[0]);
    expect(answer.positions).toEqual([...answer.tokens.keys()]);
    const expected = readNpy(expectedPath('llama3.2-tiny', 'logits_0.npy'));
    const width = expected.shape[1] ?? 0;
    const differences = (rows[0] ?? []).flatMap((row, index) =>
      (answer.logits[row] ?? []).map((value, column) =>
        Math.abs(value - (expected.data[index * width + column] ?? NaN)),
      ),
    );
    expect(differences).toHaveLength((rows[0] ?? []).length * width);
    expect(Math.max(...differences)).toBeLessThan(1e-4);
  });

  it('shows the likeliest next tokens, and writes a NumPy file', async () => {
    const output = join(temporaryFolder(), 'logits.npy');
    const run = ['logits', MODEL, '--tokens', '1,2', '--positions', '7,99', '--output', output];
    const { code, stdout } = await llamaInspect(...run);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^logits of 2 tokens {3}1024 each\n/);
    expect(stdout).toMatch(/^ {9}7 {2}1 " +\d+ \S+ \(-?\d+\.\d\d\)/m);
    expect(stdout).toContain(`wrote ${output}\n`);
    expect(readNpy(output).shape).toEqual([2, 1024]);
    expect(await llamaInspect(...run)).toMatchObject({ code: 2, stdout: '' });
    expect((await llamaInspect(...run, '--force')).code).toBe(0);
    expect(readdirSync(join(output, '..'))).toEqual(['logits.npy']);
  });

  it('shows ids where there is no tokenizer', async () => {
    const model = copyOfModel('llama3.2-tiny');
    rmSync(join(model, 'tokenizer.model'));
    const { stdout } = await llamaInspect('logits', model, '--tokens', '3');
    expect(stdout).toMatch(/^ {9}0 {2}3 +\d+ \(\d+\.\d\d\)/m);
  });
});

describe('demo', () => {
  it('goes as it should, and leaves nothing behind', async () => {
    const before = new Set(readdirSync(join(temporaryFolder(), '..')));
    const here = process.cwd();
    const { code, stdout, stderr } = await llamaInspect('demo');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.match(/^\$ llama-inspect .*$/gm)).toHaveLength(7);
    expect(stdout).toMatch(/^INTACT /m);
    expect(stdout).toMatch(/^SAME MODEL /m);
    expect(stdout).toMatch(/^FAILED {3}1 of 3 listed files differs$/m);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^DEMO PASSED {3}7 commands in /);
    expect(tooWide(stdout)).toEqual([]);
    const after = readdirSync(join(temporaryFolder(), '..')).filter((name) => name.startsWith('llama-inspect-demo'));
    expect(after.filter((name) => !before.has(name))).toEqual([]);
    expect(process.cwd()).toBe(here);
  });

  it('is one object with --json', async () => {
    const { code, answer } = await llamaInspectJson<{ ok: boolean; steps: unknown[] }>('demo', '--no-color');
    expect([code, answer.ok, answer.steps.length]).toEqual([0, true, 7]);
  });

  it('stops when it is interrupted', async () => {
    const interruption = new AbortController();
    const stdout = caughtStream(() => interruption.abort());
    const code = await runCli(['demo'], { stdout, stderr: caughtStream(), signal: interruption.signal });
    expect(code).toBe(130);
    expect(stdout.text().match(/^\$/gm)).toHaveLength(1);
  });
});

describe('names', () => {
  it('are looked up among the checkpoints of Meta’s downloader', async () => {
    const home = temporaryFolder();
    cpSync(modelFolder('llama1-tiny'), join(home, '.llama/checkpoints/Some-Model'), { recursive: true });
    const before = process.env['HOME'];
    process.env['HOME'] = home;
    try {
      const { code, answer } = await llamaInspectJson<{ name: string }>('inspect', 'Some-Model');
      expect([code, answer.name]).toEqual([0, 'Some-Model']);
    } finally {
      process.env['HOME'] = before;
    }
  });

  it('stand for the folder when a path ends in a dot', async () => {
    const { answer } = await llamaInspectJson<{ name: string }>('inspect', `${FIXTURES}/llama3.2-tiny/.`);
    expect(answer.name).toBe('llama3.2-tiny');
  });
});
