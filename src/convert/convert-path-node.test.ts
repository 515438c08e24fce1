/**
 * Converting to a path: outputs that appear whole or not at all, and never over their source.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { LlamaModel } from '../llama/model.js';
import { openModel } from '../llama/open-path-node.js';
import { copyOfModel, temporaryFolder } from '../testing/cli.js';
import { modelFolder } from '../testing/fixtures.js';
import { convert, planConversionTo, runPlanTo } from './convert-path-node.js';
import { directoryOutput } from './directory-output.js';
import { type Output, memoryOutput } from './output.js';
import { ConvertError } from './plan.js';
import { writeFileWhole } from './write-file-node.js';

let model: LlamaModel;

beforeAll(async () => {
  model = await openModel(modelFolder('llama3.2-tiny'));
});

afterAll(async () => {
  await model.close();
});

/** An output on disk whose disk is full at the n-th write, counted from 0. */
function fullAt(n: number, output: Output): Output {
  let writes = 0;
  return {
    ...output,
    create: async (name) => {
      const sink = await output.create(name);
      return {
        get position() {
          return sink.position;
        },
        write: async (bytes) => {
          if (writes++ === n) throw new ConvertError('convert/no-space', 'the disk is full', { path: name });
          await sink.write(bytes);
        },
      };
    },
  };
}

describe('convert to a path', () => {
  it('writes a file for GGUF, a folder for safetensors, and the same as to an output', async () => {
    const place = temporaryFolder();
    await convert(model, join(place, 'deep/x.gguf'), { to: 'gguf' });
    await convert(model, join(place, 'hf'), { to: 'safetensors' });
    expect(readdirSync(join(place, 'deep'))).toEqual(['x.gguf', 'x.gguf.llama-inspect.lock.json']);
    expect(readdirSync(join(place, 'hf'))).toContain('model.safetensors');
    const memory = memoryOutput();
    await convert(model, memory, { to: 'gguf' });
    expect(
      readFileSync(join(place, 'deep/x.gguf')).equals(memory.files.get('llama3.2-tiny.gguf') ?? new Uint8Array()),
    ).toBe(true);
  });

  it('is planned and carried out in two steps', async () => {
    const path = join(temporaryFolder(), 'x.gguf');
    const plan = await planConversionTo(model, path, { to: 'gguf', type: 'f32' });
    expect(plan.files.map(({ name }) => name)).toEqual(['x.gguf', 'x.gguf.llama-inspect.lock.json']);
    expect(existsSync(path)).toBe(false);
    await runPlanTo(plan, path);
    expect(statSync(path).size + statSync(`${path}.llama-inspect.lock.json`).size).toBe(plan.byteLength);
  });

  it.each([0, 1, 2, 5, 20, 22])('leaves nothing behind when the disk is full at write %i', async (n) => {
    const place = temporaryFolder();
    const output = fullAt(n, directoryOutput(join(place, 'new')));
    const code = await convert(model, output, { to: 'safetensors' }).catch(
      (error: unknown) => (error as ConvertError).code,
    );
    expect(code).toBe('convert/no-space');
    expect(readdirSync(place)).toEqual([]);
  });

  it.each([1, 3, 15])('leaves nothing behind when it is aborted at block %i', async (n) => {
    const place = temporaryFolder();
    const controller = new AbortController();
    let blocks = 0;
    const aborted = convert(model, join(place, 'new', 'x.gguf'), {
      to: 'gguf',
      signal: controller.signal,
      onProgress: () => {
        if (++blocks === n) controller.abort(new Error('enough'));
      },
    });
    await expect(aborted).rejects.toThrow('enough');
    expect(blocks).toBe(n);
    expect(readdirSync(place)).toEqual([]);
  });

  it('leaves no weights of an earlier conversion in a folder it is forced into', async () => {
    const place = join(temporaryFolder(), 'hf');
    await using source = await openModel(copyOfModel('llama3.2-tiny'));
    await convert(source, place, { to: 'safetensors', maxShardSize: 500_000 });
    expect(readdirSync(place)).toContain('model.safetensors.index.json');
    await convert(source, place, { to: 'safetensors', force: true });
    expect(readdirSync(place).filter((name) => name.startsWith('model'))).toEqual(['model.safetensors']);
  });

  it.each(['safetensors', 'meta'] as const)('leaves nothing of another model in a folder of %s', async (to) => {
    const place = join(temporaryFolder(), to);
    await using earlier = await openModel(modelFolder('llama2-tiny'));
    await convert(earlier, place, { to });
    writeFileSync(join(place, 'notes.txt'), 'mine');
    await convert(model, place, { to, force: true });
    const fresh = join(temporaryFolder(), to);
    await convert(model, fresh, { to });
    expect(readdirSync(place)).toEqual([...readdirSync(fresh), 'notes.txt'].sort());
    await using written = await openModel(place);
    expect(written.vocabulary?.size).toBe(model.vocabulary?.size);
  });

  it.each([
    ['meta', 'safetensors'],
    ['safetensors', 'meta'],
  ] as const)('leaves a model of %s alone where %s is to be written', async (from, to) => {
    const place = join(temporaryFolder(), from);
    await using earlier = await openModel(modelFolder('llama2-tiny'));
    await convert(earlier, place, { to: from });
    const contents = (): string[] => readdirSync(place).map((name) => name + readFileSync(join(place, name), 'base64'));
    const before = contents();
    for (const force of [false, true]) {
      await expect(convert(model, place, { to, force })).rejects.toMatchObject({ code: 'convert/exists', path: place });
    }
    expect(contents()).toEqual(before);
    await expect(planConversionTo(model, place, { to })).rejects.toMatchObject({ hint: 'choose another folder' });
    await convert(model, join(place, 'x.gguf'), { to: 'gguf' });
    await convert(earlier, place, { to: from, force: true });
  });

  it('leaves no weights of the time before safetensors in a folder it is forced into', async () => {
    const place = join(temporaryFolder(), 'hf');
    mkdirSync(place);
    const old = ['pytorch_model-00001-of-00002.bin', 'pytorch_model.bin', 'pytorch_model.bin.index.json'];
    for (const name of old) writeFileSync(join(place, name), 'old');
    await convert(model, place, { to: 'safetensors', force: true });
    expect(readdirSync(place).filter((name) => old.includes(name))).toEqual([]);
  });

  it('never writes over what it reads, whatever it is called', async () => {
    const folder = copyOfModel('llama3.2-tiny');
    await using source = await openModel(folder);
    const link = join(temporaryFolder(), 'link');
    symlinkSync(folder, link);
    const refused = async (to: 'gguf' | 'safetensors', path: string): Promise<string> =>
      convert(source, path, { to, force: true }).then(
        () => 'converted',
        (error: unknown) => (error as ConvertError).code,
      );
    for (const path of [folder, link, dirname(folder), `${folder}/.`]) {
      expect(await refused('safetensors', path)).toBe('convert/bad-option');
    }
    expect(await refused('gguf', folder)).toBe('convert/bad-option');
    for (const name of ['consolidated.00.pth', 'params.json', 'tokenizer.model']) {
      expect(await refused('gguf', join(link, name))).toBe('convert/bad-option');
    }
    expect(await refused('gguf', join(link, 'x.gguf'))).toBe('converted');
    await using gguf = await openModel(join(folder, 'x.gguf'));
    const onto = convert(gguf, join(link, 'x.gguf'), { to: 'gguf', type: 'f16', force: true });
    await expect(onto).rejects.toMatchObject({ code: 'convert/bad-option' });
  });

  it('never writes over the tokenizer above, nor over files that the source only links to', async () => {
    const parent = temporaryFolder();
    const [folder, elsewhere] = [join(parent, 'model'), join(parent, 'elsewhere')];
    renameSync(copyOfModel('llama3.2-tiny'), folder);
    mkdirSync(elsewhere);
    renameSync(join(folder, 'consolidated.00.pth'), join(elsewhere, 'model.safetensors'));
    symlinkSync(join(elsewhere, 'model.safetensors'), join(folder, 'consolidated.00.pth'));
    renameSync(join(folder, 'tokenizer.model'), join(parent, 'tokenizer.model'));
    await using source = await openModel(folder);
    const refusal = { code: 'convert/bad-option' };
    for (const path of ['tokenizer.model', 'elsewhere/model.safetensors', 'model/consolidated.00.pth']) {
      await expect(convert(source, join(parent, path), { to: 'gguf', force: true })).rejects.toMatchObject(refusal);
    }
    const sharded = { to: 'safetensors', maxShardSize: 500_000, force: true } as const;
    await expect(convert(source, elsewhere, sharded)).rejects.toMatchObject(refusal);
    expect(readdirSync(elsewhere)).toEqual(['model.safetensors']);
  });

  it('never writes over another part of a split file', async () => {
    const place = temporaryFolder();
    const part = (n: number): string => join(place, `x-0000${n}-of-00002.gguf`);
    for (const n of [1, 2]) writeFileSync(part(n), '');
    await expect(planConversionTo({ ...model, path: part(1) }, part(2), { to: 'gguf' })).rejects.toMatchObject({
      code: 'convert/bad-option',
    });
    writeFileSync(join(place, 'y.gguf'), '');
    const beside = await planConversionTo({ ...model, path: part(1) }, join(place, 'y.gguf'), { to: 'gguf' });
    expect(beside.files.map(({ name }) => name)).toEqual(['y.gguf', 'y.gguf.llama-inspect.lock.json']);
  });
});

describe('writeFileWhole', () => {
  it('writes, refuses to overwrite, and leaves nothing behind', async () => {
    const place = temporaryFolder();
    const path = join(place, 'new', 'x.npy');
    await writeFileWhole(path, Uint8Array.of(1, 2));
    await expect(writeFileWhole(path, Uint8Array.of(3))).rejects.toMatchObject({ code: 'convert/exists' });
    expect([...readFileSync(path)]).toEqual([1, 2]);
    await writeFileWhole(path, Uint8Array.of(3), { force: true });
    expect([...readFileSync(path)]).toEqual([3]);
    expect(readdirSync(join(place, 'new'))).toEqual(['x.npy']);
    mkdirSync(join(place, 'folder'));
    writeFileSync(join(place, 'file'), '');
    await expect(writeFileWhole(join(place, 'folder'), new Uint8Array())).rejects.toMatchObject({
      code: 'convert/exists',
    });
    await expect(writeFileWhole(join(place, 'file', 'x'), new Uint8Array())).rejects.toMatchObject({
      code: 'convert/not-writable',
    });
  });
});
