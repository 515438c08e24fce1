import { createHash } from 'node:crypto';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';

import type { Lock, LockPredicate } from '../integrity/lock.js';
import { PROJECT } from '../testing/built.js';
import { copyOfModel, llamaInspect, llamaInspectJson, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';

const NAME = 'llama-inspect.lock.json';

/** A lock file, which must follow its published schema and state the true hash of every file beside it. */
async function readLock(path: string): Promise<Lock & { readonly predicate: LockPredicate }> {
  const json = JSON.parse(await readFile(path, 'utf8')) as Lock;
  const schemas = ['common', 'fingerprint', 'lock'].map(async (name) => {
    return JSON.parse(await readFile(join(PROJECT, `docs/schema/${name}.schema.json`), 'utf8')) as object;
  });
  const ajv = new Ajv2020({ allowUnionTypes: true, schemas: await Promise.all(schemas) });
  const validate = ajv.getSchema('https://llama-inspect.dev/schema/lock.schema.json')!;
  await validate(json);
  expect(validate.errors ?? []).toEqual([]);
  for (const { name, digest } of json.subject) {
    const bytes = await readFile(join(dirname(path), name));
    expect(digest.sha256, name).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
  return json;
}

const fingerprintOf = async (path: string): Promise<unknown> => {
  const { answer } = await llamaInspectJson<{ tensors: { name: string; sha256: string }[] }>('fingerprint', path);
  return answer.tensors.map(({ name, sha256 }) => [name, sha256]);
};

const lockedTensors = ({ predicate }: Lock): unknown =>
  predicate.model?.tensors.map(({ name, sha256 }) => [name, sha256]);

describe('llama-inspect lock', () => {
  it('locks a folder, refuses to do so twice, and gives the same bytes with --force', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    const path = join(folder, NAME);
    const { code, answer } = await llamaInspectJson<{ lockPath: string; tensors: number }>('lock', folder);
    expect(code).toBe(0);
    expect(answer).toMatchObject({ lockPath: path, files: 4, tensors: 20 });
    expect(lockedTensors(await readLock(path))).toEqual(await fingerprintOf(folder));
    const before = await readFile(path);
    const again = await llamaInspect('lock', folder);
    expect([again.code, again.stderr.includes('[integrity/lock-exists]')]).toEqual([2, true]);
    expect((await llamaInspect('lock', folder, '--force')).code).toBe(0);
    expect(await readFile(path)).toEqual(before);
    expect((await llamaInspect('verify', folder)).code).toBe(0);
  });

  it('locks a single file beside it, and files that are no model', async () => {
    const folder = temporaryFolder();
    const file = join(folder, 'notes.txt');
    await writeFile(file, 'x');
    await writeFile(join(folder, 'other.txt'), 'x');
    const { code, stdout, stderr } = await llamaInspect('lock', file);
    expect(code).toBe(0);
    expect(stderr).toContain('only the files are locked, no tensors');
    expect(stdout).toContain('1 file');
    expect((await readLock(`${file}.${NAME}`)).predicate.model).toBeNull();
    const empty = await llamaInspect('lock', temporaryFolder());
    expect(empty.code).toBe(2);
  });

  it('remembers a rope factor', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    await llamaInspect('lock', folder, '--rope-factor', '32');
    const { predicate } = await readLock(join(folder, NAME));
    expect(predicate.options).toEqual({ ropeFactor: 32 });
    expect((await llamaInspect('verify', folder, '--deep')).stdout).toContain('every tensor is as it was locked');
  });
});

describe('llama-inspect convert', () => {
  const meta = modelFolder('llama3.2-tiny');

  it.each(['f16', 'f32', 'bf16', 'q8_0', 'q4_k_m'])('locks a GGUF file of type %s as it was written', async (type) => {
    const output = join(temporaryFolder(), 'out.gguf');
    await llamaInspect('convert', meta, '--to', 'gguf', '--type', type, '-o', output);
    const lock = await readLock(`${output}.${NAME}`);
    expect(lock.subject.map(({ name }) => name)).toEqual(['out.gguf']);
    expect(lock.predicate).toMatchObject({ command: 'convert', options: { to: 'gguf', type } });
    expect(lockedTensors(lock)).toEqual(await fingerprintOf(output));
    expect((await llamaInspect('verify', output, '--deep')).stdout).toContain('every tensor is as it was locked');
  });

  it.each(['llama2-tiny-2shards', 'llama3-tiny'])('locks a folder of shards, made from %s', async (name) => {
    const output = join(temporaryFolder(), 'hf');
    const argv = ['convert', modelFolder(name), '--to', 'safetensors', '-o', output, '--max-shard-size', '500kB'];
    await llamaInspect(...argv);
    const lock = await readLock(join(output, NAME));
    const files = (await readdir(output)).filter((file) => file !== NAME);
    expect(lock.subject.map((file) => file.name)).toEqual(files.sort());
    expect(files.length).toBeGreaterThan(6);
    expect(lockedTensors(lock)).toEqual(await fingerprintOf(output));
    const bytes = await readFile(join(output, NAME));
    await llamaInspect(...argv, '--force');
    expect(await readFile(join(output, NAME))).toEqual(bytes);
    const { source } = lock.predicate;
    expect(source).toMatchObject({ name, layout: 'meta' });
    expect(source!.files.every(({ digest, statedBy }) => digest?.sha256 !== undefined && statedBy === null)).toBe(true);
    expect((await llamaInspect('verify', output, '--fail-on-extra')).code).toBe(0);
  });

  it.each(['gguf', 'safetensors', 'meta'])(
    'remembers what decided the bytes: a rope factor, types of metadata, %s',
    async (to) => {
      const output = join(temporaryFolder(), to === 'gguf' ? 'out.gguf' : 'out');
      const metadata = to === 'gguf' ? ['--metadata', 'my.key:u8=3', '--metadata', 'my.other=3'] : [];
      await llamaInspect('convert', meta, '--to', to, '--rope-factor', '16', ...metadata, '-o', output);
      const lock = await readLock(to === 'gguf' ? `${output}.${NAME}` : join(output, NAME));
      expect(lock.predicate.options).toEqual({
        ...{ to, ropeFactor: 16 },
        ...(to === 'gguf' ? { metadata: ['my.key:u8=3', 'my.other=3'] } : {}),
      });
      expect((await llamaInspect('verify', output, '--deep')).stdout).toContain('every tensor is as it was locked');
    },
  );

  it('names every file that was read: also the tokenizer above, and what options name', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    await rename(join(folder, 'tokenizer.model'), join(dirname(folder), 'tokenizer.model'));
    const imatrix = join(PROJECT, 'fixtures/imatrix/tiny.dat');
    const output = join(temporaryFolder(), 'out.gguf');
    const { stderr, code } = await llamaInspect('convert', folder, '--to', 'gguf', '--type', 'q8_0', '--imatrix', imatrix, '-o', output); // prettier-ignore
    expect(stderr).not.toMatch(/^error/m);
    expect(code).toBe(0);
    const { source } = (await readLock(`${output}.${NAME}`)).predicate;
    const read = [...source!.files, ...source!.inputs!].map(({ name }) => name);
    expect(read).toEqual(['consolidated.00.pth', 'params.json', '../tokenizer.model', 'tiny.dat']);
    const hash = async (path: string) =>
      createHash('sha256')
        .update(await readFile(path))
        .digest('hex');
    expect(source!.inputs![0]!.digest).toEqual({ sha256: await hash(imatrix) });
    expect(source!.files[2]!.digest).toEqual({ sha256: await hash(join(dirname(folder), 'tokenizer.model')) });
  });

  it('leaves it out with --no-lock, and removes an older one that would lie', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    const argv = ['convert', meta, '--to', 'gguf', '-o', output];
    await llamaInspect(...argv, '--no-lock');
    expect(await readdir(dirname(output))).toEqual(['out.gguf']);
    await llamaInspect(...argv, '--force');
    expect(await readdir(dirname(output))).toEqual(['out.gguf', `out.gguf.${NAME}`]);
    await llamaInspect(...argv, '--force', '--no-lock');
    expect(await readdir(dirname(output))).toEqual(['out.gguf']);
  });

  it.each(['--lock', '--no-lock'])('judges a GGUF file by its bytes, whatever it is called, after %s', async (lock) => {
    const output = join(temporaryFolder(), 'out');
    await llamaInspect('convert', meta, '--to', 'gguf', '-o', output, ...(lock === '--lock' ? [] : [lock]));
    await writeFile(join(dirname(output), 'notes.txt'), 'mine');
    const { stdout } = await llamaInspect('verify', output, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ path: output, structure: { status: 'consistent' } });
    const deep = await llamaInspect('verify', output, '--deep');
    expect(deep.code).toBe(lock === '--lock' ? 0 : 1); // without a list nothing is proven
    expect(deep.stdout).toContain('21 tensors without NaN or infinity'); // with rope_freqs
  });

  it('refuses to replace a lock file without --force, and then writes nothing', async () => {
    const output = join(temporaryFolder(), 'out.gguf');
    await writeFile(`${output}.${NAME}`, '{}');
    const { code, stderr } = await llamaInspect('convert', meta, '--to', 'gguf', '-o', output);
    expect([code, stderr.includes('[convert/exists]')]).toEqual([2, true]);
    expect(await readdir(dirname(output))).toEqual([`out.gguf.${NAME}`]);
  });
});

describe('llama-inspect verify, with a lock file', () => {
  /** A GGUF file with its lock file. */
  async function lockedFile(): Promise<string> {
    const output = join(temporaryFolder(), 'out.gguf');
    await llamaInspect('convert', modelFolder('llama3.2-tiny'), '--to', 'gguf', '-o', output);
    return output;
  }

  it('looks at a GGUF file alone, by path or in its folder', async () => {
    const file = await lockedFile();
    await writeFile(join(dirname(file), 'more.txt'), 'x');
    const { code, answer } = await llamaInspectJson<{ path: string; locks: { status: string }[] }>('verify', file);
    expect(code).toBe(0);
    expect(answer).toMatchObject({ path: file, verdict: 'intact', locks: [{ status: 'files-match' }] });
    expect((await llamaInspect('verify', dirname(file))).code).toBe(0);
    const strict = await llamaInspect('verify', dirname(file), '--fail-on-extra');
    expect(strict.code).toBe(1);
    expect(strict.stdout).toContain('1 file in no list');
    expect(strict.stdout).toMatch(/✗ more\.txt\s+in no list/);
    await rm(`${file}.${NAME}`);
    expect((await llamaInspect('verify', file)).stdout).toContain('UNPROVEN');
    expect((await llamaInspect('verify', join(dirname(file), 'more.txt'))).stderr).toContain('[source/not-a-folder]');
  });

  it('names the tensors that changed', async () => {
    const file = await lockedFile();
    const bytes = await readFile(file);
    for (const part of [0.3, 0.5, 0.7, 0.9]) bytes[Math.floor(part * bytes.length)]! ^= 0x01;
    await writeFile(file, bytes);
    const { code, stdout } = await llamaInspect('verify', file);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^FAILED.*\d tensors? not as locked/);
    expect(stdout).toMatch(/tensors? changed: layers\.\d/);
    const { answer } = await llamaInspectJson<{ locks: { tensors: unknown[] }[] }>('verify', file);
    expect(answer.locks[0]!.tensors.length).toBeGreaterThan(0);
  });

  it('tells another model, a missing file and a broken one', async () => {
    const file = await lockedFile();
    const other = join(dirname(file), 'q.gguf');
    await llamaInspect('convert', modelFolder('llama3-tiny'), '--to', 'gguf', '-o', other, '--no-lock');
    await rename(other, file);
    const { stdout } = await llamaInspect('verify', file);
    expect(stdout).toContain('hyperparameters changed: ');
    expect(stdout).toMatch(/tensors are new: layers\.2/);
    await writeFile(file, 'GGUF');
    expect((await llamaInspect('verify', file)).stdout).toContain('cannot be opened, so no tensor was compared');
    await rm(file);
    const { code, stdout: missing } = await llamaInspect('verify', dirname(file));
    expect(code).toBe(1);
    expect(missing).toContain(basename(file));
  });
});
